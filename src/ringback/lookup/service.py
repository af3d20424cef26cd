"""What is said of a number: the network's own record first, then what its numbering plan tells."""

from collections.abc import Iterable

from ringback.carriers.protocol import LineRecord
from ringback.kit import phone
from ringback.lookup.schemas import NumberLookup

MOST = 25


def describe(numbers: Iterable[str], records: Iterable[LineRecord]) -> list[NumberLookup]:
    """Each number (E.164) in its order, repeated ones too. `records` are the carrier's, in any order."""
    known = {record.e164: record for record in records}
    return [_one(e164, known.get(e164)) for e164 in numbers]


def _one(e164: str, record: LineRecord | None) -> NumberLookup:
    return NumberLookup(
        phone_number=e164,
        line_type=record.line_type if record is not None and record.line_type else phone.line_type(e164),
        country=phone.country_of(e164),
        rcs_enabled=record.rcs if record is not None else None,
    )
