"""/v1/usage"""

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Query, Request

from ringback.agents import service as agents
from ringback.doors.rest.caller import Scoped
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import to_bytes
from ringback.doors.rest.paging import NOT_GIVEN
from ringback.doors.rest.parts import parts_of
from ringback.flows.read_queue import queue_of
from ringback.kit.faults import Invalid
from ringback.kit.times import to_iso
from ringback.kit.wire import DIGITS
from ringback.numbers import store as numbers
from ringback.storage.schema import accounts
from ringback.storage.tx import Reads
from ringback.usage import store
from ringback.usage.periods import (
    DAY_MS,
    Period,
    beginning,
    calendar_period,
    months_up_to,
    start_of,
    time_zone,
)
from ringback.usage.schemas import (
    AgentUsageResponse,
    DailyUsageResponse,
    MonthlyUsageResponse,
    NumberLimits,
    NumberUsageItem,
    NumberUsageResponse,
    PlanInfo,
    UsageExtras,
    UsageResponse,
    UsageStats,
)

router = APIRouter(route_class=JsonRoute, prefix="/v1/usage", tags=["usage"])


@router.get("", operation_id="getUsage", response_model=UsageResponse)
async def get_usage(request: Request, caller: Scoped) -> JsonBytes:
    parts = parts_of(request)
    account_id, limit, now = caller.account_id, parts.settings.number_limit, parts.clock.now_ms()
    start, end = calendar_period("month", now, UTC)

    def query(db: Reads) -> UsageResponse:
        head = db.get(accounts, account_id)
        assert head is not None
        held = numbers.count(db, account_id)
        windows = [store.since(db, account_id, now - days * DAY_MS) for days in (1, 7, 30)]
        return UsageResponse(
            plan=PlanInfo.of(numbers=limit, call_minutes=parts.settings.max_call_minutes),
            numbers=NumberLimits(used=held, limit=limit, remaining=max(0, limit - held)),
            stats=UsageStats.of(head, *windows),
            period_start=to_iso(start),
            period_end=to_iso(end),
            report_generated_at=to_iso(now),
            ringback=UsageExtras(queue=queue_of(db, parts.line.paces, account_id, now)),
        )

    return JsonBytes(to_bytes(await parts.store.read(query)))


@router.get("/daily", operation_id="getDailyUsage", response_model=DailyUsageResponse)
async def get_daily_usage(
    request: Request, caller: Scoped, days: Annotated[int, Query(ge=1, le=365), DIGITS] = 30
) -> JsonBytes:
    parts = parts_of(request)
    now = parts.clock.now_ms()
    first = beginning(now, DAY_MS) - (days - 1) * DAY_MS
    used = await parts.store.read(lambda db: store.by_day(db, caller.account_id, first))
    return JsonBytes(to_bytes(DailyUsageResponse.of(days, now, used)))


@router.get("/monthly", operation_id="getMonthlyUsage", response_model=MonthlyUsageResponse)
async def get_monthly_usage(
    request: Request, caller: Scoped, months: Annotated[int, Query(ge=1, le=24), DIGITS] = 6
) -> JsonBytes:
    parts = parts_of(request)
    now = parts.clock.now_ms()
    first = start_of(months_up_to(now, months)[0], UTC)
    used = await parts.store.read(lambda db: store.by_day(db, caller.account_id, first))
    return JsonBytes(to_bytes(MonthlyUsageResponse.of(months, now, used)))


@router.get("/by-number", operation_id="getUsageByNumber", response_model=NumberUsageResponse)
async def get_usage_by_number(request: Request, caller: Scoped) -> JsonBytes:
    def query(db: Reads) -> list[NumberUsageItem]:
        used, names = store.by_number(db, caller.account_id), agents.names(db, caller.account_id)
        return [
            NumberUsageItem.of(number, used.get(number["id"]), names)
            for number in numbers.every(db, caller.account_id)
        ]

    return JsonBytes(to_bytes(NumberUsageResponse(data=await parts_of(request).store.read(query))))


@router.get("/by-agent", operation_id="getUsageByAgent", response_model=AgentUsageResponse)
async def get_usage_by_agent(
    request: Request,
    caller: Scoped,
    period: Annotated[Period, Query()] = "month",
    tz: Annotated[str, Query()] = NOT_GIVEN,
) -> JsonBytes:
    parts = parts_of(request)
    try:
        zone = time_zone(tz) if tz else UTC
    except ValueError as error:
        raise Invalid(str(error), field="tz", where="query") from None
    span = calendar_period(period, parts.clock.now_ms(), zone)

    def query(db: Reads) -> AgentUsageResponse:
        used = store.by_agent(db, caller.account_id, span[0])
        return AgentUsageResponse.of(period, span, used, agents.names(db, caller.account_id))

    return JsonBytes(to_bytes(await parts.store.read(query)))
