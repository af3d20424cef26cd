"""What every request passes before any route: Host, size, request id; and what every answer carries.

A server on localhost is reachable from any web page by DNS rebinding, so the `Host` header is checked from the first
day. Addresses need no list: a page can't make a browser send an address that it did not itself connect to.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringback.doors.rest.errors import JsonBytes, error_response
from ringback.kit import trace
from ringback.kit.ids import IdMaker

_log = structlog.get_logger("ringback.rest")
_LOOPBACK_NAMES = ("localhost",)
_READERS = ("GET", "HEAD", "DELETE", "OPTIONS")


class Guard:
    """The outermost ASGI layer. `larger` are the bodies, by method and path, that may hold more than others."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        ids: IdMaker,
        host: str,
        names: Iterable[str],
        max_body_bytes: int,
        larger: Mapping[tuple[str, str], int],
    ) -> None:
        self._app = app
        self._ids = ids
        self._names = frozenset(name.lower() for name in (*_LOOPBACK_NAMES, host, *names))
        self._max_body_bytes = max_body_bytes
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._ids.new("req")
        trace.request_id.set(request_id)
        id_header = request_id.encode()

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                _log.debug("answered", method=scope["method"], path=scope["path"], status=message["status"])
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", id_header),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        headers = dict(scope["headers"])
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send_marked)
            return
        query = scope["query_string"]
        if b"=" in query:
            scope["query_string"] = _without_empty(query)
        if scope["method"] not in _READERS and b"content-length" not in headers:
            receive = _Bounded(receive, self._limit(scope))
        await self._app(scope, receive, send_marked)

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> ASGIApp | None:
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._is_ours(host):
            return error_response(
                403,
                "HOST_NOT_ALLOWED",
                "this Host is not served here; add it to RINGBACK_ALLOWED_HOSTS if it is yours",
            )
        length = headers.get(b"content-length", b"0")
        limit = self._limit(scope)
        if not length.isdigit() or int(length) > limit:
            return too_large(limit)
        if "\x00" in scope["path"]:
            return error_response(404, "NOT_FOUND", "there is nothing here")
        if b"%00" in scope["query_string"]:
            pair = next(pair for pair in scope["query_string"].split(b"&") if b"%00" in pair)
            field = pair.partition(b"=")[0].decode("latin-1")
            return error_response(422, "", "must not contain the character NUL", field=field, where="query")
        return None

    def _limit(self, scope: Scope) -> int:
        return max(self._max_body_bytes, self._larger.get((scope["method"], scope["path"]), 0))

    def _is_ours(self, host: str) -> bool:
        name = _name_of(host).lower().rstrip(".")
        if name in self._names or name.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def too_large(limit: int) -> JsonBytes:
    return error_response(413, "BODY_TOO_LARGE", f"a body may hold {limit} bytes at most")


def _name_of(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _without_empty(query: bytes) -> bytes:
    """An empty query value means "not given": that is how the TypeScript client sends null."""
    pairs = query.split(b"&")
    return b"&".join(pair for pair in pairs if not pair.endswith(b"=") or pair.count(b"=") != 1)


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
