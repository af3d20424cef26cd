"""How a page's WebSocket is opened at a door of this server, and handed on to the process that holds its call.

The server reads no frame: it answers the handshake, and is out of it. Why a page is not let in is told in the frame that closes,
since a script is told nothing of an HTTP answer.
"""

import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import structlog
from fastapi import Request, Response

from ringback.doors.http.handing import HAND_OVER
from ringback.doors.rest.errors import ApiError
from ringback.kit.websocket import BadHandshake, accepted, closing, offered

_log = structlog.get_logger("ringback.web")
PROTOCOL = "ringback.v1"
"""The subprotocol (docs/decisions/0028-browser-leg.md)."""
BAD_TOKEN, UNAVAILABLE = 4401, 4503
"""With these codes a WebSocket is closed that leads to no call."""
OPENED: dict[int | str, dict[str, Any]] = {101: {"description": "The WebSocket is open"}}
"""How an operation that opens one is described."""


class Opening:
    """One request that wants to open a WebSocket, and comes with `secret`, a token or a ticket.

    Raises `ApiError` for a request that is none, and for one of a page whose origin is not among `origins`, if there are any.
    """

    def __init__(self, request: Request, origins: Iterable[str]) -> None:
        hand_over: Callable[[bytes], socket.socket] | None = request.scope.get("extensions", {}).get(
            HAND_OVER
        )
        if hand_over is None:
            told = "a page opens this as a WebSocket: see docs/web-calls.md"
            raise ApiError(426, "UPGRADE_REQUIRED", told, headers={"Upgrade": "websocket"})
        self._hand_over = hand_over
        _check_origin(request.headers.get("origin"), origins)
        self._answer, self.secret = _handshake(request)

    async def hand_on(self, bring: Callable[[socket.socket], Awaitable[None]], call_id: str) -> Response:
        """Open it, and let `bring` give it to whoever holds the call; where that is nobody (`OSError`), the page hears so."""
        with self._hand_over(self._answer) as page:
            try:
                await bring(page)
            except OSError as error:
                _log.warning("a browser can't be connected", call_id=call_id, reason=str(error))
                page.send(closing(UNAVAILABLE, str(error)))
        return Response(status_code=101)

    def refuse(self, code: int, reason: str) -> Response:
        """Open it to say why it is closed."""
        with self._hand_over(self._answer + closing(code, reason)) as page:
            page.shutdown(socket.SHUT_WR)
        return Response(status_code=101)

    def take(self, answer: bytes) -> socket.socket:
        """The connection, after another server's `answer` to the handshake. Raises `OSError`."""
        return self._hand_over(answer)


def _handshake(request: Request) -> tuple[bytes, str]:
    """The answer that opens the WebSocket, and the token or ticket with which the page comes."""
    headers = request.headers
    try:
        protocol, *secrets = offered(headers)
        if protocol != PROTOCOL or len(secrets) != 1:
            raise BadHandshake
    except ValueError as error:
        told = str(error) or f"the subprotocols are {PROTOCOL} and the access token of the call"
        raise ApiError(400, "BAD_REQUEST", told) from None
    return accepted(headers["sec-websocket-key"], PROTOCOL), secrets[0]


def _check_origin(origin: str | None, allowed: Iterable[str]) -> None:
    """Raises 403 for a page of an origin that the settings don't name. What is no page names none (RFC 6455, 10.2)."""
    if origin is None:
        return
    try:
        parts = urlsplit(origin)
        is_one = (
            parts.scheme in ("http", "https")
            and parts.netloc
            and origin == f"{parts.scheme}://{parts.netloc}"
        )
    except ValueError:
        is_one = False
    known = [name.rstrip("/") for name in allowed]
    if (known and origin.lower() not in known) or not (is_one or origin == "null"):
        told = "pages of this Origin may make no calls here; add it to RINGBACK_WEB_ORIGINS if it is yours"
        raise ApiError(403, "ORIGIN_NOT_ALLOWED", told)
