"""The outbox: work to do after a commit, in lanes, in order within a chain.

A lane is what is paced (a number for texts, an endpoint for webhooks). A claim takes due lanes, those that wait longest
first, then each lane's ready rows; a lane that has had its turn goes to the end, so a long queue in one lane delays no
other. A lane whose carrier sets a pace gives what that allows now (`paces.py`) and is due again when it allows more. Of a
chain (a conversation) only the head is `ready`, the rest is `waiting`; finishing the head promotes the next. A claimed
row carries a token and a lease on real time: it is finished by that token only, and committing the claim is the mark that
its work has begun.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, update

from ringback.storage import paces
from ringback.storage.paces import FREE, Charge, Gate, Toll
from ringback.storage.schema import lanes, outbox
from ringback.storage.statements import Statement
from ringback.storage.turns import Turn, ready_of_each, stagger
from ringback.storage.tx import Reads, Row, Tx

READY, WAITING, CLAIMED = "ready", "waiting", "claimed"
_FOR_EVER = 1 << 62
_LANES_AT_ONCE = 8
"""Lanes whose rows are read in one round trip: a claim seldom needs more."""

_DUE_LANES = Statement(
    select(lanes)
    .where(
        lanes.c.kind == bindparam("kind"),
        lanes.c.carrier == bindparam("carrier"),
        lanes.c.next_at <= bindparam("now"),
        lanes.c.in_flight < bindparam("cap"),
    )
    .order_by(lanes.c.next_at, lanes.c.served_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_waiting = outbox.alias("waiting")
_PROMOTE = Statement(
    update(outbox)
    .where(
        outbox.c.account_id == bindparam("of_account"),
        outbox.c.chain == bindparam("of_chain"),
        outbox.c.state == WAITING,
        outbox.c.position
        == select(func.min(_waiting.c.position))
        .where(
            _waiting.c.account_id == bindparam("of_account"),
            _waiting.c.chain == bindparam("of_chain"),
            _waiting.c.state == WAITING,
        )
        .scalar_subquery(),
    )
    .values(state=READY)
)
"""Makes the next of a chain ready, if there is one."""
_LEASES_OVER = Statement(
    select(outbox)
    .join(lanes, lanes.c.id == outbox.c.lane_id)
    .where(
        outbox.c.kind == bindparam("kind"),
        outbox.c.state == CLAIMED,
        outbox.c.lease_until <= bindparam("real_now"),
        lanes.c.carrier == bindparam("carrier"),
    )
    .limit(bindparam("most"))
)
_NEXT_DUE = Statement(
    select(lanes.c.next_at.label("at"))
    .where(
        lanes.c.kind == bindparam("kind"),
        lanes.c.carrier == bindparam("carrier"),
        lanes.c.next_at.is_not(None),
        lanes.c.in_flight < bindparam("cap"),
    )
    .order_by(lanes.c.next_at)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row whose work has begun. `attempt` counts from 1; `crowded`: its lane had no room for more."""

    account_id: str
    id: str
    lane_id: str
    subject_id: str
    chain: str | None
    attempt: int
    token: str
    request_id: str | None
    crowded: bool = False
    charge: Charge | None = None
    """What it took of its carrier's pace."""
    pace_id: str | None = None
    """The pace that it waited for, set or not."""


def lane_for_texts(number_id: str) -> str:
    return f"text:{number_id}"


def number_of_lane(lane_id: str) -> str:
    """The number whose texts stand in a lane."""
    return lane_id.removeprefix("text:")


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
    carrier: str = "",
    expires_at: int | None = None,
    toll: Toll = FREE,
    lane_at: int | None = None,
) -> None:
    """Write work to be done. `position` orders a lane and a chain; `behind` says that its chain has open rows.

    For texts: who carries them, when their validity passes, what they cost, and when their lane's pace may allow them.
    """
    due = tx.now if due_at is None else due_at
    look_at = max(due, lane_at or due)
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
        expires_at=expires_at,
        pace_id=toll.pace_id,
        segments=toll.segments,
        tmobile=toll.tmobile,
    )
    paces.join(tx, account_id, toll)
    tx.adjust(
        lanes,
        id=lane_id,
        account_id=account_id,
        kind=kind,
        carrier=carrier,
        next_at=None if behind else look_at,
        backlog=1,
    )
    if not behind:
        tx.wake(kind)


