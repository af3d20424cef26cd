"""The outbox: work to do after a commit, in lanes, in order within a chain.

A lane is what is paced (a number for texts, an endpoint for webhooks). A claim takes due lanes, oldest first, then each
lane's ready rows; so a long queue in one lane delays no other. Of a chain (a conversation) only the head is `ready`, the
rest is `waiting`; finishing the head promotes the next. A claimed row carries a token and a lease on real time: it is
finished by that token only, and committing the claim is the mark that its work has begun.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from ringback.storage.schema import lanes, outbox
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

READY, WAITING, CLAIMED = "ready", "waiting", "claimed"

_DUE_LANES = Statement(
    select(lanes)
    .where(
        lanes.c.kind == bindparam("kind"),
        lanes.c.next_at <= bindparam("now"),
        lanes.c.in_flight < bindparam("cap"),
    )
    .order_by(lanes.c.next_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_READY_OF_LANE = Statement(
    select(outbox)
    .where(outbox.c.lane_id == bindparam("lane_id"), outbox.c.state == READY)
    .order_by(outbox.c.due_at, outbox.c.position)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_NEXT_OF_CHAIN = Statement(
    select(outbox)
    .where(
        outbox.c.account_id == bindparam("account_id"),
        outbox.c.chain == bindparam("chain"),
        outbox.c.state == WAITING,
    )
    .order_by(outbox.c.position)
    .limit(1)
)
_LEASES_OVER = Statement(
    select(outbox)
    .where(
        outbox.c.kind == bindparam("kind"),
        outbox.c.state == CLAIMED,
        outbox.c.lease_until <= bindparam("real_now"),
    )
    .limit(bindparam("most"))
)
_NEXT_DUE = Statement(
    select(func.min(lanes.c.next_at).label("at")).where(
        lanes.c.kind == bindparam("kind"), lanes.c.in_flight < bindparam("cap")
    )
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row whose work has begun. `attempt` counts from 1."""

    account_id: str
    id: str
    lane_id: str
    subject_id: str
    chain: str | None
    attempt: int
    token: str
    request_id: str | None


def lane_for_texts(number_id: str) -> str:
    return f"text:{number_id}"


def lane_for_endpoint(webhook_id: str) -> str:
    return f"hook:{webhook_id}"


def enqueue(
    tx: Tx,
    *,
    account_id: str,
    lane_id: str,
    kind: str,
    subject_id: str,
    position: int,
    chain: str | None = None,
    behind: bool = False,
    due_at: int | None = None,
) -> None:
    """Write work to be done. `position` orders a lane and a chain; `behind` says that its chain has open rows."""
    due = tx.now if due_at is None else due_at
    tx.insert(
        outbox,
        account_id=account_id,
        id=tx.new_id("out"),
        lane_id=lane_id,
        kind=kind,
        subject_id=subject_id,
        chain=chain,
        position=position,
        state=WAITING if behind else READY,
        due_at=due,
        request_id=tx.request_id,
    )
    lane = tx.get(lanes, lane_id)
    if lane is None:
        tx.insert(
            lanes,
            id=lane_id,
            account_id=account_id,
            kind=kind,
            next_at=None if behind else due,
            backlog=1,
        )
    else:
        tx.update(
            lanes,
            lane,
            backlog=lane["backlog"] + 1,
            next_at=lane["next_at"] if behind else _earlier(lane["next_at"], due),
        )
    tx.wake(kind)


def _earlier(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)


