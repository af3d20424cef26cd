"""How deep the queues are and how long the first in line has waited, for whoever watches the server."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, select

from ringback.storage.schema import lanes, outbox
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads

MOST: Final = 50
"""Lanes of a kind that are shown by themselves, the deepest; all others of the kind are one line."""
OTHERS: Final = "others"

_SUMS = Statement(
    select(
        lanes.c.kind,
        lanes.c.carrier,
        func.sum(lanes.c.backlog).label("depth"),
        func.sum(lanes.c.in_flight).label("in_flight"),
        func.min(lanes.c.next_at).label("next_at"),
    ).group_by(lanes.c.kind, lanes.c.carrier)
)
_DEEPEST = Statement(
    select(lanes)
    .where(lanes.c.kind == bindparam("kind"), lanes.c.carrier == bindparam("carrier"), lanes.c.backlog > 0)
    .order_by(lanes.c.backlog.desc(), lanes.c.id)
    .limit(bindparam("most"))
)
_FIRST = Statement(
    select(func.min(outbox.c.due_at).label("due_at")).where(
        outbox.c.lane_id == bindparam("lane_id"), outbox.c.state == "ready"
    )
)


@dataclass(frozen=True, slots=True)
class Queue:
    """A lane (`text:<number id>`, `hook:<webhook id>`), or all others of its kind and carrier."""

    kind: str
    lane: str
    carrier: str
    depth: int
    in_flight: int
    age_ms: int


def look(db: Reads, *, now: int) -> list[Queue]:
    """Every queue that holds something, by kind and carrier; a sum even where there is nothing."""
    found: list[Queue] = []
    for total in db.all(_SUMS):
        kind, carrier = total["kind"], total["carrier"]
        depth, in_flight = int(total["depth"]), int(total["in_flight"])
        for lane in db.all(_DEEPEST, kind=kind, carrier=carrier, most=MOST):
            first = db.one(_FIRST, lane_id=lane["id"])
            due = first["due_at"] if first else None
            age = 0 if due is None else max(0, now - due)
            found.append(Queue(kind, lane["id"], carrier, lane["backlog"], lane["in_flight"], age))
            depth -= lane["backlog"]
            in_flight -= lane["in_flight"]
        found.append(Queue(kind, OTHERS, carrier, depth, in_flight, 0))
    return found