def claim(
    tx: Tx,
    kind: str,
    *,
    carrier: str = "",
    most: int,
    cap: int,
    token: str,
    lease_until: int,
    gate: Gate | None = None,
    quick: Collection[str] = (),
    ahead: int = 0,
) -> list[Claimed]:
    """Begin work on up to `most` due rows of a carrier's lanes, at most `cap` in flight a lane.

    Of `quick` lanes up to `ahead` more are claimed, where all lanes that are due have had what `cap` gives them.
    `lease_until` is real time (ms); it also tells who was served last. `gate` tells the paces of lanes that have some.
    """
    due = tx.all(_DUE_LANES, kind=kind, carrier=carrier, now=tx.now, cap=cap, most=most)
    stiles = paces.turnstiles(tx, due, gate) if gate is not None else {}
    turns: list[Turn] = []
    left = most
    more = _share(due, quick, spare=most - cap * len(due), ahead=ahead)

    def room_of(lane: Row) -> int:
        room: int = cap - lane["in_flight"] + (more if lane["id"] in quick else 0)
        return min(room, left)

    for first in range(0, len(due), _LANES_AT_ONCE):
        if left <= 0:
            break
        next_ = [Turn(lane, stiles.get(lane["id"])) for lane in due[first : first + _LANES_AT_ONCE]]
        asked = [turn.asks(gate, room=room_of(turn.lane)) for turn in next_]
        for turn, rows in zip(next_, ready_of_each(tx, asked), strict=True):
            if left <= 0:
                break
            turn.take(tx, gate, rows, room=room_of(turn.lane))
            left -= len(turn.taken)
            turns.append(turn)
    stagger(turns)
    taken: list[Claimed] = []
    for turn in turns:
        in_flight = turn.lane["in_flight"] + len(turn.taken)
        # Of those claimed ahead the last to end make room below the cap.
        crowding = len(turn.taken) - cap if in_flight >= cap else len(turn.taken)
        for nth, (row, charge) in enumerate(turn.taken):
            row = tx.update(
                outbox, row, state=CLAIMED, token=token, lease_until=lease_until, attempt=row["attempt"] + 1
            )
            taken.append(claimed(row, crowded=nth >= crowding, charge=charge))
        served = {"served_at": lease_until} if turn.taken else {}
        tx.update(lanes, turn.lane, in_flight=in_flight, next_at=turn.next_at, **served)
    for stile in {id(stile): stile for stile in stiles.values()}.values():
        stile.save(tx)
    return taken


def _share(due: Sequence[Row], quick: Collection[str], *, spare: int, ahead: int) -> int:
    """How many more each quick lane may give."""
    count = sum(lane["id"] in quick for lane in due) if quick else 0
    return min(ahead, spare // count) if count and spare > 0 else 0


def claimed(row: Row, *, crowded: bool, charge: Charge | None = None) -> Claimed:
    """A claimed row as its worker has it."""
    return Claimed(
        account_id=row["account_id"],
        id=row["id"],
        lane_id=row["lane_id"],
        subject_id=row["subject_id"],
        chain=row["chain"],
        attempt=row["attempt"],
        token=row["token"],
        request_id=row["request_id"],
        crowded=crowded,
        charge=charge,
        pace_id=row["pace_id"],
    )


def held(tx: Tx, work: Claimed) -> Row | None:
    """The claimed row while it is still ours; None when the lease went to somebody else or it is done."""
    row = tx.get(outbox, work.account_id, work.id)
    return row if row is not None and row["token"] == work.token else None


def finish(tx: Tx, work: Claimed, *, more_in_chain: bool = True) -> bool:
    """The work is done; its chain's next row becomes ready. False when the row is no longer ours.

    `more_in_chain` False spares the look for a next row where the caller knows that there is none.
    """
    row = held(tx, work)
    if row is None:
        return False
    tx.delete(outbox, work.account_id, work.id)
    promotes = work.chain is not None and more_in_chain
    if promotes:
        tx.later(_PROMOTE, outbox, of_account=work.account_id, of_chain=work.chain)
    paces.leave(tx, row)
    # The next one is due now at the earliest; the claim that looks sees when.
    _leave(tx, row, done=1, ready_at=paces.next_turn(tx, work.account_id, work.charge) if promotes else None)
    if promotes or work.crowded:
        tx.wake(row["kind"])
    return True


def put_back(tx: Tx, work: Claimed, *, due_at: int, counted: bool = True) -> bool:
    """To be tried again at `due_at` (clock); it stays the head of its chain. Not `counted`: nothing was attempted.

    What was not attempted gives back what it took of its pace.
    """
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
    if not counted and work.charge is not None:
        paces.give_back(tx, work.account_id, work.charge)
    _leave(tx, row, done=0, ready_at=due_at)
    tx.wake(row["kind"])
    return True


def _leave(tx: Tx, row: Row, *, done: int, ready_at: int | None) -> None:
    tx.adjust(
        lanes,
        id=row["lane_id"],
        account_id=row["account_id"],
        kind=row["kind"],
        next_at=ready_at,
        in_flight=-1,
        backlog=-done,
    )


def leases_over(db: Reads, kind: str, *, carrier: str = "", real_now: int, most: int = 100) -> list[Claimed]:
    """Rows of a carrier's lanes whose worker has not finished in time (or is dead)."""
    rows = db.all(_LEASES_OVER, kind=kind, carrier=carrier, real_now=real_now, most=most)
    return [claimed(row, crowded=True) for row in rows]


def any_claimed(db: Reads, kind: str, *, carrier: str = "") -> bool:
    """Whether any work of a carrier's lanes is under way, or was left by a dead worker."""
    return bool(leases_over(db, kind, carrier=carrier, real_now=_FOR_EVER, most=1))


def next_due(db: Reads, kind: str, *, cap: int, carrier: str = "") -> int | None:
    """When (clock) the next row of a lane with room is due."""
    row = db.one(_NEXT_DUE, kind=kind, carrier=carrier, cap=cap)
    return None if row is None else int(row["at"])


def look_again(tx: Tx, kind: str, *, carrier: str, account_id: str, lane_id: str) -> None:
    """Look now at a lane of which some work waits."""
    tx.adjust(lanes, id=lane_id, account_id=account_id, kind=kind, carrier=carrier, next_at=tx.now)
    tx.wake(kind)
