"""/v1/events: the log of everything that happened, in order, to be read, followed and told again (ours)."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import BeforeValidator
from starlette.responses import StreamingResponse

from ringback.doors.rest.caller import Caller, Scoped
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import claim_of, to_bytes
from ringback.doors.rest.paging import NOT_GIVEN, within_store
from ringback.doors.rest.parts import parts_of
from ringback.events import store as log
from ringback.events.catalogue import CATALOGUE, matching
from ringback.events.schemas import EventList, EventOut, ReplayedEvents, ReplayEvents
from ringback.flows.replay_events import replay
from ringback.kit.faults import Invalid
from ringback.kit.wire import DIGITS
from ringback.storage.tx import Tx
from ringback.webhooks.service import PROJECT

router = APIRouter(route_class=JsonRoute, prefix="/v1/events", tags=["events"])
_AN_ENDPOINT = "project"
_SSE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
}
Types = Annotated[str, Query(description="Types with commas between; `message.*` is every type of messages.")]
AgentId = Annotated[str, Query(alias="agentId", description="Only what concerns this agent.")]
Wait = Annotated[
    float,
    Query(ge=0, le=60, description="Seconds to wait for an event."),
    BeforeValidator(lambda given: given or 0),
]


@router.get("", operation_id="listEvents", response_model=EventList)
async def list_events(
    request: Request,
    caller: Scoped,
    after: Annotated[int, Query(ge=0, description="The sequence behind which to begin."), DIGITS] = 0,
    types: Types = NOT_GIVEN,
    agent_id: AgentId = NOT_GIVEN,
    limit: Annotated[int, Query(ge=1, le=200), DIGITS] = 100,
    wait: Wait = 0,
) -> JsonBytes:
    found = await parts_of(request).waits.look(
        caller.account_id,
        after=within_store(after),
        limit=limit,
        types=wanted_types(types, "query"),
        agent_id=agent_id,
        wait_s=wait,
    )
    return JsonBytes(to_bytes(EventList.of(found)))


@router.get("/stream", operation_id="streamEvents", response_class=StreamingResponse, responses=_SSE)
async def stream_events(
    request: Request,
    caller: Scoped,
    after: Annotated[
        int | None,
        Query(ge=0, description="As for the list; without it and `Last-Event-ID`, from now on."),
        DIGITS,
    ] = None,
    types: Types = NOT_GIVEN,
    agent_id: AgentId = NOT_GIVEN,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> StreamingResponse:
    parts = parts_of(request)
    wanted = wanted_types(types, "query")
    begin = _resumed(last_event_id) if last_event_id else after
    if begin is None:
        begin = await parts.store.read(lambda db: log.last_seq(db, caller.account_id))
    begin = within_store(begin)
    # What is kept no longer is refused by a status, which a stream that has begun can't say.
    await parts.store.read(lambda db: log.look(db, caller.account_id, after=begin, limit=1))
    lines = _lines(request, caller, begin, wanted, agent_id)
    return StreamingResponse(lines, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _lines(
    request: Request, caller: Caller, after: int, types: frozenset[str] | None, agent_id: str | None
) -> AsyncIterator[str]:
    yield ": connected\n\n"
    waits = parts_of(request).waits
    async for found in waits.stream(caller.account_id, after=after, types=types, agent_id=agent_id):
        if not found.rows:
            # A key that was revoked meanwhile hears nothing more.
            if not await request.app.state.keys.lives(request.headers.get("authorization")):
                return
            yield ": heartbeat\n\n"
        for row in found.rows:
            told = EventOut.of(row)
            yield f"event: {told.type}\nid: {told.seq}\ndata: {told.model_dump_json(by_alias=True)}\n\n"


@router.post("/replay", operation_id="replayEvents", response_model=ReplayedEvents)
async def replay_events(request: Request, caller: Scoped, asked: ReplayEvents) -> JsonBytes:
    if asked.after < 0:
        raise Invalid("takes a sequence, 0 or more", field="after")
    if asked.until is not None and asked.until < asked.after:
        raise Invalid("must not be before `after`", field="until")
    types = None if asked.types is None else wanted_types(",".join(asked.types), "body")
    scope = PROJECT if asked.webhook == _AN_ENDPOINT else asked.webhook

    def unit(tx: Tx) -> ReplayedEvents:
        until = None if asked.until is None else within_store(asked.until)
        planned, found = replay(
            tx, caller.account_id, scope, after=within_store(asked.after), until=until, types=types
        )
        return ReplayedEvents(planned=planned, next_after=found.next_after, has_more=found.more)

    return await parts_of(request).once.write(await claim_of(request, caller), caller, unit)


def wanted_types(typed: str | None, where: str) -> frozenset[str] | None:
    """The types that a list with commas names; None for no list. Raises `Invalid`."""
    if not typed:
        return None
    found: set[str] = set()
    for word in typed.split(","):
        types = matching(word.strip())
        if not types:
            near = ", ".join(sorted({f"{name.partition('.')[0]}.*" for name in CATALOGUE}))
            raise Invalid(
                f"there is no type {word.strip()[:64]!r}; there are {near}", field="types", where=where
            )
        found |= types
    return frozenset(found)


def _resumed(last_event_id: str) -> int:
    if not last_event_id.isascii() or not last_event_id.isdecimal() or len(last_event_id) > 18:
        raise Invalid("takes the id of an event of this stream", field="Last-Event-ID", where="header")
    return int(last_event_id)
