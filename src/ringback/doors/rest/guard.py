"""What every request passes before any route: Host, size, request id; and what every answer carries.

A server on localhost is reachable from any web page by DNS rebinding, so the `Host` header is checked from the first
day. Addresses need no list: a page can't make a browser send an address that it did not itself connect to.
"""

import functools
import ipaddress
import time
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes, urlsplit

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringback.doors.rest.errors import JsonBytes, error_response
from ringback.kit import measures, trace
from ringback.kit.ids import IdMaker

_log = structlog.get_logger("ringback.rest")
_LOOPBACK_NAMES = ("localhost",)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_READERS = ("GET", "HEAD", "DELETE", "OPTIONS")
_ONCE = (
    b"authorization",
    b"x-sub-account-id",
    b"idempotency-key",
    b"content-type",
    b"content-encoding",
    b"last-event-id",
)
"""Headers that we read and that stand in a request once: of two, each reader might take another."""
MAX_QUERY_VALUE = 1_000
_CHARSETS = (b"utf-8", b"utf8", b"us-ascii", b"ascii")


class Guard:
    """The outermost ASGI layer.

    `names` are what may stand in `Host` besides `host` and loopback; None takes any. `larger` are the bodies, by method
    and path, that may hold more than others.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        ids: IdMaker,
        host: str,
        names: Iterable[str] | None,
        max_body_bytes: int,
        larger: Mapping[tuple[str, str], int],
    ) -> None:
        self._app = app
        self._ids = ids
        ours = None if names is None else (*_LOOPBACK_NAMES, host, *names)
        self._names = None if ours is None else frozenset(name.lower() for name in ours)
        self._is_ours = functools.lru_cache(maxsize=64)(self._look_up_host)
        self._max_body_bytes = max_body_bytes
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._ids.new("req")
        trace.request_id.set(request_id)
        headers = dict(scope["headers"])
        parent = headers.get(b"traceparent")
        with trace.span(
            "request",
            "server",
            request_id,
            root=True,
            parent=None if parent is None else parent.decode("latin-1"),
        ) as span:
            await self._answer(scope, receive, send, request_id, headers, span)

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        request_id: str,
        headers: dict[bytes, bytes],
        span: trace.Span | None,
    ) -> None:
        id_header = request_id.encode()
        begun = time.perf_counter()
        asked = {**scope, "method": "GET", "ringback.head": True} if scope["method"] == "HEAD" else scope

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                _log.debug("answered", method=scope["method"], path=scope["path"], status=message["status"])
                method = scope["method"] if scope["method"] in _METHODS else "other"
                route, status = _route_of(asked), message["status"]
                measures.REQUESTS.add(time.perf_counter() - begun, method, route, str(status))
                if span is not None:
                    span.rename(f"{method} {route}")
                    span.note(http__route=route, http__response__status_code=status)
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", id_header),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send_marked)
            return
        query = scope["query_string"]
        if b"=" in query:
            asked["query_string"] = _without_empty(query)
        if b"content-length" not in headers and (
            scope["method"] not in _READERS or b"transfer-encoding" in headers
        ):
            receive = _Bounded(receive, self._limit(scope))
        if scope["method"] == "HEAD":
            answer = _Headers(receive, send_marked)
            await self._app(asked, answer.receive, answer.send)
        else:
            await self._app(scope, receive, send_marked)

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> ASGIApp | None:
        if len(headers) != len(scope["headers"]):
            twice = _sent_twice(scope["headers"])
            if twice == b"host":
                return error_response(400, "BAD_REQUEST", "a request has one Host header")
            if twice is not None:
                name = twice.decode().title()
                return error_response(422, "", "may be sent once only", field=name, where="header")
        host = headers.get(b"host")
        if host is None and scope["http_version"] == "1.1":
            return error_response(400, "BAD_REQUEST", "a request has one Host header")
        if not self._is_ours(host or b""):
            return error_response(
                403,
                "HOST_NOT_ALLOWED",
                "this Host is not served here; add it to RINGBACK_ALLOWED_HOSTS if it is yours",
            )
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._max_body_bytes:
            limit = self._limit(scope)
            if not length.isdigit() or int(length) > limit:
                return too_large(limit)
        unread = _unreadable(headers)
        if unread is not None:
            return error_response(415, "UNSUPPORTED_MEDIA_TYPE", unread)
        if "\x00" in scope["path"]:
            return error_response(404, "NOT_FOUND", "there is nothing here")
        if len(scope["query_string"]) > MAX_QUERY_VALUE:
            long = next((pair for pair in scope["query_string"].split(b"&") if _is_too_long(pair)), None)
            if long is not None:
                field = long.partition(b"=")[0][:100].decode("latin-1")
                told = f"takes at most {MAX_QUERY_VALUE} characters"
                return error_response(422, "", told, field=field, where="query")
        if b"%00" in scope["query_string"]:
            pair = next(pair for pair in scope["query_string"].split(b"&") if b"%00" in pair)
            field = pair.partition(b"=")[0].decode("latin-1")
            return error_response(422, "", "must not contain the character NUL", field=field, where="query")
        return None

    def _limit(self, scope: Scope) -> int:
        return max(self._max_body_bytes, self._larger.get((scope["method"], scope["path"]), 0))

    def _look_up_host(self, host: bytes) -> bool:
        if self._names is None:
            return True
        name = _name_of(host.decode("latin-1")).lower().rstrip(".")
        if name in self._names or name.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _route_of(scope: Scope) -> str:
    """The path as its route has it, ids and all left out; what leads nowhere is one route, or anybody could make many."""
    route = scope.get("route")
    return "none" if route is None else str(getattr(route, "path", scope["path"]))


def too_large(limit: int) -> JsonBytes:
    """413; the rest of such a body is not waited for."""
    told = f"a body may hold {limit} bytes at most"
    return error_response(413, "BODY_TOO_LARGE", told, headers={"Connection": "close"})


def _name_of(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _without_empty(query: bytes) -> bytes:
    """An empty query value means "not given": that is how the TypeScript client sends null."""
    pairs = query.split(b"&")
    return b"&".join(pair for pair in pairs if not pair.endswith(b"=") or pair.count(b"=") != 1)


def _unreadable(headers: Mapping[bytes, bytes]) -> str | None:
    """Why a body can't be read as it is declared."""
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in (b"", b"identity"):
        return "bodies are taken as they are: leave out Content-Encoding"
    kind, *parameters = headers.get(b"content-type", b"").lower().split(b";")
    if b"json" in kind:
        for name, _, value in (parameter.partition(b"=") for parameter in parameters):
            if name.strip() == b"charset" and value.strip(b' \t"') not in _CHARSETS:
                return "JSON is taken in UTF-8 only (RFC 8259, 8.1)"
    return None


def _is_too_long(pair: bytes) -> bool:
    return len(unquote_to_bytes(pair.partition(b"=")[2])) > MAX_QUERY_VALUE


def _sent_twice(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The first of the headers that may stand once only, and stand here again."""
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in seen and (name in _ONCE or name == b"host"):
            return name
        seen.add(name)
    return None


class _Headers:
    """Answers HEAD like GET, without the content (RFC 9110, 9.3.2); of a stream nothing is waited for."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._answered = False

    async def receive(self) -> Message:
        return {"type": "http.disconnect"} if self._answered else await self._receive()

    async def send(self, message: Message) -> None:
        if not self._answered:
            self._answered = True
            await self._send(message)
            await self._send({"type": "http.response.body"})


class BodyTooLarge(HTTPException):
    """A body without a declared length went over the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(413)
        self.limit = limit


class _Bounded:
    """Counts a body whose length nobody declared."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._left = limit

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise BodyTooLarge(self._limit)
        return message


def names_of(public_url: str | None, allowed: Iterable[str]) -> list[str]:
    """The Host names of the settings."""
    own = urlsplit(public_url).hostname if public_url else None
    return [name for name in (own, *allowed) if name]
