"""The queue of carrier events: what the network tells the server, kept until the server has acknowledged it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ringback.sim import faults, texts
from ringback.sim.unit import Unit


@dataclass(frozen=True, slots=True)
class CarrierEvent:
    """`kind` is `inbound`, `receipt` or `reclaimed`; `token` acknowledges it."""

    token: str
    kind: str
    data: dict[str, Any]


def fetch(unit: Unit, after: int, limit: int) -> list[CarrierEvent]:
    """Events behind the `after`-th, oldest first; none while the carrier is out."""
    rows = unit.all(
        "SELECT seq, kind, data FROM carrier_events WHERE seq > ? ORDER BY seq LIMIT ?", after, limit
    )
    if not rows or faults.is_out(unit):
        return []
    return [CarrierEvent(str(row["seq"]), row["kind"], json.loads(row["data"])) for row in rows]


def acknowledge(unit: Unit, tokens: Sequence[str]) -> None:
    """Forget these events; a handset whose text they were learns that it was delivered."""
    for token in tokens:
        if not token.isdecimal() or len(token) > 18:
            continue
        row = unit.one("DELETE FROM carrier_events WHERE seq = ? RETURNING text_id", int(token))
        if row is not None and row["text_id"] is not None:
            texts.set_status(unit, row["text_id"], "delivered")


def is_empty(unit: Unit) -> bool:
    """Whether nothing waits for the server (nothing that the carrier could tell, while it is out)."""
    waiting = unit.one("SELECT 1 AS found FROM carrier_events LIMIT 1")
    return waiting is None or faults.is_out(unit)


def has_receipt(unit: Unit, ref: str) -> bool:
    """Whether a receipt of this text still waits for the server."""
    found = unit.one(
        "SELECT 1 AS found FROM carrier_events WHERE kind = 'receipt' AND json_extract(data, '$.ref') = ? LIMIT 1",
        ref,
    )
    return found is not None
