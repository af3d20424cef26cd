"""/v1/events: the event log, as a list that can wait and as a stream."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator

from ringback.doors.rest.caller import Caller, Scoped
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.event_stream import STREAM, event_stream
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import claim_of, to_bytes
from ringback.doors.rest.paging import NOT_GIVEN
from ringback.doors.rest.parts import parts_of
from ringback.events.catalogue import UnknownType, types_named
from ringback.events.schemas import EventList, EventOut, ReplayedEvents, ReplayEvents
from ringback.events.store import Page, Wanted, checked
from ringback.events.waiting import EventWaits
from ringback.flows.replay_events import replay_events
from ringback.kit.faults import Fault, Invalid
from ringback.kit.wire import DIGITS
from ringback.storage.schema import accounts
from ringback.storage.tx import Reads, Tx

router = APIRouter(route_class=JsonRoute, prefix="/v1/events", tags=["events"])
HEARTBEAT_S = 15.0
_AT_ONCE = 100
"""Events that a stream reads at once: what a client that reads slowly makes the server hold."""
_PAUSE_S = 0.02
"""Between two reads of a stream: what comes close together goes together."""
_FARTHEST = 1 << 53
_DIGITS = 30
"""More than any id has; one that is too far is told so in words."""
_BY_HEADER = {"field": "Last-Event-ID", "where": "header"}
After = Annotated[int | None, Query(ge=0, le=_FARTHEST), DIGITS]
Limit = Annotated[int, Query(ge=1, le=1_000), DIGITS]
Wait = Annotated[float, Query(ge=0, le=60), BeforeValidator(lambda given: given or 0)]
Types = Annotated[str, Query(description="Types with commas between; `message.*` means all that begin so.")]
AgentId = Annotated[str, Query(alias="agentId")]
LastEventId = Annotated[str, Header(alias="Last-Event-ID")]


def wanted_of(types: str | None, agent_id: str | None) -> Wanted:
    """What a query asks for. Raises `Invalid` for a type that no event has."""
    if not types:
        return Wanted(agent_id=agent_id or None)
    try:
        return Wanted(types_named(name.strip() for name in types.split(",")), agent_id or None)
    except UnknownType as error:
        raise Invalid(str(error), field="types", where="query") from None


@router.get("", operation_id="listEvents", response_model=EventList)
async def list_events(
    request: Request,
    caller: Scoped,
    after: After = None,
    types: Types = NOT_GIVEN,
    agent_id: AgentId = NOT_GIVEN,
    limit: Limit = 100,
    wait: Wait = 0,
) -> JsonBytes:
    return await listed(
        request, caller.account_id, after=after, types=types, agent_id=agent_id, limit=limit, wait=wait
    )


async def listed(
    request: Request,
    account_id: str,
    *,
    after: int | None,
    types: str | None,
    agent_id: str | None,
    limit: int,
    wait: float,
) -> JsonBytes:
    """The answer of a list of an account's events."""
    wanted = wanted_of(types, agent_id)
    page = await parts_of(request).waits.read(account_id, wanted, after=after, limit=limit, wait_s=wait)
    return JsonBytes(to_bytes(EventList.of(page)))


@router.post("/replay", operation_id="replayEvents", response_model=ReplayedEvents)
async def replay(request: Request, caller: Scoped, asked: ReplayEvents) -> JsonBytes:
    def unit(tx: Tx) -> ReplayedEvents:
        done = replay_events(
            tx,
            caller.account_id,
            asked.webhook,
            after=asked.after,
            until=asked.until,
            types=asked.types,
        )
        return ReplayedEvents(planned=done.planned, has_more=done.has_more, next_after=done.next_after)

    return await parts_of(request).once.write(await claim_of(request, caller), caller, unit)


@router.get("/stream", operation_id="streamEvents", **STREAM)
async def stream_events(
    request: Request,
    caller: Scoped,
    after: After = None,
    types: Types = NOT_GIVEN,
    agent_id: AgentId = NOT_GIVEN,
    last_event_id: LastEventId = NOT_GIVEN,
) -> StreamingResponse:
    wanted = wanted_of(types, agent_id)
    begin = _resumed(last_event_id) if last_event_id else after

    def start(db: Reads) -> int:
        head = db.get(accounts, caller.account_id)
        assert head is not None
        if begin is None:
            return int(head["event_seq"])
        return checked(head, begin, **_BY_HEADER) if last_event_id else checked(head, begin)

    parts = parts_of(request)
    seq = await parts.store.read(start)
    return event_stream(_lines(parts.waits, caller, wanted, seq))


def _resumed(last_event_id: str) -> int:
    if not (last_event_id.isascii() and last_event_id.isdecimal() and len(last_event_id) <= _DIGITS):
        raise Invalid("takes the id of an event of this stream, a number", **_BY_HEADER)
    return int(last_event_id)


async def _lines(waits: EventWaits, caller: Caller, wanted: Wanted, after: int) -> AsyncIterator[bytes]:
    """The stream, until the server stops, the account is no more or the reader is further behind than events are kept."""
    yield b": connected\n\n"
    while not waits.stopping:
        try:
            page = await waits.read(
                caller.account_id, wanted, after=after, limit=_AT_ONCE, wait_s=HEARTBEAT_S
            )
        except Fault:
            # Too far behind, or the store is away: a status can't be given any more, but the client resumes and gets one.
            return
        if page.over:
            return
        yield _told(page)
        after = page.next_after
        if not page.has_more:
            await asyncio.sleep(_PAUSE_S)


def _told(page: Page) -> bytes:
    if not page.rows:
        # An id without data moves the place from which a client resumes, and is no event to it.
        return b": heartbeat\nid: %d\n\n" % page.next_after
    return b"".join(
        b"id: %d\nevent: %s\ndata: %s\n\n" % (row["seq"], row["type"].encode(), to_bytes(EventOut.of(row)))
        for row in page.rows
    )
