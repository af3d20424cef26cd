"""The one HTTP client with which the server calls others: webhooks, media, whatever else a customer names.

Everything it meets is taken for hostile: the URL, the addresses its name resolves to, and the answer. See
`docs/decisions/0004-outgoing-http.md`.
"""

import asyncio
import importlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from ringback import __version__
from ringback.kit.addresses import AddressPolicy, BadUrl, check_url, literal_address
from ringback.kit.http_answers import Download, Response, Streamed
from ringback.kit.http_failure import CONNECT_S, Failure, Refused, RequestFailed, explain
from ringback.kit.http_session import Lookup, make_resolver, make_response_class
from ringback.kit.times import retry_after_s

if TYPE_CHECKING:  # aiohttp costs 180 ms to import, so it waits for the first request
    from aiohttp import ClientResponse, ClientSession
    from yarl import URL

__all__ = [
    "AddressPolicy",
    "BadUrl",
    "Download",
    "Failure",
    "OutgoingHttp",
    "RequestFailed",
    "Response",
    "Streamed",
    "check_url",
]

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
HasRoom = Callable[[int], Awaitable[bool]]

# Many servers drop idle connections after 5 s; leaving first avoids meeting them in the act.
_KEEP_ALIVE_S: Final = 4.0
_LOOKUP_THREADS: Final = 16
_READ_BUFFER: Final = 16 * 1024
_ONE_PIECE: Final = 512 * 1024
_TRIES: Final = 3  # the last of several kept connections may be stale as well

# Addresses to which the request at hand opened sockets: none means that it went over a kept connection.
_opened: ContextVar[list[str]] = ContextVar("opened")


@dataclass(frozen=True, slots=True)
class _Target:
    """A URL made ready: for aiohttp, as messages show it, and the address if its host is a literal one."""

    url: "URL"
    shown: str
    address: str | None


