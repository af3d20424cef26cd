"""Usage on the wire (contract: UsageResponse, DailyUsageResponse and their kin)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from pydantic import Field

from ringback.kit.times import to_iso
from ringback.kit.wire import CamelWire, IsoTime
from ringback.storage.tx import Row
from ringback.usage.periods import DAY_MS, Period, beginning, date_of, months_up_to

NO_LIMIT = 2**31 - 1
"""Where the contract wants a number and there is no limit. Clients subtract from it, so it is neither 0 nor -1."""
UNASSIGNED = "Unassigned"
_IN_POINTS = ("messages", "calls", "call_seconds", "webhooks")
_IN_AGENTS = ("messages", "calls", "call_seconds")


class PlanLimits(CamelWire):
    numbers: int
    messages_per_month: int
    voice_minutes_per_month: int
    max_call_duration_minutes: int
    concurrent_calls: int


class PlanInfo(CamelWire):
    name: str
    limits: PlanLimits

    @classmethod
    def of(cls, *, numbers: int, call_minutes: int) -> "PlanInfo":
        """The only plan: what one's own server allows. How many calls it holds at once its machine says."""
        limits = PlanLimits(
            numbers=numbers,
            messages_per_month=NO_LIMIT,
            voice_minutes_per_month=NO_LIMIT,
            max_call_duration_minutes=call_minutes,
            concurrent_calls=NO_LIMIT,
        )
        return cls(name="self-hosted", limits=limits)


class NumberLimits(CamelWire):
    used: int
    limit: int
    remaining: int


class UsageStats(CamelWire):
    total_messages: int
    messages_last_24h: int = Field(alias="messagesLast24h")
    messages_last_7d: int = Field(alias="messagesLast7d")
    messages_last_30d: int = Field(alias="messagesLast30d")
    total_calls: int
    calls_last_24h: int = Field(alias="callsLast24h")
    calls_last_7d: int = Field(alias="callsLast7d")
    calls_last_30d: int = Field(alias="callsLast30d")
    total_webhook_deliveries: int
    successful_webhook_deliveries: int
    failed_webhook_deliveries: int
    sms_segments_last_30d: int | None = Field(alias="smsSegmentsLast30d")

    @classmethod
    def of(cls, head: Row, day: Row, week: Row, month: Row) -> "UsageStats":
        """The account's row, and the sums of the last 24 hours, 7 and 30 days."""
        return cls(
            total_messages=head["message_count"],
            messages_last_24h=day["messages"],
            messages_last_7d=week["messages"],
            messages_last_30d=month["messages"],
            total_calls=head["call_count"],
            calls_last_24h=day["calls"],
            calls_last_7d=week["calls"],
            calls_last_30d=month["calls"],
            total_webhook_deliveries=head["delivery_count"],
            successful_webhook_deliveries=head["deliveries_delivered"],
            failed_webhook_deliveries=head["deliveries_failed"],
            sms_segments_last_30d=month["segments"],
        )


class NumberQueue(CamelWire):
    """Texts of a number that are not handed over yet; times are null where nothing is known of them."""

    number_id: str
    phone_number: str
    depth: int
    oldest_age_seconds: int | None
    expected_end_at: IsoTime | None


class CampaignQueue(CamelWire):
    """What waits for the pace that a campaign's numbers share, and what has gone of it in the carriers' day."""

    depth: int
    segments: int
    messages_per_second: float
    segments_a_day: int | None
    segments_today: int
    tmobile_a_day: int | None
    tmobile_today: int
    expected_end_at: IsoTime | None


class QueueUsage(CamelWire):
    depth: int
    oldest_age_seconds: int | None
    expected_end_at: IsoTime | None
    campaign: CampaignQueue | None
    numbers: list[NumberQueue]


class UsageExtras(CamelWire):
    """What is ours."""

    queue: QueueUsage


class UsageResponse(CamelWire):
    plan: PlanInfo
    numbers: NumberLimits
    stats: UsageStats
    period_start: IsoTime
    period_end: IsoTime
    report_generated_at: IsoTime | None
    ringback: UsageExtras


class Point(CamelWire):
    messages: int
    calls: int
    webhooks: int
    voice_minutes: float


class DailyUsagePoint(Point):
    date: str


