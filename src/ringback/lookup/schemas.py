"""Lookups on the wire (contract: NumberLookup)."""

from ringback.kit.phone import LineType
from ringback.kit.wire import CamelWire


class NumberLookup(CamelWire):
    """One number; null is what nobody knows."""

    phone_number: str
    line_type: LineType | None = None
    country: str | None = None
    rcs_enabled: bool | None = None


class NumberLookupList(CamelWire):
    data: list[NumberLookup]
