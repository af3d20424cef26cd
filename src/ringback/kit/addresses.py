"""Which URLs and which network addresses the server may call.

Two questions that are often taken for one. `check_url` asks whether a text is a plain web address; it knows no
network. `AddressPolicy` judges an IP address, and the outgoing client asks it about the address it is about to
connect to, whatever name or spelling led there.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, urlsplit

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL_CHARACTERS: Final = 2048
# Stricter than `urlsplit`, which takes `[::1]x` for `::1`.
_AUTHORITY: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(:[0-9]{1,5})?", re.ASCII)
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*", re.ASCII)

# Services that hand credentials of the machine to whoever asks from it.
_METADATA: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure's WireServer
        "192.0.0.192/32",  # Oracle Cloud Classic
        "fd00:ec2::/32",  # Amazon: ::254 metadata, ::23 pod identity
        "fd20:ce::/32",  # Google: ::254
        "fd00:c1::/32",  # Oracle: ::a9fe:a9fe
        "fd00:42::42/128",  # Scaleway
    )
)
# IPv6 ranges whose addresses carry an IPv4 address in their last 32 bits, and where a packet ends up there.
_CARRIES_IPV4_LAST: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "::ffff:0:0/96",  # IPv4-mapped, RFC 4291 section 2.5.5.2
        "::ffff:0:0:0/96",  # IPv4-translated, RFC 2765
        "64:ff9b::/96",  # NAT64, RFC 6052
        "64:ff9b:1::/48",  # NAT64 of the local network, RFC 8215
        "::/96",  # IPv4-compatible, RFC 4291 section 2.5.5.1; `::` and `::1` are taken out before
    )
)


class BadUrl(ValueError):
    """The URL can't be called. The message says why and never repeats the URL."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which addresses may be connected to.

    `loopback_allowed` belongs true only while the server itself is bound to loopback: then whoever can set a
    webhook can reach those ports anyway. `private_allowed` covers RFC 1918, ULA, shared (RFC 6598) and other
    ranges that are not global: a self-hosted server's webhooks usually live in its own network, so it is true
    unless an operator serves strangers. Link-local, metadata, unspecified, multicast and reserved: never.
    """

    loopback_allowed: bool
    private_allowed: bool = True

    def refusal(self, address: str) -> str | None:
        """Why `address`, an IP address as text (a zone such as `%eth0` may follow), may not be called.

        None means that it may. A text that is no plain address is refused, so that nothing downstream can
        read it in its own way.
        """
        return _judge(self, address)

    def judge_literal(self, url: str) -> None:
        """Raise `BadUrl` when the host of `url` is an address, in any spelling, that may not be called.

        A kindness at the time a URL is set: the connection is judged again, and for names only then.
        """
        host = host_of(url)
        if host.rstrip(".").lower() == "localhost" or host.rstrip(".").lower().endswith(".localhost"):
            address: str | None = "127.0.0.1"  # RFC 6761 section 6.3
        else:
            address = literal_address(host)
        reason = None if address is None else self.refusal(address)
        if reason is not None:
            raise BadUrl(f"the URL leads to {reason}, which this server does not call")


@lru_cache(maxsize=4096)
def _judge(policy: AddressPolicy, address: str) -> str | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "an address in an unusual spelling"
    reached = (_carried_ipv4(parsed) if isinstance(parsed, ipaddress.IPv6Address) else None) or parsed
    never = _never(reached)
    if never is not None:
        return never
    if reached.is_loopback:
        return None if policy.loopback_allowed else "a loopback address"
    if not reached.is_global and not policy.private_allowed:
        return "a private address"
    return None


def _never(address: _Address) -> str | None:
    """What kind of address that is never called `address` is, if it is one."""
    if address.is_unspecified or (address.version == 4 and int(address) >> 24 == 0):
        return "an unspecified address"
    if address.is_link_local:
        return "a link-local address"
    if any(address.version == network.version and address in network for network in _METADATA):
        return "a cloud's metadata service"
    if address.is_multicast:
        return "a multicast address"
    if address.version == 4 and address.is_reserved:
        return "a reserved address"
    return None


def _carried_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a packet to `address` would reach, if it is of a kind that carries one."""
    if address.is_unspecified or address.is_loopback:
        return None
    if address.sixtofour is not None:  # RFC 3056
        return address.sixtofour
    if address.teredo is not None:  # RFC 4380
        return address.teredo[1]
    if any(address in network for network in _CARRIES_IPV4_LAST):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def check_url(url: str) -> str:
    """`url` unchanged, or `BadUrl` when it is not a plain http or https URL.

    Plain means: at most 2,048 characters, none of them white space or a control character, a host that is a
    name (IDNA allowed, RFC 5890), a dotted IPv4 or a bracketed IPv6 address, a port from 1 to 65535, and no
    user name or password: those would end up in listings and logs.
    """
    host, port = _host_and_port(url)
    if not 0 < port < 65536:
        raise BadUrl("the URL's port must be a number from 1 to 65535")
    _check_host(host)
    return url