class OutgoingHttp:
    """Calls addresses that the policy allows; belongs to one event loop, from the first request to `close`.

    It sets no limit on requests in flight: whoever calls it holds the semaphores. `lookup` gives the IP
    addresses of a name, and is the system's resolver unless told otherwise. A connection is kept for `keep_alive_s`.
    """

    def __init__(
        self, policy: AddressPolicy, *, lookup: Lookup | None = None, keep_alive_s: float = _KEEP_ALIVE_S
    ) -> None:
        self._policy = policy
        self._keep_alive_s = keep_alive_s
        self._lookup = lookup
        self._session: ClientSession | None = None
        self._threads: ThreadPoolExecutor | None = None

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        keep_bytes: int = 4096,
        repeatable: bool = False,
        method: Literal["POST", "GET"] = "POST",
    ) -> Response:
        """Post `body` once and return the answer, whatever its status; no redirect is followed. A GET has no body.

        `timeout_s` (seconds) is for everything, from the name to the last byte kept. Of the answer the first
        `keep_bytes` bytes are read, and a longer one is hung up on. `repeatable` says that the receiver can
        recognise a repetition (webhooks carry an id): if a kept-alive connection turns out to be closed, with
        no answer, another one is then tried at once.

        Raises `RequestFailed`; `ValueError` for a header that holds a line break, which is our own fault.
        """
        _check_headers(headers)
        started = time.perf_counter()
        async with self._sent(
            method,
            url,
            None if method == "GET" else body,
            headers,
            timeout_s=timeout_s,
            repeatable=repeatable,
        ) as response:
            status, data = response.status, await _read(response, keep_bytes)
            later = retry_after_s(response.headers.get("Retry-After"))
        return Response(status, _as_text(data), round((time.perf_counter() - started) * 1000), later)

    @asynccontextmanager
    async def stream(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        max_bytes: int,
        repeatable: bool = False,
    ) -> AsyncIterator[Streamed]:
        """Post `body` once and let the answer be read inside, as it comes; no redirect is followed.

        `timeout_s` (seconds) is for everything. Leaving early hangs up. An answer of more than `max_bytes` ends there.
        `repeatable` is as with `post`.

        Raises `RequestFailed`, while the answer is read as well; `ValueError` as `post` does.
        """
        _check_headers(headers)
        async with self._sent(
            "POST", url, body, headers, timeout_s=timeout_s, repeatable=repeatable
        ) as response:
            later = retry_after_s(response.headers.get("Retry-After"))
            kind = response.headers.get("Content-Type", "")
            yield Streamed(
                response.status, kind, _pieces(response, max_bytes), later, response.content_length
            )

    async def get(
        self,
        url: str,
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        timeout_s: float,
        max_bytes: int,
        has_room: HasRoom | None = None,
    ) -> Download:
        """Get `url` and return the answer, whatever its status; no redirect is followed.

        `timeout_s` (seconds) is for everything. A body larger than `max_bytes` is hung up on as soon as that is
        known, and one that was compressed, which nobody asked for, is not read. `has_room` is asked before a body is
        read, with the most bytes that it can have, and hangs up with a False.

        Raises `RequestFailed`; its kind is `too_large` or `no_room` for such a body.
        """
        async with self._sent("GET", url, None, headers, timeout_s=timeout_s, repeatable=True) as response:
            told = response.headers
            if response.status != 200:
                return Download(response.status, None, told.get("Location"), b"")
            host = response.url.host_port_subcomponent
            if told.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
                raise RequestFailed("protocol", f"{host} compressed its answer, which was not asked for")
            most = max_bytes if response.content_length is None else response.content_length
            too_large = most > max_bytes
            if not (too_large or has_room is None or await has_room(most)):
                raise RequestFailed("no_room", f"there was no room for the answer of {host}")
            body = b"" if too_large else await _read(response, max_bytes + 1)
            if too_large or len(body) > max_bytes:
                raise RequestFailed("too_large", f"the answer of {host} is larger than {max_bytes} bytes")
            return Download(200, told.get("Content-Type"), None, body)

    async def warm_up(self, *, after_s: float) -> None:
        """Import what the first post needs, in a thread: it takes a quarter of a second that no post should wait for.

        `after_s` leaves a starting server its time for its first answers.
        """
        await asyncio.sleep(after_s)
        await asyncio.to_thread(importlib.import_module, "aiohttp")

    async def close(self) -> None:
        """Hang up on everybody. The client can't be used afterwards."""
        if self._session is not None:
            await self._session.close()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _judge_literal(self, target: _Target) -> None:
        # aiohttp connects to literal addresses without asking any resolver.
        reason = None if target.address is None else self._policy.refusal(target.address)
        if reason is not None:
            raise Refused(reason)

    @asynccontextmanager
    async def _sent(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        repeatable: bool,
    ) -> AsyncIterator["ClientResponse"]:
        """The answer's head; its body is to be read inside, within the same timeout. Raises `RequestFailed`."""
        host = "the endpoint"
        try:
            target = _target(url)
            host = target.shown
            self._judge_literal(target)
            async with asyncio.timeout(timeout_s):
                response = await self._send(method, target.url, body, headers, repeatable)
                try:
                    yield response
                finally:
                    # Hangs up unless the answer has ended, in which case the connection is back in the pool already.
                    response.close()
        except RequestFailed:
            raise
        except Exception as error:
            raise explain(error, host, timeout_s) from None

    async def _send(
        self, method: str, target: "URL", body: bytes | None, headers: Mapping[str, str], repeatable: bool
    ) -> "ClientResponse":
        """The head of the answer. A repetition is what RFC 9110 section 9.2.2 allows, and only if told so."""
        from aiohttp import ClientConnectorError, ClientOSError, ServerDisconnectedError

        session = self._session or self._open()
        opened: list[str] = []
        _opened.set(opened)
        tries = _TRIES if repeatable else 1
        while True:
            tries -= 1
            try:
                return await session.request(
                    method, target, data=_payload(body), headers=headers, allow_redirects=False
                )
            except ClientConnectorError:
                raise
            except (ServerDisconnectedError, ClientOSError):
                if opened or not tries:
                    raise

    def _open(self) -> "ClientSession":
        """The session, made in the running loop. Nothing here awaits, so two first posts make one."""
        import aiohttp

        connector = aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=self._keep_alive_s,
            resolver=make_resolver(self._policy, self._lookup or self._system_lookup),
            socket_factory=self._make_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            response_class=make_response_class(),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
            headers={"User-Agent": f"Ringback/{__version__}", "Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
            read_bufsize=_READ_BUFFER,
        )
        return self._session

    def _make_socket(self, address_info: tuple[Any, ...]) -> socket.socket:
        """The gate: a socket for the very address that is connected to next, or `Refused`."""
        family, kind, protocol, _, address = address_info
        reason = self._policy.refusal(address[0])
        if reason is not None:
            raise Refused(reason)
        _opened.get([]).append(address[0])
        return socket.socket(family, kind, protocol)

    async def _system_lookup(self, host: str, port: int) -> list[str]:
        # Threads of our own: a name server that keeps silent must not use up those the database works in.
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, "ringback-lookup")
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _getaddrinfo, host, port)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _getaddrinfo(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)


def _payload(body: bytes | None) -> "bytes | BytesIO | None":
    # aiohttp warns of large bytes, which it would write in one piece.
    return body if body is None or len(body) < _ONE_PIECE else BytesIO(body)


async def _pieces(response: "ClientResponse", max_bytes: int) -> AsyncIterator[bytes]:
    left = max_bytes
    while left > 0 and (chunk := await response.content.readany()):
        yield chunk[:left]
        left -= len(chunk)


async def _read(response: "ClientResponse", keep_bytes: int) -> bytes:
    kept = bytearray()
    while len(kept) < keep_bytes:
        chunk = await response.content.readany()
        if not chunk:
            break
        kept += chunk[: keep_bytes - len(kept)]
    return bytes(kept)


@lru_cache(maxsize=4096)
def _target(url: str) -> _Target:
    """`url` parsed, its path and query as written. Raises `BadUrl`."""
    from yarl import URL

    check_url(url)
    # Re-quoting could break a signed URL, so it is left to those that can't go over the wire as they are.
    parsed = URL(url, encoded=url.isascii())
    return _Target(parsed, parsed.host_port_subcomponent or "", literal_address(parsed.raw_host or ""))


def _as_text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\0", "")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not (name.isprintable() and value.isprintable()):
            raise ValueError(f"the header {name!r} holds a line break or a control character")
