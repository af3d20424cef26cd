"""/v1/calls/{call_id}/transcript: what was said, and what is being said"""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from ringback.calls import service, store
from ringback.calls.schemas import CallTranscript, Connected, Ended, SaidOut
from ringback.calls.waiting import CallWaits
from ringback.doors.rest.caller import Caller, Scoped
from ringback.doors.rest.endpoints.events import HEARTBEAT_S
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.event_stream import STREAM, event_stream
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import to_bytes
from ringback.doors.rest.parts import parts_of
from ringback.kit.faults import Fault
from ringback.kit.wire import CamelWire
from ringback.storage.tx import Reads, Row

router = APIRouter(route_class=JsonRoute, prefix="/v1/calls/{call_id}/transcript", tags=["calls"])


@router.get("", operation_id="getCallTranscript", response_model=CallTranscript)
async def get_call_transcript(request: Request, caller: Scoped, call_id: str) -> JsonBytes:
    def query(db: Reads) -> CallTranscript:
        call = service.get(db, caller.account_id, call_id)
        return CallTranscript.of(call, store.turns(db, call))

    return JsonBytes(to_bytes(await parts_of(request).store.read(query)))


@router.get("/stream", operation_id="streamCallTranscript", **STREAM)
async def stream_call_transcript(request: Request, caller: Scoped, call_id: str) -> StreamingResponse:
    parts = parts_of(request)
    call = await parts.store.read(lambda db: service.get(db, caller.account_id, call_id))
    return event_stream(_lines(parts.calls, caller, call))


async def _lines(waits: CallWaits, caller: Caller, call: Row) -> AsyncIterator[bytes]:
    """The stream, until the call is over or the server stops."""
    yield _event("connected", Connected(call_id=call["id"], status=call["status"]))
    after = 0
    while not waits.stopping:
        try:
            call, turns = await waits.said(caller.account_id, call["id"], after=after, wait_s=HEARTBEAT_S)
        except Fault:
            # The store is away: a status can't be given any more, but whoever asks again gets one.
            return
        for turn in turns:
            after = turn["n"]
            yield _event("turn", SaidOut.of(turn))
        if service.is_over(call):
            yield _event("ended", Ended.of(call))
            return
        if not turns and not waits.stopping:
            yield b": heartbeat\n\n"


def _event(name: str, data: CamelWire) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), to_bytes(data))
