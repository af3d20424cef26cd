"""The one HTTP client with which the server calls others: webhooks first, then whatever else a customer names.

Everything it meets is taken for hostile: the URL, the addresses its name resolves to, and the answer. See
`docs/decisions/0004-outgoing-http.md`.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

from ringback import __version__
from ringback.kit.addresses import AddressPolicy, BadUrl, check_url, literal_address

if TYPE_CHECKING:  # aiohttp costs 180 ms to import, so it waits for the first request
    from aiohttp import ClientResponse, ClientSession
    from yarl import URL

__all__ = ["AddressPolicy", "BadUrl", "Failure", "OutgoingHttp", "RequestFailed", "Response", "check_url"]

Failure = Literal["timeout", "connect", "refused_address", "tls", "protocol"]
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]

# Many servers drop idle connections after 5 s; leaving first avoids meeting them in the act.
_KEEP_ALIVE_S: Final = 4.0
_CONNECT_S: Final = 10.0
_LOOKUP_THREADS: Final = 16
_READ_BUFFER: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of any status. `body` is the first part of it as text, without NULs; `elapsed_ms` real time."""

    status: int
    body: str
    elapsed_ms: int


class RequestFailed(Exception):
    """The request got no whole answer. The message is short and holds neither path, query nor user info."""

    def __init__(self, kind: Failure, message: str) -> None:
        super().__init__(message)
        self.kind: Failure = kind
        self.message = message


class OutgoingHttp:
    """Posts to addresses that the policy allows; belongs to one event loop, from the first post to `close`.

    It sets no limit on requests in flight: whoever calls it holds the semaphores. `lookup` gives the IP
    addresses of a name, and is the system's resolver unless told otherwise.
    """

    def __init__(self, policy: AddressPolicy, *, lookup: Lookup | None = None) -> None:
        self._policy = policy
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
    ) -> Response:
        """Post `body` once and return the answer, whatever its status; no redirect is followed.

        `timeout_s` (seconds) is for everything, from the name to the last byte kept. Of the answer the first
        `keep_bytes` bytes are read, and a longer one is hung up on. `repeatable` says that the receiver can
        recognise a repetition (webhooks carry an id): a kept-alive connection that turns out to be closed
        before any answer is then tried once more on a new one.

        Raises `RequestFailed`; `ValueError` for a header that holds a line break, which is our own fault.
        """
        _check_headers(headers)
        started = time.perf_counter()
        host = "the endpoint"
        try:
            target = _target(url)
            host = _shown(target)
            self._judge_host(target)
            async with asyncio.timeout(timeout_s):
                status, data = await self._exchange(target, body, headers, keep_bytes, repeatable)
        except RequestFailed:
            raise
        except Exception as error:
            _fail(error, host, timeout_s)
        return Response(status, _as_text(data), round((time.perf_counter() - started) * 1000))

    async def close(self) -> None:
        """Hang up on everybody. The client can't be used afterwards."""
        if self._session is not None:
            await self._session.close()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _judge_host(self, target: "URL") -> None:
        # aiohttp connects to literal addresses without asking any resolver.
        address = literal_address(target.raw_host or "")
        reason = None if address is None else self._policy.refusal(address)
        if reason is not None:
            raise _Refused(reason)

    async def _exchange(
        self, target: "URL", body: bytes, headers: Mapping[str, str], keep_bytes: int, repeatable: bool
    ) -> tuple[int, bytes]:
        from aiohttp import ClientConnectionResetError, ClientOSError, ServerDisconnectedError

        session = self._session or self._open()
        trace = SimpleNamespace(reused=False)
        stale = (ServerDisconnectedError, ClientConnectionResetError, ClientOSError)
        try:
            return await _once(session, target, body, headers, keep_bytes, trace)
        except stale:
            if not (repeatable and trace.reused):
                raise
        return await _once(session, target, body, {**headers, "Connection": "close"}, keep_bytes, trace)

    def _open(self) -> "ClientSession":
        """The session, made in the running loop. Nothing here awaits, so two first posts make one."""
        import aiohttp

        connector = aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=_KEEP_ALIVE_S,
            resolver=_make_resolver(self._policy, self._lookup or self._system_lookup),
            socket_factory=self._make_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            headers={"User-Agent": f"Ringback/{__version__}", "Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
            read_bufsize=_READ_BUFFER,
            trace_configs=[_trace_reuse()],
        )
        return self._session

    def _make_socket(self, address_info: tuple[Any, ...]) -> socket.socket:
        """The gate: a socket for the very address that is connected to next, or `_Refused`."""
        family, kind, protocol, _, address = address_info
        reason = self._policy.refusal(address[0])
        if reason is not None:
            raise _Refused(reason)
        return socket.socket(family, kind, protocol)

    async def _system_lookup(self, host: str, port: int) -> list[str]:
        # Threads of our own: a name server that keeps silent must not use up those the database works in.
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, "ringback-lookup")
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _getaddrinfo, host, port)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _Refused(OSError):
    """An address that the policy does not allow; an OSError because that is what aiohttp passes on whole."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _getaddrinfo(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)


def _make_resolver(policy: AddressPolicy, lookup: Lookup) -> Any:
    from aiohttp.abc import AbstractResolver, ResolveResult

    class JudgingResolver(AbstractResolver):
        """Leaves out addresses that are refused, and says so when nothing else is left."""

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            judged = [(address, policy.refusal(address)) for address in await lookup(host, port)]
            allowed = [address for address, reason in judged if reason is None]
            if not allowed:
                raise _Refused(next((reason for _, reason in judged if reason), "no address"))
            return [_result(host, address, port) for address in allowed]

        async def close(self) -> None:
            pass

    def _result(host: str, address: str, port: int) -> ResolveResult:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)

    return JudgingResolver()


def _trace_reuse() -> Any:
    """Note on each request's trace whether its connection had been used before."""
    import aiohttp

    async def note(_session: object, context: SimpleNamespace, _params: object) -> None:
        context.trace_request_ctx.reused = True

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(note)
    return config