def host_of(url: str) -> str:
    """The host of `url` in lower-case ASCII (IDNA encoded), without brackets. Raises `BadUrl`."""
    return _ascii_host(_host_and_port(url)[0])


def literal_address(host: str) -> str | None:
    """The IP address that `host` spells, as plain text, or None when it is a name.

    Reads what `getaddrinfo` would: `2130706433`, `0x7f.1`, `0177.0.0.1` and `127.1` are all 127.0.0.1.
    """
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not _looks_numeric(host):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return None


def _split(url: str) -> SplitResult:
    # Looked at before parsing: `urlsplit` silently drops CR, LF and tabs.
    if not url:
        raise BadUrl("the URL is empty")
    if len(url) > MAX_URL_CHARACTERS:
        raise BadUrl(f"the URL is longer than {MAX_URL_CHARACTERS} characters")
    if not url.isprintable() or any(character.isspace() for character in url):
        raise BadUrl("the URL contains white space or a control character")
    if "\\" in url:
        raise BadUrl("the URL contains a backslash")
    try:
        return urlsplit(url)
    except ValueError:
        raise BadUrl("the URL's host is not valid") from None


def _host_and_port(url: str) -> tuple[str, int]:
    parts = _split(url)
    if parts.scheme not in ("http", "https"):
        raise BadUrl("the URL must begin with http:// or https://")
    if not parts.netloc:
        raise BadUrl("the URL has no host")
    if "@" in parts.netloc:
        raise BadUrl("the URL must not contain a user name or password")
    match = _AUTHORITY.fullmatch(parts.netloc)
    if match is None:
        raise BadUrl("the URL's host or port is not valid")
    bracketed, name, port = match.groups()
    if bracketed and ":" not in bracketed:
        raise BadUrl("the URL's host is not a valid IPv6 address")
    return bracketed or name, int(port[1:]) if port else 80


def _check_host(host: str) -> None:
    name = _ascii_host(host)
    if ":" in name:
        if not _is_address(name):
            raise BadUrl("the URL's host is not a valid IPv6 address")
        return
    if _looks_numeric(name):
        # One spelling only: the others exist to slip past whoever reads addresses (RFC 3986 section 7.4).
        if not _is_address(name):
            raise BadUrl("the URL's host must be a name or four decimal numbers from 0 to 255")
        return
    labels = name.removesuffix(".").split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadUrl("the URL's host is not a valid name")


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host.lower()
    from yarl import URL  # comes with aiohttp; only names outside ASCII need it

    try:
        encoded = URL(f"http://{host}/").raw_host
    except ValueError:
        encoded = None
    if not encoded or not encoded.isascii():
        raise BadUrl("the URL's host is not a valid name")
    return encoded.lower()


def _looks_numeric(host: str) -> bool:
    """Whether resolvers may read `host` as an IPv4 address: its last label is a number (WHATWG URL)."""
    return _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]) is not None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