def claim(tx: Tx, kind: str, *, most: int, cap: int, token: str, lease_until: int) -> list[Claimed]:
    """Begin work on up to `most` due rows, at most `cap` in flight a lane. `lease_until` is real time (ms)."""
    taken: list[Claimed] = []
    for lane in tx.all(_DUE_LANES, kind=kind, now=tx.now, cap=cap, most=most):
        room = min(cap - lane["in_flight"], most - len(taken))
        if room <= 0:
            break
        rows = tx.all(_READY_OF_LANE, lane_id=lane["id"], most=room + 1)
        due = [row for row in rows[:room] if row["due_at"] <= tx.now]
        for row in due:
            tx.update(
                outbox, row, state=CLAIMED, token=token, lease_until=lease_until, attempt=row["attempt"] + 1
            )
            taken.append(_claimed(row, token))
        left = rows[len(due) :]
        tx.update(
            lanes,
            lane,
            in_flight=lane["in_flight"] + len(due),
            next_at=left[0]["due_at"] if left else None,
        )
    return taken


def _claimed(row: Row, token: str) -> Claimed:
    return Claimed(
        account_id=row["account_id"],
        id=row["id"],
        lane_id=row["lane_id"],
        subject_id=row["subject_id"],
        chain=row["chain"],
        attempt=row["attempt"] + 1,
        token=token,
        request_id=row["request_id"],
    )


def held(tx: Tx, work: Claimed) -> Row | None:
    """The claimed row while it is still ours; None when the lease went to somebody else or it is done."""
    row = tx.get(outbox, work.account_id, work.id)
    return row if row is not None and row["token"] == work.token else None


def finish(tx: Tx, work: Claimed, *, more_in_chain: bool = True) -> bool:
    """The work is done; its chain's next row becomes ready. False when the row is no longer ours.

    `more_in_chain` False spares the look for a next row where the caller knows that there is none.
    """
    if held(tx, work) is None:
        return False
    tx.delete(outbox, work.account_id, work.id)
    promoted = _promote(tx, work) if work.chain is not None and more_in_chain else None
    _leave(tx, work.lane_id, done=1, ready_at=promoted)
    return True


def put_back(tx: Tx, work: Claimed, *, due_at: int, counted: bool = True) -> bool:
    """To be tried again at `due_at` (clock); it stays the head of its chain. Not `counted`: nothing was attempted."""
    row = held(tx, work)
    if row is None:
        return False
    tx.update(
        outbox,
        row,
        state=READY,
        token=None,
        lease_until=None,
        due_at=due_at,
        attempt=row["attempt"] if counted else row["attempt"] - 1,
    )
    _leave(tx, work.lane_id, done=0, ready_at=due_at)
    tx.wake(row["kind"])
    return True


def _promote(tx: Tx, work: Claimed) -> int | None:
    row = tx.one(_NEXT_OF_CHAIN, account_id=work.account_id, chain=work.chain)
    if row is None:
        return None
    due: int = max(row["due_at"], 0)
    tx.update(outbox, row, state=READY)
    tx.wake(row["kind"])
    return due


def _leave(tx: Tx, lane_id: str, *, done: int, ready_at: int | None) -> None:
    lane = tx.get(lanes, lane_id)
    assert lane is not None
    tx.update(
        lanes,
        lane,
        in_flight=lane["in_flight"] - 1,
        backlog=lane["backlog"] - done,
        next_at=_earlier(lane["next_at"], ready_at),
    )
    if lane["next_at"] is not None and lane["next_at"] <= tx.now:
        tx.wake(lane["kind"])


def leases_over(db: Reads, kind: str, *, real_now: int, most: int = 100) -> list[Claimed]:
    """Rows whose worker has not finished in time (or is dead)."""
    return [
        Claimed(
            account_id=row["account_id"],
            id=row["id"],
            lane_id=row["lane_id"],
            subject_id=row["subject_id"],
            chain=row["chain"],
            attempt=row["attempt"],
            token=row["token"],
            request_id=row["request_id"],
        )
        for row in db.all(_LEASES_OVER, kind=kind, real_now=real_now, most=most)
    ]


def next_due(db: Reads, kind: str, *, cap: int) -> int | None:
    """When (clock) the next row of a lane with room is due."""
    row = db.one(_NEXT_DUE, kind=kind, cap=cap)
    at: int | None = row["at"] if row else None
    return at
