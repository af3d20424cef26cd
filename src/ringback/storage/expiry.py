"""Work whose validity passes before anybody has begun it."""

from dataclasses import replace

from sqlalchemy import bindparam, literal_column, select

from ringback.storage.outbox import CLAIMED, READY, Claimed, claimed
from ringback.storage.schema import lanes, outbox
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

_LANE = Statement(
    select(lanes)
    .where(lanes.c.account_id == bindparam("account_id"), lanes.c.id == bindparam("id"))
    .with_for_update()
)
_UNCLAIMED = outbox.c.state != literal_column("'claimed'")
_EXPIRED = Statement(
    select(outbox.c.account_id, outbox.c.id, outbox.c.lane_id)
    .where(outbox.c.kind == bindparam("kind"), _UNCLAIMED, outbox.c.expires_at <= bindparam("now"))
    .order_by(outbox.c.expires_at)
    .limit(bindparam("most"))
)
_NEXT_EXPIRY = Statement(
    select(outbox.c.expires_at.label("at"))
    .where(outbox.c.kind == bindparam("kind"), _UNCLAIMED, outbox.c.expires_at.is_not(None))
    .order_by(outbox.c.expires_at)
    .limit(1)
)
_TO_EXPIRE = Statement(
    select(outbox)
    .where(
        outbox.c.account_id == bindparam("account_id"),
        outbox.c.id == bindparam("id"),
        _UNCLAIMED,
        outbox.c.expires_at <= bindparam("now"),
    )
    .with_for_update()
)


def expired(db: Reads, kind: str, *, now: int, most: int = 100) -> list[Row]:
    """Work that nobody has begun and whose validity has passed: `account_id`, `id`, `lane_id`, the oldest first."""
    return db.all(_EXPIRED, kind=kind, now=now, most=most)


def next_expiry(db: Reads, kind: str) -> int | None:
    """When (clock) the next validity passes of work that nobody has begun."""
    row = db.one(_NEXT_EXPIRY, kind=kind)
    return None if row is None else int(row["at"])


def take_expired(tx: Tx, row: Row, *, token: str) -> Claimed | None:
    """Claim one row of `expired`, to be finished in the same unit; None when somebody has it by now.

    The account's lock is held. The lane is locked first, as claims do, so that no claim comes between.
    """
    lane = tx.one(_LANE, account_id=row["account_id"], id=row["lane_id"])
    found = tx.one(_TO_EXPIRE, account_id=row["account_id"], id=row["id"], now=tx.now)
    if lane is None or found is None:
        return None
    taken = tx.update(outbox, found, state=CLAIMED, token=token)
    tx.update(lanes, lane, in_flight=lane["in_flight"] + 1)
    work = claimed(taken, crowded=False)
    # One from the middle of a chain lets nobody through: its head does.
    return work if found["state"] == READY else replace(work, chain=None)
