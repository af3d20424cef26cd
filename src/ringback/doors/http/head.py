"""The head of a request: what is refused about it, and what is read in another way than it was written."""

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from ringback.doors.http.limits import Limits
from ringback.doors.rest.errors import error_response

_log = structlog.get_logger("ringback.http")

Header = tuple[bytes, bytes]


class Refusal(Exception):
    """A request that is refused before the application hears of it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def spell(self, request_id: str, headers: list[Header]) -> bytes:
        """The whole answer, as bytes; `headers` are those of every answer of this server."""
        extra = {"Connection": "close", "X-Request-ID": request_id, "X-Content-Type-Options": "nosniff"}
        if self.status == 503:
            extra["Retry-After"] = "1"
        answer = error_response(self.status, self.code, self.message, headers=extra)
        lines = [b"%s: %s\r\n" % header for header in (*headers, *answer.raw_headers)]
        return b"".join([STATUS_LINE[self.status], *lines, b"\r\n", bytes(answer.body)])


def refusal_of(error: httptools.HttpParserError) -> Refusal:
    """What the parser's error means for the client."""
    if isinstance(error, httptools.HttpParserCallbackError):
        cause = error.__context__
        if isinstance(cause, Refusal):
            return cause
        if not isinstance(cause, httptools.HttpParserError):
            _log.error("reading a request failed in an unforeseen way", exc_info=cause)
        return Refusal(400, "BAD_REQUEST", "this is no HTTP/1.1 request")
    return Refusal(400, "BAD_REQUEST", f"this is no HTTP/1.1 request: {error}")


def target_too_long(limits: Limits) -> Refusal:
    told = f"path and query may hold {limits.max_target_bytes} bytes at most"
    return Refusal(414, "URI_TOO_LONG", told)


def head_too_large(limits: Limits) -> Refusal:
    told = f"the headers of a request may hold {limits.max_head_bytes} bytes at most"
    return Refusal(431, "HEADERS_TOO_LARGE", told)


def check(limits: Limits, url: bytes, headers: list[Header], version: str, received: int) -> None:
    """Raise `Refusal` for a head that is too much; it came in at most `received` bytes."""
    if len(url) > limits.max_target_bytes:
        raise target_too_long(limits)
    if b"#" in url:
        raise Refusal(400, "BAD_REQUEST", "the target of a request has no fragment (#): write it as %23")
    if len(headers) > limits.max_headers:
        raise Refusal(431, "HEADERS_TOO_LARGE", f"a request takes {limits.max_headers} headers at most")
    if received > limits.max_head_bytes:
        size = len(url) + sum(len(name) + len(value) + 4 for name, value in headers)
        if size > limits.max_head_bytes:
            raise head_too_large(limits)
    if version not in ("1.1", "1.0"):
        raise Refusal(400, "BAD_REQUEST", "HTTP/1.1 is spoken here")


def origin_form(method: bytes, url: bytes, headers: list[Header]) -> bytes:
    """The path and query of a target that does not begin with `/`. Raises `Refusal`.

    Of `GET http://host/path` the host counts, and the Host header does not (RFC 9112, 3.2.2).
    """
    if url == b"*" and method == b"OPTIONS":
        return url
    authority = url.partition(b"://")[2].partition(b"/")[0].partition(b"?")[0]
    try:
        parts = httptools.parse_url(url)
    except httptools.HttpParserError:
        parts = None
    if parts is None or (parts.schema or b"").lower() not in (b"http", b"https") or b"@" in authority:
        raise Refusal(400, "BAD_REQUEST", "the target of a request is a path that begins with /")
    headers[:] = [header for header in headers if header[0] != b"host"]
    headers.append((b"host", authority))
    return (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")


def without_upgrade(method: bytes, url: bytes, version: str, headers: list[Header]) -> bytes:
    """The head as it would have been sent without the offer of another protocol. Raises `Refusal` for CONNECT."""
    if method == b"CONNECT":
        raise Refusal(400, "BAD_REQUEST", "CONNECT is not served here")
    lines = [b"%s %s HTTP/%s\r\n" % (method, url, version.encode())]
    for name, value in headers:
        if name == b"connection":
            if b"close" in value.lower():
                lines.append(b"connection: close\r\n")
        elif name != b"upgrade":
            lines.append(b"%s: %s\r\n" % (name, value))
    return b"".join(lines) + b"\r\n"
