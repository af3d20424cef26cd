"""`/sim/v1`: handsets, their texts and calls, the line and its faults, the clock."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator

from ringback.doors.rest.errors import ApiError
from ringback.doors.rest.event_stream import STREAM, event_stream
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.sim import schemas as wire
from ringback.doors.sim.calls import build_calls_router
from ringback.doors.sim.clock import ClockDoor, anybody, build_clock_router
from ringback.doors.sim.links import Links
from ringback.doors.sim.media import build_upload_router
from ringback.kit.times import from_iso
from ringback.kit.wire import DIGITS
from ringback.sim.network import Network
from ringback.sim.texts import Cursor as Place

HEARTBEAT_S = 15.0
Limit = Annotated[int, Query(ge=1, le=100), DIGITS]
Offset = Annotated[int, Query(ge=0, le=2**53), DIGITS]
Wait = Annotated[float, Query(ge=0, le=60), BeforeValidator(lambda given: given or 0)]
Cursor = Annotated[
    str | None,
    Query(
        description="A date-time, or the id of a text.",
        json_schema_extra={
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "pattern": "^hsm_"}]
        },
    ),
]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID")]


def build_router(
    network: Network,
    clock_door: ClockDoor,
    links: Links,
    *,
    may_move: Callable[[Request], Awaitable[None]] = anybody,
) -> APIRouter:
    """The router over one network; who may call is the including app's matter, and who may move the clock `may_move`'s."""
    router = APIRouter(prefix="/sim/v1")
    router.include_router(_handsets(network))
    router.include_router(_texts(network, links))
    router.include_router(build_upload_router(network, links))
    router.include_router(build_calls_router(network, links))
    router.include_router(_line(network))
    router.include_router(build_clock_router(clock_door, may_move))
    return router


def _handsets(network: Network) -> APIRouter:
    router = APIRouter(route_class=JsonRoute)

    @router.post("/handsets")
    async def create_handset(body: wire.HandsetCreate | None = None) -> wire.HandsetOut:
        asked = body or wire.HandsetCreate()
        handset = await network.create_handset(**asked.model_dump())
        return wire.HandsetOut.of(handset)

    @router.get("/handsets")
    async def list_handsets(limit: Limit = 20, offset: Offset = 0) -> wire.HandsetPage:
        found, total = await network.list_handsets(limit, offset)
        data = [wire.HandsetOut.of(handset) for handset in found]
        return wire.HandsetPage(data=data, has_more=offset + len(data) < total, total=total)

    @router.get("/handsets/{handset_id}")
    async def get_handset(handset_id: str) -> wire.HandsetOut:
        return wire.HandsetOut.of(await network.get_handset(handset_id))

    @router.patch("/handsets/{handset_id}")
    async def change_handset(handset_id: str, body: wire.HandsetChange) -> wire.HandsetOut:
        return wire.HandsetOut.of(await network.change_handset(handset_id, body.changes()))

    @router.delete("/handsets/{handset_id}")
    async def delete_handset(handset_id: str) -> wire.Deleted:
        await network.delete_handset(handset_id)
        return wire.Deleted(success=True)

    return router


def _texts(network: Network, links: Links) -> APIRouter:
    router = APIRouter(route_class=JsonRoute)

    @router.post("/handsets/{handset_id}/messages")
    async def send_text(handset_id: str, body: wire.TextSend, request: Request) -> wire.TextOut:
        text = await network.send_text(
            handset_id, body.to, body.body or "", body.media_urls or (), body.channel
        )
        return wire.TextOut.of(text, links.base(request))

    @router.get("/handsets/{handset_id}/messages")
    async def list_texts(
        handset_id: str,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=200), DIGITS] = 50,
        before: Cursor = None,
        after: Cursor = None,
        wait: Wait = 0,
    ) -> wire.TextPage:
        found, more = await network.list_texts(
            handset_id,
            limit=limit,
            before=_cursor("before", before),
            after=_cursor("after", after),
            wait_s=wait,
        )
        base = links.base(request)
        return wire.TextPage(data=[wire.TextOut.of(text, base) for text in found], has_more=more)

    @router.get("/handsets/{handset_id}/events", **STREAM)
    async def stream_handset(
        handset_id: str, request: Request, last_event_id: LastEventId = None
    ) -> StreamingResponse:
        return await _stream(network, handset_id, last_event_id, links.base(request))

    @router.get("/events", **STREAM)
    async def stream_all(request: Request, last_event_id: LastEventId = None) -> StreamingResponse:
        return await _stream(network, None, last_event_id, links.base(request))

    return router


def _line(network: Network) -> APIRouter:
    router = APIRouter(route_class=JsonRoute)

    @router.get("/network")
    async def get_network() -> wire.NetworkOut:
        return wire.NetworkOut.of(await network.get_settings())

    @router.patch("/network")
    async def change_network(body: wire.NetworkChange) -> wire.NetworkOut:
        return wire.NetworkOut.of(await network.change_settings(body.changes()))

    @router.post("/faults", response_model_exclude_unset=True)
    async def create_fault(body: wire.FaultCreate) -> wire.FaultOut:
        match = body.match or wire.FaultMatch()
        fault = await network.create_fault(
            body.kind, count=body.count, sender=match.from_, recipient=match.to, number=match.number
        )
        return wire.FaultOut.of(fault)

    @router.get("/faults", response_model_exclude_unset=True)
    async def list_faults(limit: Limit = 20, offset: Offset = 0) -> wire.FaultPage:
        found, total = await network.list_faults(limit, offset)
        data = [wire.FaultOut.of(fault) for fault in found]
        return wire.FaultPage(data=data, has_more=offset + len(data) < total, total=total)

    @router.delete("/faults/{fault_id}")
    async def delete_fault(fault_id: str) -> wire.Deleted:
        await network.delete_fault(fault_id)
        return wire.Deleted(success=True)

    return router


def _cursor(field: str, text: str | None) -> Place | None:
    if not text:
        return None
    if text.startswith("hsm_"):
        return Place(id=text)
    try:
        return Place(at_ms=from_iso(text))
    except ValueError as error:
        raise ApiError(422, "VALIDATION_ERROR", f"{error}, or a message's id", field=field) from None


async def _stream(
    network: Network, handset_id: str | None, last_event_id: str | None, base: str
) -> StreamingResponse:
    newest = await network.last_event(handset_id)
    resumed = last_event_id is not None and last_event_id.isdecimal() and len(last_event_id) < 19
    seq = int(last_event_id) if resumed and last_event_id is not None else newest

    async def lines(seq: int) -> AsyncIterator[str]:
        yield ": connected\n\n"
        while not network.stopping:
            found = await network.events_after(seq, handset_id, HEARTBEAT_S)
            if not found and not network.stopping:
                yield ": heartbeat\n\n"
            for entry in found:
                yield f"event: {entry.kind}\nid: {entry.seq}\ndata: {entry.data(base)}\n\n"
                seq = entry.seq

    return event_stream(lines(seq))
