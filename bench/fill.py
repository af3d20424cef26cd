"""Fills the store of a stopped server with many rows of one account, as its own flows would have left them."""

import itertools
import json
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Table

from ringback.kit import sqlite
from ringback.kit.ids import spell
from ringback.storage.schema import (
    accounts,
    contacts,
    conversations,
    deliveries,
    delivery_hours,
    events,
    messages,
    usage_days,
    usage_quarters,
)
from ringback.storage.statements import of

HOUR_MS, DAY_MS, QUARTER_MS = 3_600_000, 86_400_000, 900_000
SPREAD_DAYS = 60
"""Over how many days the rows lie; the newest stand at `until_ms`."""


class _Sqlite:
    def __init__(self, path: Path) -> None:
        self._conn = sqlite.connect(path)
        self._conn.execute("BEGIN")

    def run(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return self._conn.execute(statement.replace("%s", "?"), values).fetchall()

    def many(self, table: Table, rows: Iterable[dict[str, Any]]) -> None:
        statements = of(table)
        text, values = statements.insert.by_place()
        self._conn.executemany(text, (values(statements.defaults | row) for row in rows))

    def finish(self) -> None:
        self._conn.execute("COMMIT")
        self._conn.execute("ANALYZE")
        self._conn.close()


class _Postgres:
    def __init__(self, url: str) -> None:
        self._conn = psycopg.connect(url, row_factory=dict_row)

    def run(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        found = self._conn.execute(statement.encode(), values)
        return found.fetchall() if found.description else []

    def many(self, table: Table, rows: Iterable[dict[str, Any]]) -> None:
        statements = of(table)
        take = itemgetter(*statements.columns)
        copy = f"COPY {statements.name} ({', '.join(statements.columns)}) FROM STDIN"
        with self._conn.cursor() as cursor, cursor.copy(copy.encode()) as to:
            for row in rows:
                to.write_row(take(statements.defaults | row))

    def finish(self) -> None:
        self._conn.commit()
        self._conn.autocommit = True
        self._conn.execute("VACUUM ANALYZE")
        self._conn.close()


class Filler:
    """One account's rows in a store: SQLite's file or PostgreSQL's URL. `number` and its agent are the server's own;
    `until_ms` is the time of the newest row."""

    def __init__(self, store: Path | str, *, number: dict[str, Any], until_ms: int) -> None:
        self._store = _Postgres(store) if isinstance(store, str) else _Sqlite(store)
        self._number = number
        self._until = until_ms
        [owner] = self._store.run("SELECT account_id FROM numbers WHERE id = %s", number["id"])
        self._account: str = owner["account_id"]

    def fill(self, count: int, *, texts_only: bool = False) -> None:
        """`count` rows each of messages (of one number), conversations, contacts and deliveries, with their counters."""
        times = [self._until - SPREAD_DAYS * DAY_MS * (count - n) // count for n in range(1, count + 1)]
        strictly = list(itertools.accumulate(times, lambda before, at: max(before + 1, at)))
        totals = ["message_count", "conversation_count"]
        self._store.many(conversations, (self._conversation(n, at) for n, at in enumerate(strictly)))
        self._store.many(messages, (self._message(n, at) for n, at in enumerate(strictly)))
        if not texts_only:
            self._store.many(contacts, (self._contact(n, at) for n, at in enumerate(strictly)))
            self._store.many(deliveries, (self._delivery(n, at) for n, at in enumerate(strictly)))
            totals += ["contact_count", "delivery_count", "deliveries_delivered"]
        self._count(strictly)
        sets = ", ".join(f"{name} = {name} + {count}" for name in totals)
        self._store.run(f"UPDATE {accounts.name} SET {sets} WHERE id = %s", self._account)
        self._store.finish()

    def events(self, count: int) -> int:
        """`count` events more, a text that came each, behind those that there are; answers the newest sequence."""
        [head] = self._store.run(f"SELECT event_seq FROM {accounts.name} WHERE id = %s", self._account)
        newest: int = head["event_seq"]
        self._store.many(events, (self._event(newest + n) for n in range(1, count + 1)))
        self._store.run(
            f"UPDATE {accounts.name} SET event_seq = %s WHERE id = %s", newest + count, self._account
        )
        self._store.finish()
        return newest + count

    def _event(self, seq: int) -> dict[str, Any]:
        ids = {"messageId": _id("msg", self._until, seq), "conversationId": _id("conv", self._until, seq)}
        return {
            "account_id": self._account,
            "seq": seq,
            "id": _id("evt", self._until, seq),
            "type": "message.received",
            "at": self._until,
            "data": json.dumps(ids | {"numberId": self._number["id"]}),
            "agent_id": self._number["agentId"],
        }

    def _conversation(self, n: int, at: int) -> dict[str, Any]:
        return {
            "account_id": self._account,
            "id": _id("conv", at, n),
            "number_id": self._number["id"],
            "number_e164": self._number["phoneNumber"],
            "party": _party(n),
            "agent_id": self._number["agentId"],
            "created_at": at,
            "last_message_at": at,
            "last_preview": f"text {n}",
            "message_count": 1,
        }

    def _message(self, n: int, at: int) -> dict[str, Any]:
        return {
            "account_id": self._account,
            "id": _id("msg", at, n),
            "number_id": self._number["id"],
            "conversation_id": _id("conv", at, n),
            "at": at,
            "direction": "inbound",
            "from_e164": _party(n),
            "to_e164": self._number["phoneNumber"],
            "body": f"text {n}: your table is ready, please come in.",
            "status": "received",
            "segments": 1,
            "encoding": "gsm7",
            "carrier": "simulated",
        }

    def _contact(self, n: int, at: int) -> dict[str, Any]:
        name = f"Person {n}"
        return {
            "account_id": self._account,
            "id": _id("con", at, n),
            "e164": _party(n),
            "name": name,
            "search_text": f"{name.casefold()}\n{_party(n)}",
            "created_at": at,
            "updated_at": at,
        }

    def _delivery(self, n: int, at: int) -> dict[str, Any]:
        return {
            "account_id": self._account,
            "id": _id("whd", at, n),
            "webhook_id": "wh_filled",
            "scope": "",
            "agent_id": self._number["agentId"],
            "event_seq": n,
            "event_type": "agent.message",
            "channel": "sms",
            "message_id": _id("msg", at, n),
            "status": "delivered",
            "attempts": 1,
            "http_status": 200,
            "response_ms": 3,
            "created_at": at,
            "last_attempt_at": at,
            "delivered_at": at,
        }

    def _count(self, times: list[int]) -> None:
        agent = self._number["agentId"]
        days = _by(times, DAY_MS)
        self._store.many(
            usage_days,
            (
                {
                    "account_id": self._account,
                    "day": day,
                    "number_id": self._number["id"],
                    "agent_id": agent,
                    "messages": many,
                    "segments": many,
                    "webhooks": many,
                }
                for day, many in days
            ),
        )
        self._store.many(
            usage_quarters,
            (
                {
                    "account_id": self._account,
                    "quarter": quarter,
                    "agent_id": agent,
                    "messages": many,
                    "segments": many,
                }
                for quarter, many in _by(times, QUARTER_MS)
            ),
        )
        self._store.many(
            delivery_hours,
            (
                {
                    "account_id": self._account,
                    "hour": hour,
                    "event_type": "agent.message",
                    "total": many,
                    "delivered": many,
                }
                for hour, many in _by(times, HOUR_MS)
            ),
        )


def _id(prefix: str, at: int, n: int) -> str:
    return f"{prefix}_{spell(at << 80 | n)}"


def _party(n: int) -> str:
    return f"+1{2_000_000_000 + n}"


def _by(times: list[int], step: int) -> Iterator[tuple[int, int]]:
    for start, group in itertools.groupby(at // step * step for at in times):
        yield start, sum(1 for _ in group)
