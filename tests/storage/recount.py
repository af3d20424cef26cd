"""Counters and what they count: every number that is kept must be what the rows say."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table

from ringback.storage import schema
from ringback.storage.tx import Row

QUARTER_MS, HOUR_MS, DAY_MS = 900_000, 3_600_000, 86_400_000
Sums = dict[tuple[Any, ...], dict[str, int]]
_KEYS = {
    schema.usage_days: ("account_id", "day", "number_id", "agent_id"),
    schema.usage_quarters: ("account_id", "quarter", "agent_id"),
    schema.delivery_hours: ("account_id", "hour", "event_type"),
    schema.accounts: ("id",),
}
_HEADS = ("message_count", "delivery_count", "deliveries_delivered", "deliveries_failed")


def counted(messages: list[Row], deliveries: list[Row], agents: Mapping[str, str]) -> dict[Table, Sums]:
    """What the counters must hold, from rows; `agents` tells whose each message was, by its id."""
    found: dict[Table, dict[tuple[Any, ...], Counter[str]]] = {table: {} for table in _KEYS}

    def add(table: Table, *key: Any, **counts: int) -> None:
        found[table].setdefault(key, Counter()).update(counts)

    number_of = {row["id"]: row["number_id"] for row in messages}
    for row in messages:
        account, at, agent = row["account_id"], row["at"], agents[row["id"]]
        used = {"messages": 1, "segments": row["segments"]}
        add(schema.usage_days, account, at - at % DAY_MS, row["number_id"], agent, **used)
        add(schema.usage_quarters, account, at - at % QUARTER_MS, agent, **used)
        add(schema.accounts, account, message_count=1)
    for row in deliveries:
        account, at, agent = row["account_id"], row["created_at"], row["agent_id"] or ""
        number = number_of.get(row["message_id"], "")
        add(schema.usage_days, account, at - at % DAY_MS, number, agent, webhooks=1)
        add(schema.delivery_hours, account, at - at % HOUR_MS, row["event_type"], total=1)
        add(schema.accounts, account, delivery_count=1)
        if row["status"] != "pending":
            add(schema.delivery_hours, account, at - at % HOUR_MS, row["event_type"], **{row["status"]: 1})
            add(schema.accounts, account, **{f"deliveries_{row['status']}": 1})
    return {table: {key: _without_zeros(sums) for key, sums in of.items()} for table, of in found.items()}


def kept(table: Table, rows: list[Row]) -> Sums:
    """What one table of counters holds, in the form of `counted`; rows of zeros are left out."""
    key = _KEYS[table]
    names = (
        _HEADS
        if table is schema.accounts
        else tuple(column.name for column in table.columns if column.name not in key)
    )
    sums = {tuple(row[name] for name in key): _without_zeros({n: row[n] for n in names}) for row in rows}
    return {key: each for key, each in sums.items() if each}


def _without_zeros(sums: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in sums.items() if count}


TABLES = tuple(_KEYS)
"""The tables that hold counters."""
