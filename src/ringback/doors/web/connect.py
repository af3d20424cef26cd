"""/v1/calls/web/connect: a page opens a WebSocket, which is handed to the process that holds its call."""

from functools import partial

from fastapi import APIRouter, Request, Response

from ringback.calls.errors import BadToken
from ringback.doors.rest.parts import parts_of
from ringback.doors.web.opening import BAD_TOKEN, OPENED, UNAVAILABLE, Opening
from ringback.flows.web_call import where_held
from ringback.kit.clock import real_ms

PATH = "/v1/calls/web/connect"
NO_VOICE = "no calls can be held here"

router = APIRouter(tags=["calls"])


@router.get(
    PATH,
    operation_id="connectWebCall",
    status_code=101,
    response_class=Response,
    responses=OPENED,
)
async def connect_web_call(request: Request) -> Response:
    parts = parts_of(request)
    opening = Opening(request, parts.settings.web_origins)
    switchboard = parts.switchboard
    if switchboard is None:
        return await _elsewhere(request, opening)
    trouble = switchboard.trouble()
    if trouble is not None:
        return opening.refuse(UNAVAILABLE, trouble)
    try:
        call_id = await switchboard.admit(opening.secret)
    except BadToken as refused:
        return opening.refuse(BAD_TOKEN, refused.message)
    except OSError as error:
        return opening.refuse(UNAVAILABLE, str(error))
    return await opening.hand_on(partial(switchboard.bring, call_id), call_id)


async def _elsewhere(request: Request, opening: Opening) -> Response:
    """Bring the page to the process that holds its call, or is to hold it."""
    parts, tunnels = parts_of(request), request.app.state.tunnels
    key = parts.line.hash_key
    try:
        base = await parts.store.read(lambda db: where_held(db, key, opening.secret, real_now=real_ms()))
    except BadToken as refused:
        return opening.refuse(BAD_TOKEN, refused.message)
    if base is None:
        return opening.refuse(UNAVAILABLE, NO_VOICE)
    answer: Response = await tunnels.open(
        opening, request, f"{base}{PATH}", who="the process that holds calls"
    )
    return answer
