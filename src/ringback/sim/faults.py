"""Faults that wait for their moment: each strikes `count` times where it matches, oldest first."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from ringback.sim.errors import BadInput, FaultNotFound
from ringback.sim.unit import Unit

FaultKind = Literal[
    "submit-timeout",
    "submit-refused",
    "queue-full",
    "throttled",
    "connection-lost",
    "receipt-lost",
    "receipt-duplicated",
    "inbound-duplicated",
    "number-reclaimed",
    "outage",
]
AT_SUBMIT = ("outage", "connection-lost", "throttled", "queue-full", "submit-refused", "submit-timeout")
_MAX_COUNT = 1_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as its maker sees it; `count` is how often it will still strike."""

    id: str
    kind: str
    count: int
    sender: str | None
    recipient: str | None
    number: str | None
    created_ms: int


def create(
    unit: Unit,
    kind: str,
    *,
    count: int = 1,
    sender: str | None = None,
    recipient: str | None = None,
    number: str | None = None,
) -> Fault:
    """Store a fault. An `outage` ignores `count`: it lasts until it is deleted."""
    if kind not in get_args(FaultKind):
        raise BadInput("kind", f"expected one of {', '.join(get_args(FaultKind))}")
    if not 1 <= count <= _MAX_COUNT:
        raise BadInput("count", f"expected a whole number from 1 to {_MAX_COUNT}")
    if kind == "number-reclaimed" and number is None:
        raise BadInput("match.number", "number-reclaimed needs the number that is taken back")
    fault = Fault(unit.ids.new("flt"), kind, count, sender, recipient, number, unit.now)
    unit.run(
        "INSERT INTO faults (id, kind, count, sender, recipient, number, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
        fault.id,
        kind,
        count,
        sender,
        recipient,
        number,
        unit.now,
    )
    unit.known.faults = None
    return fault


def list_open(unit: Unit, limit: int, offset: int) -> tuple[list[Fault], int]:
    """Faults that can still strike, newest first, and how many there are."""
    rows = unit.all("SELECT * FROM faults WHERE count > 0 ORDER BY seq DESC LIMIT ? OFFSET ?", limit, offset)
    total = unit.one("SELECT count(*) AS n FROM faults WHERE count > 0")
    return [_fault(row) for row in rows], int(total["n"]) if total else 0


def delete(unit: Unit, fault_id: str) -> bool:
    """Clear a fault (one that has struck out too); answers whether it was an outage."""
    row = unit.one("DELETE FROM faults WHERE id = ? RETURNING kind", fault_id)
    unit.known.faults = None
    if row is None:
        raise FaultNotFound("No such fault")
    unit.carrier_woken = True
    return bool(row["kind"] == "outage")


def strike(unit: Unit, kinds: tuple[str, ...], sender: str, recipient: str) -> str | None:
    """The kind of the oldest open fault that matches, counted down; None when none does."""
    for row in _open(unit):
        if row["kind"] in kinds and _matches(row, sender, recipient):
            return _count_down(unit, row)
    return None


def strike_order(unit: Unit, e164: str) -> str | None:
    """The fault that strikes the purchase of a number: a general outage, or one that names this very number."""
    for row in _open(unit):
        general = row["kind"] == "outage" and _is_general(row)
        if general or (row["kind"] in AT_SUBMIT and row["number"] == e164):
            return _count_down(unit, row)
    return None


def is_out(unit: Unit) -> bool:
    """Whether a general outage is on: the carrier neither hears nor tells anything."""
    return any(row["kind"] == "outage" and _is_general(row) for row in _open(unit))


def spend(unit: Unit, fault_id: str) -> None:
    """The fault has struck out."""
    unit.run("UPDATE faults SET count = 0 WHERE id = ?", fault_id)
    unit.known.faults = None


def _open(unit: Unit) -> list[dict[str, Any]]:
    """The faults that can still strike, oldest first."""
    if unit.known.faults is None:
        unit.known.faults = unit.all("SELECT * FROM faults WHERE count > 0 ORDER BY seq")
    return unit.known.faults


def _count_down(unit: Unit, row: dict[str, Any]) -> str:
    if row["kind"] != "outage":
        unit.run("UPDATE faults SET count = count - 1 WHERE seq = ?", row["seq"])
        unit.known.faults = None
    return str(row["kind"])


def _is_general(row: dict[str, Any]) -> bool:
    return row["sender"] is None and row["recipient"] is None and row["number"] is None


def _matches(row: dict[str, Any], sender: str, recipient: str) -> bool:
    return (
        row["sender"] in (None, sender)
        and row["recipient"] in (None, recipient)
        and row["number"] in (None, sender, recipient)
    )


def _fault(row: dict[str, Any]) -> Fault:
    return Fault(
        row["id"],
        row["kind"],
        row["count"],
        row["sender"],
        row["recipient"],
        row["number"],
        row["created_ms"],
    )
