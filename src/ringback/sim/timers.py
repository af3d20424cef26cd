"""What the network does later, on the clock: receipts, arrivals, giving up."""

import json
from collections.abc import Callable
from typing import Any

from ringback.sim import handsets, inbound, outbound, passage, texts
from ringback.sim.texts import Parcel
from ringback.sim.unit import Unit

_MAX_AT_ONCE = 200


def _arrive(unit: Unit, data: dict[str, Any]) -> None:
    parcel = Parcel.from_dict(data)
    outbound.arrive(unit, parcel, handsets.by_number(unit, parcel.recipient))


def _give_up(unit: Unit, data: dict[str, Any]) -> None:
    passage.send_receipt(unit, Parcel.from_dict(data), "30003")


def _lost(unit: Unit, data: dict[str, Any]) -> None:
    passage.send_receipt(unit, Parcel.from_dict(data), "30008")


def _expire(unit: Unit, data: dict[str, Any]) -> None:
    parcel = texts.drop_stored(unit, data["seq"])
    if parcel is not None:
        passage.send_receipt(unit, parcel, "30003")


def _inbound(unit: Unit, data: dict[str, Any]) -> None:
    inbound.reach(unit, Parcel.from_dict(data["parcel"]), data["text_id"])


_ACTIONS: dict[str, Callable[[Unit, dict[str, Any]], None]] = {
    "arrive": _arrive,
    "give-up": _give_up,
    "lost": _lost,
    "expire": _expire,
    "inbound": _inbound,
    "receipt": passage.emit_receipt,
}


def next_due(unit: Unit) -> int | None:
    """When the next timer is due."""
    row = unit.one("SELECT min(due_ms) AS due_ms FROM timers")
    return row["due_ms"] if row else None


def fire_due(unit: Unit) -> int:
    """Do what is due, in the order of its time; answers how many timers fired (some may be left)."""
    rows = unit.all(
        "SELECT * FROM timers WHERE due_ms <= ? ORDER BY due_ms, seq LIMIT ?", unit.now, _MAX_AT_ONCE
    )
    for row in rows:
        unit.run("DELETE FROM timers WHERE seq = ?", row["seq"])
        _ACTIONS[row["kind"]](unit, json.loads(row["data"]))
    return len(rows)
