"""Another pace for what waits already: what was held for the old one is looked at again."""

from sqlalchemy import bindparam, literal_column, select, update

from ringback.kit.pace import day_of
from ringback.storage import facts, paces
from ringback.storage.schema import lanes, outbox
from ringback.storage.statements import Statement
from ringback.storage.tx import Tx

_LANES_AT_ONCE, _ROWS_AT_ONCE = 64, 500
_LANES = Statement(
    select(lanes)
    .where(
        lanes.c.kind == bindparam("kind"),
        lanes.c.carrier == bindparam("carrier"),
        lanes.c.backlog > 0,
        lanes.c.id > bindparam("after"),
    )
    .order_by(lanes.c.id)
    .limit(bindparam("most"))
    .with_for_update()
)
_PUT_OFF = Statement(
    select(outbox)
    .where(
        outbox.c.lane_id == bindparam("lane_id"),
        outbox.c.state == literal_column("'ready'"),
        outbox.c.due_at == bindparam("ends"),
        outbox.c.tmobile > 0,
    )
    .order_by(outbox.c.position)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_RELEASE = Statement(
    update(lanes)
    .where(
        lanes.c.kind == bindparam("of_kind"),
        lanes.c.carrier == bindparam("of_carrier"),
        lanes.c.next_at > bindparam("now"),
    )
    .values(next_at=bindparam("now"))
)


def bring_forward(tx: Tx, kind: str, carrier: str, after: str = "") -> str | None:
    """Let texts that were put off to T-Mobile's next day be due now; some hundreds, in lanes whose id is past `after`.

    Answers what comes `after` for the next call, None at the end. Lanes are locked before their rows, as claims do.
    """
    ends, left = day_of(tx.now)[1], _ROWS_AT_ONCE
    found = tx.all(_LANES, kind=kind, carrier=carrier, after=after, most=_LANES_AT_ONCE)
    for lane in found:
        rows = tx.all(_PUT_OFF, lane_id=lane["id"], ends=ends, most=left)
        for row in rows:
            tx.update(outbox, row, due_at=tx.now)
        if rows:
            tx.update(lanes, lane, next_at=tx.now)
        left -= len(rows)
        if left == 0:
            return after  # this lane may hold more
        after = lane["id"]
    return after if len(found) == _LANES_AT_ONCE else None


def release_held(tx: Tx, kind: str, carrier: str, paced_as: str | None) -> None:
    """Look again at every lane that waits, since its pace is another now; where nobody has noted that, no old turn counts."""
    tx.execute(_RELEASE, [lanes], of_kind=kind, of_carrier=carrier, now=tx.now)
    if facts.note_pace(tx, carrier, paced_as):
        paces.start_afresh(tx, carrier)
    tx.wake(kind)
