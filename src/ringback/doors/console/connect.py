"""`/console/live`: a page opens its WebSocket here, and says which blocks it shows."""

import asyncio
import socket
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ringback.doors.console.desk import Desk, zone_of
from ringback.doors.console.live import BLOCKS
from ringback.doors.console.session import is_own
from ringback.doors.console.socket import SIGN_IN
from ringback.doors.http.handing import HAND_OVER
from ringback.kit.websocket import BadHandshake, accepted, closing, offered

_MOST_BLOCKS = 100


async def join(desk: Desk, request: Request) -> Response:
    hand_over: Callable[[bytes], socket.socket] | None = request.scope.get("extensions", {}).get(HAND_OVER)
    if hand_over is None:
        raise HTTPException(426)
    if not is_own(request, desk.parts.settings.public_url):
        raise HTTPException(403)
    try:
        offered(request.headers)
    except BadHandshake:
        raise HTTPException(400) from None
    opening = accepted(request.headers["sec-websocket-key"])
    caller = await desk.sessions.caller(request)
    if caller is None:
        with hand_over(opening + closing(SIGN_IN, "sign in again")) as page:
            page.shutdown(socket.SHUT_WR)
        return Response(status_code=101)
    names = frozenset(name for name in request.query_params.getlist("show") if _is_block(name))
    if len(names) > _MOST_BLOCKS:
        raise HTTPException(400)
    ask, zone = desk.ask(caller), zone_of(request)
    connection = hand_over(opening)
    joined = desk.live.join(ask, zone, names)
    try:
        await asyncio.get_running_loop().connect_accepted_socket(lambda: joined, connection)
    except OSError:
        joined.connection_lost(None)
        connection.close()
        return Response(status_code=101)
    desk.live.greet(joined, ask, zone, names)
    desk.live.end_with(joined, lambda: desk.sessions.caller(request))
    return Response(status_code=101)


def _is_block(name: str) -> bool:
    return name.partition(":")[0] in BLOCKS
