"""Reading the log: forward from a sequence, in the order in which everything happened."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, func, select

from ringback.events.errors import EventsExpired
from ringback.storage.schema import accounts, events
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

SCANNED: Final = 2_000
"""Rows that one look goes through at most, whatever the filters leave of them."""

_AFTER = Statement(
    select(events)
    .where(events.c.account_id == bindparam("account_id"), events.c.seq > bindparam("after"))
    .order_by(events.c.seq)
    .limit(bindparam("most"))
)
_LAST_OLD = Statement(
    select(func.max(events.c.seq).label("seq")).where(
        events.c.account_id == bindparam("account_id"),
        events.c.seq > bindparam("after"),
        events.c.seq <= bindparam("until"),
        events.c.at < bindparam("before"),
    )
)
_FORGET = Statement(
    delete(events).where(
        events.c.account_id == bindparam("account_id"),
        events.c.seq > bindparam("after"),
        events.c.seq <= bindparam("until"),
    )
)
_ACCOUNTS = Statement(select(accounts.c.id).where(accounts.c.event_seq > accounts.c.events_pruned))


@dataclass(frozen=True, slots=True)
class Look:
    """`rows` match; `next_after` is where to go on, which is past what did not match; `more`: there is more at once."""

    rows: list[Row]
    next_after: int
    more: bool


def last_seq(db: Reads, account_id: str) -> int:
    """The sequence of the newest event; 0 before the first."""
    head = db.get(accounts, account_id)
    return 0 if head is None else int(head["event_seq"])


def look(
    db: Reads,
    account_id: str,
    *,
    after: int,
    limit: int,
    types: Collection[str] | None = None,
    agent_id: str | None = None,
) -> Look:
    """Events behind `after`, oldest first. Raises `EventsExpired` when some of them are kept no longer."""
    head = db.get(accounts, account_id)
    if head is not None and after < head["events_pruned"]:
        raise EventsExpired(
            f"events up to {head['events_pruned']} are kept no longer: go on after={head['events_pruned']}",
            field="after",
            where="query",
        )
    filtered = types is not None or agent_id is not None
    most = SCANNED if filtered else limit + 1
    found = db.all(_AFTER, account_id=account_id, after=after, most=most)
    rows: list[Row] = []
    for row in found:
        if len(rows) == limit:
            return Look(rows, rows[-1]["seq"] if not filtered else row["seq"] - 1, True)
        if (types is None or row["type"] in types) and (agent_id is None or row["agent_id"] == agent_id):
            rows.append(row)
    return Look(rows, found[-1]["seq"] if found else after, len(found) == most)


def accounts_with_events(db: Reads) -> list[str]:
    return [row["id"] for row in db.all(_ACCOUNTS)]


def prune(tx: Tx, account_id: str, *, before: int, most: int = 1_000) -> int:
    """Forget an account's oldest events from before a time (clock ms), `most` at once; answers up to which sequence."""
    head = tx.get(accounts, account_id)
    assert head is not None
    pruned: int = head["events_pruned"]
    row = tx.one(_LAST_OLD, account_id=account_id, after=pruned, until=pruned + most, before=before)
    if row is None or row["seq"] is None:
        return pruned
    tx.execute(_FORGET, [events], account_id=account_id, after=pruned, until=row["seq"])
    tx.update(accounts, head, events_pruned=row["seq"])
    return int(row["seq"])
