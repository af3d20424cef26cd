"""Sums of what was used. They are read from counters, so they cost the same however many messages there are."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, cast, func, literal_column, select, union_all

from ringback.storage.schema import calls, lanes, messages, numbers, outbox, usage_days, usage_quarters
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row
from ringback.usage.periods import DAY_MS, QUARTER_MS, beginning, whole_from

_COUNTED = ("messages", "segments", "calls", "call_seconds")


def _total(column: ColumnElement[Any]) -> ColumnElement[int]:
    # PostgreSQL's sum of integers is a decimal.
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _counters(table: Any, *of_span: ColumnElement[bool]) -> Any:
    return select(table.c.agent_id, *[table.c[name] for name in _COUNTED]).where(
        table.c.account_id == bindparam("account_id"), *of_span
    )


_quarter, _day = usage_quarters.c.quarter, usage_days.c.day
_span = union_all(
    _counters(usage_quarters, _quarter >= bindparam("start"), _quarter < bindparam("first_day")),
    _counters(usage_days, _day >= bindparam("first_day")),
).subquery()
_BY_AGENT = Statement(
    select(_span.c.agent_id, *[_total(_span.c[name]).label(name) for name in _COUNTED]).group_by(
        _span.c.agent_id
    )
)
"""Whole days, and by quarters what comes before the first of them."""

_of_account = usage_days.c.account_id == bindparam("account_id")
_BY_DAY = Statement(
    select(
        _day,
        *[_total(usage_days.c[n]).label(n) for n in ("messages", "calls", "call_seconds", "webhooks")],
    )
    .where(_of_account, _day >= bindparam("start"))
    .group_by(_day)
)
_BY_NUMBER = Statement(
    select(
        usage_days.c.number_id,
        _total(usage_days.c.messages).label("messages"),
        _total(usage_days.c.calls).label("calls"),
    )
    .where(_of_account)
    .group_by(usage_days.c.number_id)
)

_used = select(usage_days.c.number_id).where(_of_account, _day == bindparam("day")).distinct().subquery()


def _of_each_used_number(what: ColumnElement[int]) -> ColumnElement[int]:
    # Asked for each number by itself, so that any planner takes the index by number and time.
    rows = select(what).where(
        messages.c.account_id == bindparam("account_id"),
        messages.c.number_id == _used.c.number_id,
        messages.c.at >= bindparam("start"),
        messages.c.at < bindparam("end"),
    )
    return _total(rows.scalar_subquery())


_EDGE = Statement(
    select(
        _of_each_used_number(func.count()).label("messages"),
        _of_each_used_number(func.sum(messages.c.segments)).label("segments"),
    ).select_from(_used)
)
"""What a window that begins within a quarter has of that quarter."""
_CALLS_OF_EDGE = Statement(
    select(func.count().label("calls"))
    .select_from(calls)
    .where(
        calls.c.account_id == bindparam("account_id"),
        calls.c.created_at >= bindparam("start"),
        calls.c.created_at < bindparam("end"),
    )
)


_QUEUES = Statement(
    select(
        numbers.c.account_id,
        numbers.c.id,
        numbers.c.e164,
        numbers.c.country,
        numbers.c.carrier,
        lanes.c.id.label("lane_id"),
        lanes.c.backlog,
    )
    .select_from(numbers.join(lanes, lanes.c.id == literal_column("'text:'").concat(numbers.c.id)))
    .where(
        numbers.c.account_id == bindparam("account_id"),
        lanes.c.account_id == bindparam("account_id"),
        lanes.c.backlog > 0,
    )
    .order_by(numbers.c.created_at, numbers.c.id)
)
_OLDEST = Statement(
    select(messages.c.at)
    .select_from(
        outbox.join(
            messages,
            (messages.c.account_id == outbox.c.account_id) & (messages.c.id == outbox.c.subject_id),
        )
    )
    .where(
        outbox.c.account_id == bindparam("account_id"),
        outbox.c.lane_id == bindparam("lane_id"),
        outbox.c.state == literal_column("'ready'"),
    )
    .order_by(outbox.c.due_at, outbox.c.position)
    .limit(1)
)


def queues(db: Reads, account_id: str) -> list[Row]:
    """The numbers whose texts wait, oldest first: some of each one's columns, its `lane_id` and its `backlog`."""
    return db.all(_QUEUES, account_id=account_id)


def oldest_queued(db: Reads, account_id: str, lane_id: str) -> int | None:
    """When (ms) the text was accepted that goes next of a lane; None while all of it is under way."""
    row = db.one(_OLDEST, account_id=account_id, lane_id=lane_id)
    return None if row is None else int(row["at"])


def by_agent(db: Reads, account_id: str, start: int) -> list[Row]:
    """`messages`, `segments`, `calls` and `call_seconds` of each `agent_id` from `start`, a quarter's beginning, on.

    Texts that tie get times ahead of the clock, so nothing bounds the end. What no agent did stands under `NOBODY`.
    """
    return db.all(_BY_AGENT, account_id=account_id, start=start, first_day=whole_from(start, DAY_MS))


def since(db: Reads, account_id: str, start: int) -> Row:
    """`messages`, `segments` and `calls` of the account from `start` (any ms) until now."""
    quarter = whole_from(start, QUARTER_MS)
    edge = db.one(_EDGE, account_id=account_id, day=beginning(start, DAY_MS), start=start, end=quarter)
    called = db.one(_CALLS_OF_EDGE, account_id=account_id, start=start, end=quarter)
    assert edge is not None
    assert called is not None
    counted = by_agent(db, account_id, quarter)
    return {
        "messages": edge["messages"] + sum(row["messages"] for row in counted),
        "segments": edge["segments"] + sum(row["segments"] for row in counted),
        "calls": called["calls"] + sum(row["calls"] for row in counted),
    }


def by_day(db: Reads, account_id: str, start: int) -> dict[int, Row]:
    """`messages`, `calls`, `call_seconds` and `webhooks` of each UTC day from `start` on on which there were any."""
    return {row["day"]: row for row in db.all(_BY_DAY, account_id=account_id, start=start)}


def by_number(db: Reads, account_id: str) -> dict[str, Row]:
    """`messages` and `calls` of each number that was ever used."""
    return {row["number_id"]: row for row in db.all(_BY_NUMBER, account_id=account_id)}
