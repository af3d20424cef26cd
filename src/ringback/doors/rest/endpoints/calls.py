"""/v1/calls, and the calls of an agent and of a number"""

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from ringback.agents import service as agents
from ringback.calls import service, store
from ringback.calls.errors import VoiceUnavailable
from ringback.calls.links import signed_path
from ringback.calls.schemas import (
    Call,
    CallListResponse,
    CallSummary,
    CreateCall,
    CreateWebCall,
    Direction,
    EndCall,
    WebCall,
)
from ringback.calls.store import Filter
from ringback.compliance.service import check_blocked
from ringback.conversations.service import metadata_text
from ringback.doors.rest.caller import Caller, Scoped
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import claim_of, to_bytes
from ringback.doors.rest.paging import NOT_GIVEN, Limit100, Offset, within_store
from ringback.doors.rest.parts import Parts, parts_of
from ringback.flows.call_figures import note_end
from ringback.flows.end_call import API_END, end_call
from ringback.flows.place_call import PlaceCall, place_call
from ringback.flows.web_call import new_token, open_web_call
from ringback.kit import phone
from ringback.kit.clock import real_ms
from ringback.kit.faults import Invalid
from ringback.kit.wire import DIGITS
from ringback.numbers import service as numbers
from ringback.storage.schema import agents as agents_table
from ringback.storage.tx import Reads, Row, Tx

router = APIRouter(route_class=JsonRoute, prefix="/v1/calls", tags=["calls"])
of_agent = APIRouter(route_class=JsonRoute, prefix="/v1/agents/{agent_id}/calls", tags=["agents"])
of_number = APIRouter(route_class=JsonRoute, prefix="/v1/numbers/{number_id}/calls", tags=["calls"])
NO_VOICE = (
    "this server can't make calls: its voice packages are missing (.venv/bin/uv pip install '.[voice]'), or no process of the"
    " role voice runs"
)
END_WAIT_S = 5.0
"""How long `end` waits for the call to be over: a goodbye takes no longer."""


@router.get("", operation_id="listCalls", response_model=CallListResponse)
async def list_calls(
    request: Request,
    caller: Scoped,
    limit: Limit100 = 20,
    offset: Offset = 0,
    status: Annotated[str, Query()] = NOT_GIVEN,
    direction: Annotated[Direction, Query()] = NOT_GIVEN,
    type_: Annotated[Literal["pstn", "web"], Query(alias="type")] = NOT_GIVEN,
    search: Annotated[str, Query()] = NOT_GIVEN,
) -> JsonBytes:
    parts, start = parts_of(request), within_store(offset)
    wanted = Filter(status or None, _directions(direction, type_), search or None)

    def query(db: Reads) -> CallListResponse:
        page = store.page(db, caller.account_id, wanted, limit=limit, offset=start)
        return _listed(parts, db, page, start)

    return JsonBytes(to_bytes(await parts.store.read(query)))


def _directions(direction: Direction | None, type_: Literal["pstn", "web"] | None) -> tuple[str, ...] | None:
    of_type = {"pstn": ("inbound", "outbound"), "web": ("web",)}
    if type_ is None:
        return None if direction is None else (direction,)
    return tuple(each for each in of_type[type_] if direction in (None, each))


@of_agent.get("", operation_id="listAgentCalls", response_model=CallListResponse)
async def list_agent_calls(
    request: Request, caller: Scoped, agent_id: str, limit: Limit100 = 20, offset: Offset = 0
) -> JsonBytes:
    parts, start = parts_of(request), within_store(offset)

    def query(db: Reads) -> CallListResponse:
        agents.get(db, caller.account_id, agent_id)
        page = store.page_of_agent(db, caller.account_id, agent_id, limit=limit, offset=start)
        return _listed(parts, db, page, start)

    return JsonBytes(to_bytes(await parts.store.read(query)))


@of_number.get("", operation_id="listCallsForNumber", response_model=CallListResponse)
async def list_calls_for_number(
    request: Request, caller: Scoped, number_id: str, limit: Limit100 = 20, offset: Offset = 0
) -> JsonBytes:
    parts, start = parts_of(request), within_store(offset)

    def query(db: Reads) -> CallListResponse:
        numbers.get(db, caller.account_id, number_id)
        page = store.page_of_number(db, caller.account_id, number_id, limit=limit, offset=start)
        return _listed(parts, db, page, start)

    return JsonBytes(to_bytes(await parts.store.read(query)))


def _listed(parts: Parts, db: Reads, page: tuple[list[Row], int], start: int) -> CallListResponse:
    rows, total = page
    data = [
        CallSummary.of(row, agent_name=_agent_name(db, row), recording_url=_recording_url(parts, row))
        for row in rows
    ]
    return CallListResponse(data=data, has_more=start + len(data) < total, total=total)


def _agent_name(db: Reads, call: Row) -> str | None:
    agent = None if call["agent_id"] is None else db.get(agents_table, call["account_id"], call["agent_id"])
    return None if agent is None else str(agent["name"])