class DailyUsageResponse(CamelWire):
    data: list[DailyUsagePoint]
    days: int

    @classmethod
    def of(cls, days: int, now: int, used: Mapping[int, Row]) -> "DailyUsageResponse":
        """A point for each of the last `days` UTC days up to today, oldest first; `used` by the starts of days.

        What stands ahead of the clock, as texts that tied at midnight do, is today's until the clock has come there.
        """
        today = beginning(now, DAY_MS)
        by_day: dict[int, list[Row]] = {today - back * DAY_MS: [] for back in reversed(range(days))}
        for day, row in used.items():
            by_day[min(day, today)].append(row)
        data = [
            DailyUsagePoint(date=date_of(day).isoformat(), **_point(rows)) for day, rows in by_day.items()
        ]
        return cls(data=data, days=days)


class MonthlyUsagePoint(Point):
    month: str


class MonthlyUsageResponse(CamelWire):
    data: list[MonthlyUsagePoint]
    months: int

    @classmethod
    def of(cls, months: int, now: int, used: Mapping[int, Row]) -> "MonthlyUsageResponse":
        """As the days: the last `months` calendar months of UTC up to this one; `used` by the starts of days."""
        by_month: dict[date, list[Row]] = {month: [] for month in months_up_to(now, months)}
        for day, row in used.items():
            by_month[date_of(min(day, now)).replace(day=1)].append(row)
        data = [MonthlyUsagePoint(month=f"{month:%Y-%m}", **_point(rows)) for month, rows in by_month.items()]
        return cls(data=data, months=months)


def _point(rows: Sequence[Row]) -> Row:
    sums = _sums(_IN_POINTS, rows)
    seconds = sums.pop("call_seconds")
    return {**sums, "voice_minutes": round(seconds / 60, 2)}


class NumberUsageItem(CamelWire):
    number_id: str
    phone_number: str
    country: str
    status: str
    agent_id: str | None
    agent_name: str | None
    messages: int
    calls: int

    @classmethod
    def of(cls, number: Row, used: Row | None, names: Mapping[str, str]) -> "NumberUsageItem":
        """A number's row, its sums if it was ever used, and the names of agents by their ids."""
        return cls(
            number_id=number["id"],
            phone_number=number["e164"],
            country=number["country"],
            status=number["status"],
            agent_id=number["agent_id"],
            agent_name=names.get(number["agent_id"]),
            messages=used["messages"] if used else 0,
            calls=used["calls"] if used else 0,
        )


class NumberUsageResponse(CamelWire):
    data: list[NumberUsageItem]


class AgentUsageItem(CamelWire):
    agent_id: str | None
    agent_name: str
    messages: int
    calls: int
    total_seconds: int
    is_orphan: bool

    @classmethod
    def of(cls, agent_id: str | None, name: str, rows: Iterable[Row]) -> "AgentUsageItem":
        sums = _sums(_IN_AGENTS, rows)
        return cls(
            agent_id=agent_id,
            agent_name=name,
            messages=sums["messages"],
            calls=sums["calls"],
            total_seconds=sums["call_seconds"],
            is_orphan=agent_id is None,
        )


class AgentUsageResponse(CamelWire):
    data: list[AgentUsageItem]
    period: str
    period_start: IsoTime
    period_end: IsoTime

    @classmethod
    def of(
        cls, period: Period, span: tuple[int, int], used: Iterable[Row], names: Mapping[str, str]
    ) -> "AgentUsageResponse":
        """Every agent there is (`names` by their ids), the busiest first; then what no agent, or one deleted, did."""
        by_agent: dict[str, list[Row]] = {agent_id: [] for agent_id in names}
        orphaned: list[Row] = []
        for row in used:
            by_agent.get(row["agent_id"], orphaned).append(row)
        data = [AgentUsageItem.of(agent_id, names[agent_id], rows) for agent_id, rows in by_agent.items()]
        data.sort(key=lambda item: (-item.messages, item.agent_name, item.agent_id))
        nobody = AgentUsageItem.of(None, UNASSIGNED, orphaned)
        if nobody.messages or nobody.calls:
            data.append(nobody)
        return cls(data=data, period=period, period_start=to_iso(span[0]), period_end=to_iso(span[1]))


def _sums(names: Iterable[str], rows: Iterable[Row]) -> Row:
    sums = dict.fromkeys(names, 0)
    for row in rows:
        for name in sums:
            sums[name] += row[name]
    return sums
