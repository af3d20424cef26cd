"""`/sim/v1/calls/web/connect`: a person's page holds a handset, over a WebSocket that is handed to the exchange.

The frames are those of web calls (docs/decisions/0028-browser-leg.md), and so is the module for pages: it is told that Ringback is
at `/sim/`. The path needs no key, since a page has none: it comes with a token.
"""

from collections.abc import Iterable
from functools import partial

from fastapi import APIRouter, Request, Response

from ringback.doors.web.opening import BAD_TOKEN, OPENED, Opening
from ringback.sim.errors import BadToken
from ringback.sim.network import Network

PATH = "/sim/v1/calls/web/connect"


def build_talk_router(network: Network, origins: Iterable[str] = ()) -> APIRouter:
    """The router over one network, for pages of these origins, or of all where there are none."""
    router = APIRouter()

    @router.get(
        PATH,
        operation_id="connectHandsetCall",
        status_code=101,
        response_class=Response,
        responses=OPENED,
    )
    async def connect_handset_call(request: Request) -> Response:
        opening = Opening(request, origins)
        try:
            call_id = await network.voice.admit(opening.secret)
        except BadToken as refused:
            return opening.refuse(BAD_TOKEN, refused.message)
        return await opening.hand_on(partial(network.voice.bring, call_id), call_id)

    return router
