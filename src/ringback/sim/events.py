"""The event log that `/sim/v1/events` streams: what happened at the handsets, resumable by its numbers."""

from dataclasses import dataclass

from ringback.sim import handsets
from ringback.sim.unit import Unit

BATCH = 200


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event; `data` is JSON on one line."""

    seq: int
    handset_id: str
    kind: str
    data: str


def last_seq(unit: Unit, handset_id: str | None) -> int:
    """The number of the newest event; `HandsetNotFound` for a handset that doesn't exist."""
    if handset_id is not None:
        handsets.find(unit, handset_id)
    row = unit.one("SELECT max(seq) AS seq FROM log")
    return int(row["seq"] or 0) if row else 0


def after(unit: Unit, handset_id: str | None, seq: int) -> list[LogEntry]:
    """Events behind `seq`, oldest first, of one handset or of all."""
    if handset_id is None:
        rows = unit.all("SELECT * FROM log WHERE seq > ? ORDER BY seq LIMIT ?", seq, BATCH)
    else:
        rows = unit.all(
            "SELECT * FROM log WHERE handset_id = ? AND seq > ? ORDER BY seq LIMIT ?", handset_id, seq, BATCH
        )
    return [LogEntry(**row) for row in rows]
