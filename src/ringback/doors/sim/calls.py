"""`/sim/v1`: calls from and to handsets."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from pydantic import BeforeValidator

from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.sim import call_schemas as wire
from ringback.doors.sim.links import Links
from ringback.kit.wire import DIGITS
from ringback.sim.errors import CallNotFound
from ringback.sim.network import Network

_AUDIO: Final[dict[str, Any]] = {
    "response_class": FileResponse,
    "responses": {200: {"content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}}},
}
Limit = Annotated[int, Query(ge=1, le=100), DIGITS]
Offset = Annotated[int, Query(ge=0, le=2**53), DIGITS]
Wait = Annotated[float, Query(ge=0, le=60), BeforeValidator(lambda given: given or 0)]


def build_calls_router(network: Network, links: Links) -> APIRouter:
    """The router over one network's calls."""
    router = APIRouter(route_class=JsonRoute)
    voice = network.voice

    @router.post("/handsets/{handset_id}/calls")
    async def place_handset_call(
        handset_id: str, body: wire.HandsetCallPlace, request: Request
    ) -> wire.HandsetCallOut:
        steps = wire.steps_of(body.script)
        call = await voice.place(handset_id, body.to, steps, body.record, live=body.live)
        return wire.HandsetCallOut.of(call, links.base(request))

    @router.get("/handsets/{handset_id}/calls")
    async def list_handset_calls(
        handset_id: str,
        request: Request,
        limit: Limit = 20,
        offset: Offset = 0,
        status: wire.CallFilter | None = None,
        wait: Wait = 0,
    ) -> wire.HandsetCallPage:
        found, total = await voice.page(handset_id, limit, offset, status, wait)
        base = links.base(request)
        data = [wire.HandsetCallOut.of(call, base) for call in found]
        return wire.HandsetCallPage(data=data, has_more=offset + len(data) < total, total=total)

    @router.get("/calls/{call_id}")
    async def get_handset_call(call_id: str, request: Request, wait: Wait = 0) -> wire.HandsetCallOut:
        return wire.HandsetCallOut.of(await voice.get(call_id, wait), links.base(request))

    @router.get("/calls/{call_id}/audio", **_AUDIO)
    async def get_handset_call_audio(call_id: str) -> FileResponse:
        call = await voice.get(call_id)
        if not (call.has_audio and voice.audio_path(call.id).exists()):
            raise CallNotFound("This call has no recording, or none yet")
        return FileResponse(voice.audio_path(call.id), media_type="audio/wav", filename=f"{call.id}.wav")

    @router.post("/calls/{call_id}/answer")
    async def answer_handset_call(
        call_id: str, request: Request, body: wire.HandsetCallAnswer | None = None
    ) -> wire.HandsetCallOut:
        steps = wire.steps_of(body.script) if body else []
        return wire.HandsetCallOut.of(await voice.act(call_id, "answer", steps=steps), links.base(request))

    @router.post("/calls/{call_id}/decline")
    async def decline_handset_call(call_id: str, request: Request) -> wire.HandsetCallOut:
        return wire.HandsetCallOut.of(await voice.act(call_id, "decline"), links.base(request))

    @router.post("/calls/{call_id}/hangup")
    async def hang_up_handset_call(call_id: str, request: Request) -> wire.HandsetCallOut:
        return wire.HandsetCallOut.of(await voice.act(call_id, "hangup"), links.base(request))

    @router.post("/calls/{call_id}/talk")
    async def talk_in_handset_call(call_id: str) -> wire.HandsetCallToken:
        return wire.HandsetCallToken(call_id=call_id, access_token=await voice.let_in(call_id))

    @router.post("/calls/{call_id}/dtmf")
    async def press_keys_in_handset_call(
        call_id: str, body: wire.HandsetCallKeys, request: Request
    ) -> wire.HandsetCallOut:
        call = await voice.act(call_id, "dtmf", digits=body.digits)
        return wire.HandsetCallOut.of(call, links.base(request))

    return router
