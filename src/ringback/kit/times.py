"""Times on the wire: ISO 8601 in UTC with `Z` and at most milliseconds (RFC 3339 section 5.6); HTTP's own in headers."""

import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from ringback.kit.clock import real_ms

_RFC3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})?", re.ASCII
)
_EXPECTED = "expected an ISO 8601 date-time such as 2026-11-25T12:00:00Z or 2026-11-25T14:00:00+02:00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""
MIN_MS = -62_135_596_800_000
"""The first of the year 1."""


def to_iso(ms: int) -> str:
    """UTC milliseconds as `2026-11-25T12:00:00.000Z`."""
    at = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def from_iso(text: str) -> int:
    """An RFC 3339 date-time as UTC milliseconds, parts of a millisecond cut off.

    Without an offset UTC is meant, as Python's naive times are written. Raises `ValueError` with what is accepted for
    anything else: 24:00 and leap seconds are on no clock here.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(_EXPECTED)
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    fraction, zone = match.group(7) or "", match.group(8)
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        ahead = timedelta() if zone is None or zone in "Zz" else _ahead(zone)
    except ValueError as error:
        raise ValueError(f"expected a date-time that exists: {error}") from None
    ms = (at - _EPOCH - ahead) // timedelta(milliseconds=1) + int(fraction[1:4].ljust(3, "0"))
    if not MIN_MS <= ms <= MAX_MS:
        raise ValueError("expected a date-time in the years 1 to 9999 of UTC")
    return ms


def retry_after_s(value: str | None) -> int | None:
    """The seconds from now (real time) that a `Retry-After` says, by a number or by a date (RFC 9110 section 10.2.3).

    None for what is neither.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return int(value[:10])
    try:
        at = parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0, math.ceil(at - real_ms() / 1000))


def _ahead(zone: str) -> timedelta:
    """How far the offset is ahead of UTC."""
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError("offset must be in -23:59..+23:59")
    return timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