async def _once(
    session: "ClientSession",
    target: "URL",
    body: bytes,
    headers: Mapping[str, str],
    keep_bytes: int,
    trace: SimpleNamespace,
) -> tuple[int, bytes]:
    response = await session.post(
        target, data=body, headers=headers, allow_redirects=False, trace_request_ctx=trace
    )
    try:
        return response.status, await _read(response, keep_bytes)
    finally:
        # Hangs up unless the answer has ended, in which case the connection is back in the pool already.
        response.close()


async def _read(response: "ClientResponse", keep_bytes: int) -> bytes:
    kept = bytearray()
    while len(kept) < keep_bytes:
        chunk = await response.content.readany()
        if not chunk:
            break
        kept += chunk[: keep_bytes - len(kept)]
    return bytes(kept)


@lru_cache(maxsize=4096)
def _target(url: str) -> "URL":
    """`url` parsed for aiohttp, its path and query as written. Raises `BadUrl`."""
    from yarl import URL

    check_url(url)
    # Re-quoting could break a signed URL, so it is left to those that can't go over the wire as they are.
    return URL(url, encoded=url.isascii())


def _shown(target: "URL") -> str:
    return target.host_port_subcomponent or "the endpoint"


def _as_text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\0", "")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not (name.isprintable() and value.isprintable()):
            raise ValueError(f"the header {name!r} holds a line break or a control character")


def _fail(error: Exception, host: str, timeout_s: float) -> NoReturn:
    """Raise the `RequestFailed` that tells what `error` means. Never quotes it: it may hold the URL."""
    kind, message = _explain(error, host, timeout_s)
    raise RequestFailed(kind, message) from None


def _explain(error: Exception, host: str, timeout_s: float) -> tuple[Failure, str]:
    refused = _refused_in(error)
    if refused is not None:
        return "refused_address", f"{host} leads to {refused.reason}, which this server does not call"
    if isinstance(error, BadUrl):
        return "refused_address", str(error)
    import aiohttp

    match error:
        case aiohttp.ConnectionTimeoutError():
            return "timeout", f"could not connect to {host} within {_CONNECT_S:g} s"
        case TimeoutError():
            return "timeout", f"no complete answer from {host} within {timeout_s:g} s"
        case aiohttp.ClientConnectorCertificateError():
            return "tls", f"the certificate of {host} is not valid: {_certificate_reason(error)}"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "tls", f"no secure connection to {host}: the TLS handshake failed"
        case aiohttp.ClientConnectorDNSError():
            return "connect", f"the name of {host} could not be resolved"
        case aiohttp.ClientConnectorError():
            return "connect", f"could not connect to {host}: {error.os_error.strerror or 'no route'}"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | OSError():
            return "connect", f"{host} closed the connection without an answer"
        case aiohttp.ClientPayloadError():
            return "protocol", f"{host} closed the connection in the middle of its answer"
        case aiohttp.ClientError():
            return "protocol", f"{host} did not answer in valid HTTP"
        case RuntimeError():  # uvloop's way to say that a socket can't be used
            return "connect", f"could not connect to {host}"
    raise error


def _certificate_reason(error: Any) -> str:
    reason = getattr(error.certificate_error, "verify_message", "")
    return str(reason) or "it could not be verified"


def _refused_in(error: BaseException | None) -> _Refused | None:
    while error is not None:
        if isinstance(error, _Refused):
            return error
        error = getattr(error, "os_error", None) or error.__cause__
    return None
