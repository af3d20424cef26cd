"""The way over the line: how long it takes, whether a text gets lost on it, and the receipts that come back."""

from typing import Any

from ringback.sim import faults
from ringback.sim.personalities import REASONS
from ringback.sim.texts import Parcel
from ringback.sim.unit import Unit


def is_lost(unit: Unit, sender: str, recipient: str) -> bool:
    """Whether the line loses this text."""
    loss = unit.settings.loss_percent
    return loss > 0 and unit.draw("loss", sender, recipient) * 100 < loss


def delay(unit: Unit, kind: str, sender: str, recipient: str) -> int:
    """Milliseconds that this passage takes: the latency, give or take up to the jitter."""
    latency, jitter = unit.settings.latency_ms, unit.settings.jitter_ms
    if jitter == 0:
        return latency
    swing = unit.draw(f"jitter-{kind}", sender, recipient) * 2 - 1
    return max(0, latency + round(swing * jitter))


def send_receipt(unit: Unit, parcel: Parcel, failure: str | None, after_ms: int = 0) -> None:
    """Tell the server what became of its text; `failure` is the carrier's code, None means delivered."""
    told = {
        "ref": parcel.ref,
        "reference": parcel.reference,
        "sender": parcel.sender,
        "recipient": parcel.recipient,
        "code": failure,
    }
    after_ms += delay(unit, "receipt", parcel.sender, parcel.recipient)
    if after_ms:
        unit.start_timer(unit.now + after_ms, "receipt", told)
    else:
        emit_receipt(unit, told)


def emit_receipt(unit: Unit, told: dict[str, Any]) -> None:
    """Put the receipt into the queue of carrier events, unless a fault eats it."""
    fault = faults.strike(unit, ("receipt-lost", "receipt-duplicated"), told["sender"], told["recipient"])
    if fault == "receipt-lost":
        return
    code = told["code"]
    receipt = {
        "ref": told["ref"],
        "reference": told.get("reference"),
        "recipient": told["recipient"],
        "status": "failed" if code else "delivered",
        "code": code,
        "reason": REASONS.get(code) if code else None,
    }
    for _ in range(2 if fault else 1):
        unit.tell_server("receipt", receipt)
