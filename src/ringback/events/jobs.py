"""Forgetting what is older than the operator keeps it, in small steps."""

import asyncio
from functools import partial

import structlog
from sqlalchemy import bindparam, delete, select

from ringback.kit.clock import Clock
from ringback.storage.schema import accounts, events
from ringback.storage.statements import Statement
from ringback.storage.store import Store
from ringback.storage.tx import Reads, Row, Tx

DAY_MS = 86_400_000
STEP = 500
"""Events that one unit forgets at most: it holds the account's lock, and on SQLite the writer."""
_ACCOUNTS = 200
_PAUSE_S = 0.05
_log = structlog.get_logger("ringback.events")

_WITH_EVENTS = Statement(
    select(accounts.c.id)
    .where(accounts.c.id > bindparam("after"), accounts.c.event_seq > accounts.c.events_pruned)
    .order_by(accounts.c.id)
    .limit(bindparam("most"))
)
_RANGE = (
    events.c.account_id == bindparam("account_id"),
    events.c.seq > bindparam("after"),
    events.c.seq <= bindparam("until"),
)
_FIRST_KEPT = Statement(
    select(events.c.seq).where(*_RANGE, events.c.at >= bindparam("since")).order_by(events.c.seq).limit(1)
)
_FORGET = Statement(delete(events).where(*_RANGE))


def forget(tx: Tx, account_id: str, *, keep_ms: int) -> int:
    """Forget the oldest events of an account, `STEP` at most, up to the first that is not older than `keep_ms`.

    Answers how many. What comes after an event that is kept is kept too, whatever its time.
    """
    head = tx.get(accounts, account_id)
    assert head is not None
    pruned: int = head["events_pruned"]
    params = {
        "account_id": account_id,
        "after": pruned,
        "until": min(pruned + STEP, head["event_seq"]),
    }
    first = tx.one(_FIRST_KEPT, **params, since=tx.now - keep_ms)
    if first is not None:
        params["until"] = first["seq"] - 1
    if params["until"] == pruned:
        return 0
    tx.execute(_FORGET, [events], **params)
    tx.update(accounts, head, events_pruned=params["until"])
    return int(params["until"]) - pruned


async def forget_old(store: Store, clock: Clock, *, keep_days: int) -> int:
    """Forget all events that are older than `keep_days` of the clock, 0 being for ever; answers how many."""
    if keep_days == 0:
        return 0
    keep_ms, total, after = keep_days * DAY_MS, 0, ""
    while rows := await store.read(partial(_accounts, after=after)):
        for row in rows:
            total += await _forget_of(store, clock, row["id"], keep_ms)
        after = rows[-1]["id"]
    if total:
        _log.info("old events were forgotten", count=total)
    return total


async def _forget_of(store: Store, clock: Clock, account_id: str, keep_ms: int) -> int:
    total = 0
    # Looked at before the lock is taken: mostly there is nothing to do.
    while await store.read(partial(_is_old, account_id=account_id, since=clock.now_ms() - keep_ms)):
        count = await store.write(partial(forget, account_id=account_id, keep_ms=keep_ms), account=account_id)
        if count == 0:
            break
        total += count
        await asyncio.sleep(_PAUSE_S)
    return total


def _accounts(db: Reads, *, after: str) -> list[Row]:
    return db.all(_WITH_EVENTS, after=after, most=_ACCOUNTS)


def _is_old(db: Reads, *, account_id: str, since: int) -> bool:
    """Whether the oldest event that is kept was before `since` (clock ms)."""
    head = db.get(accounts, account_id)
    assert head is not None
    first = db.get(events, account_id, head["events_pruned"] + 1)
    return first is not None and first["at"] < since
