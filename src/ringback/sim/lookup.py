"""What the network has on record of a number, as carriers' lookups tell it."""

from collections.abc import Iterable
from dataclasses import dataclass

from ringback.kit.phone import LineType
from ringback.sim import handsets, inventory
from ringback.sim.handsets import Handset
from ringback.sim.personalities import TEXT_MANNERS
from ringback.sim.unit import Unit


@dataclass(frozen=True, slots=True)
class Line:
    """One number that somebody has: what it ends at, and whether RCS reaches it."""

    e164: str
    line_type: LineType
    rcs: bool


def lookup(unit: Unit, numbers: Iterable[str]) -> list[Line]:
    """The lines of these numbers; one that nobody has is on no record."""
    found = [_line(unit, e164) for e164 in numbers]
    return [line for line in found if line is not None]


def _line(unit: Unit, e164: str) -> Line | None:
    handset = handsets.by_number(unit, e164)
    if handset is not None:
        return Line(e164, "mobile" if _takes_texts(handset) else "landline", "rcs" in handset.capabilities)
    if inventory.line_state(unit, e164) == "held":
        return Line(e164, "voip", rcs=False)
    return None


def _takes_texts(handset: Handset) -> bool:
    """A fixed line is one whose texts the carrier refuses."""
    refused = TEXT_MANNERS[handset.personality].refusal is not None
    return not refused and bool({"sms", "mms"} & set(handset.capabilities))
