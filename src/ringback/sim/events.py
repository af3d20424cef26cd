"""The event log that `/sim/v1/events` streams: what happened at the handsets, resumable by its numbers."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from ringback.sim import handsets, texts
from ringback.sim.texts import Text
from ringback.sim.unit import Unit, to_json

BATCH = 200
# Inside JSON only a text holds these, and readers such as Python's `splitlines` take them for the end of a line.
_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event: a text, as it was then, or what else it tells as JSON on one line."""

    seq: int
    handset_id: str
    kind: str
    told: Text | str

    def data(self, base: str) -> str:
        """The event as JSON on one line; media are reached at `base`."""
        told = self.told if isinstance(self.told, str) else to_json(self.told.to_wire(base))
        return told.translate(_LINE_ENDS)


def last_seq(unit: Unit, handset_id: str | None) -> int:
    """The number of the newest event; `HandsetNotFound` for a handset that doesn't exist."""
    if handset_id is not None:
        handsets.find(unit, handset_id)
    row = unit.one("SELECT max(seq) AS seq FROM log")
    return int(row["seq"] or 0) if row else 0


def after(unit: Unit, handset_id: str | None, seq: int) -> list[LogEntry]:
    """Events behind `seq`, oldest first, of one handset or of all. Those of a deleted handset's texts are gone."""
    rows = unit.all(
        "SELECT log.seq AS log_seq, log.handset_id AS of_handset, log.kind, log.data, texts.* FROM log"
        " LEFT JOIN texts ON texts.id = log.text_id"
        " WHERE log.seq > ? AND (? IS NULL OR log.handset_id = ?) AND (log.data IS NOT NULL OR texts.id IS NOT NULL)"
        " ORDER BY log.seq LIMIT ?",
        seq,
        handset_id,
        handset_id,
        BATCH,
    )
    return [_entry(row) for row in rows]


def _entry(row: dict[str, Any]) -> LogEntry:
    seq, handset_id, kind, data = (row.pop(name) for name in ("log_seq", "of_handset", "kind", "data"))
    if data is None:
        text = texts.from_row(row)
        # As it was at that moment: what became of a text that the handset sent is told by its receipt.
        data = dataclasses.replace(text, status="sent") if text.direction == "out" else text
    return LogEntry(seq, handset_id, kind, data)