def _recording_url(parts: Parts, call: Row) -> str | None:
    if call["recording"] != "available":
        return None
    path = signed_path(parts.line.hash_key, call, now=parts.clock.now_ms())
    return f"{parts.settings.own_url}{path}"


def _detail(parts: Parts, db: Reads, call: Row) -> Call:
    return Call.telling(
        call,
        store.turns(db, call),
        store.times(db, call),
        agent_name=_agent_name(db, call),
        recording_url=_recording_url(parts, call),
    )


async def _told(parts: Parts, caller: Caller, call_id: str) -> JsonBytes:
    return JsonBytes(
        await parts.store.read(
            lambda db: to_bytes(_detail(parts, db, service.get(db, caller.account_id, call_id)))
        )
    )


@router.post("", operation_id="createOutboundCall", response_model=Call)
async def create_outbound_call(request: Request, caller: Scoped, asked: CreateCall) -> JsonBytes:
    parts = parts_of(request)
    place = PlaceCall(
        account_id=caller.account_id,
        agent_id=asked.agent_id,
        to=_callee(asked.to_number),
        from_number_id=asked.from_number_id,
        greeting=asked.initial_greeting,
        voice=asked.voice,
        system_prompt=asked.system_prompt,
        model_tier=asked.model_tier,
        variables=asked.variables or {},
        screening_identity=asked.call_screening_identity,
        screening_purpose=asked.call_screening_purpose,
        record=asked.record(),
    )
    await check_voice(parts)
    placed: list[str] = []

    def unit(tx: Tx) -> Call:
        placed[:] = [place_call(tx, parts.voice, place)["id"]]
        return _detail(parts, tx, service.get(tx, caller.account_id, placed[0]))

    answer = await parts.once.write(await claim_of(request, caller), caller, unit)
    if placed and parts.switchboard is not None:
        parts.switchboard.start(caller.account_id, placed[0])
    if not asked.wait_for_completion:
        return answer
    # What is kept for the request's key is the call, so one that asks again waits for the same.
    call_id = json.loads(bytes(answer.body))["id"]
    await parts.calls.over(
        caller.account_id, call_id, wait_s=asked.max_wait_seconds or 300, gone=request.is_disconnected
    )
    return await _told(parts, caller, call_id)


def _callee(typed: str) -> str:
    check_blocked(typed, "toNumber")
    try:
        return phone.normalise(typed)
    except phone.InvalidNumber as error:
        raise Invalid(f"{error}; call a telephone number such as +14155550104", field="toNumber") from None


async def check_voice(parts: Parts) -> None:
    """Raises `VoiceUnavailable` where nobody can hold a call: neither this process nor, beside it, another one."""
    if parts.switchboard is not None:
        trouble = parts.switchboard.trouble()
    else:
        beside = await parts.store.read(lambda db: store.living_host(db, real_now=real_ms()))
        trouble = None if beside else NO_VOICE
    if trouble is not None:
        raise VoiceUnavailable(trouble)


@router.post("/web", operation_id="createWebCall", response_model=WebCall)
async def create_web_call(request: Request, caller: Scoped, asked: CreateWebCall) -> JsonBytes:
    parts, token = parts_of(request), new_token()
    metadata = metadata_text(asked.metadata)
    await check_voice(parts)

    def unit(tx: Tx) -> WebCall:
        call = open_web_call(
            tx,
            parts.voice,
            caller.account_id,
            asked.agent_id,
            token=token,
            variables=asked.variables or {},
            metadata=metadata,
        )
        return WebCall.of(call, token)

    return await parts.once.write(await claim_of(request, caller), caller, unit, secret=True)


@router.get("/{call_id}", operation_id="getCall", response_model=Call)
async def get_call(
    request: Request,
    caller: Scoped,
    call_id: str,
    wait: bool = False,
    timeout: Annotated[int, Query(ge=1, le=300), DIGITS] = 120,
) -> JsonBytes:
    parts = parts_of(request)
    if wait:
        await parts.calls.over(caller.account_id, call_id, wait_s=timeout, gone=request.is_disconnected)
    return await _told(parts, caller, call_id)


@router.post("/{call_id}/end", operation_id="endCall", response_model=Call)
async def end_a_call(
    request: Request, caller: Scoped, call_id: str, asked: EndCall | None = None
) -> JsonBytes:
    parts = parts_of(request)
    ended: list[bool] = []

    def unit(tx: Tx) -> Call:
        was_over = service.is_over(service.get(tx, caller.account_id, call_id))
        call = end_call(tx, caller.account_id, call_id)
        ended[:] = [service.is_over(call) and not was_over]
        return _detail(parts, tx, call)

    answer = await parts.once.write(await claim_of(request, caller), caller, unit)
    if ended == [True]:
        await note_end(parts.store, caller.account_id, call_id)
    if json.loads(bytes(answer.body))["endedAt"] is not None:
        return answer
    if parts.switchboard is not None:
        parts.switchboard.end(caller.account_id, call_id, API_END)
    await parts.calls.over(caller.account_id, call_id, wait_s=END_WAIT_S, gone=request.is_disconnected)
    return await _told(parts, caller, call_id)
