"""Times cut into quarters of an hour, days, months and the calendar of a time zone. All in UTC milliseconds."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from typing import Literal
from zoneinfo import ZoneInfo

QUARTER_MS = 15 * 60_000
DAY_MS = 24 * 3_600_000
Period = Literal["week", "month", "year"]


def beginning(at: int, step: int) -> int:
    """The start of the quarter or day (`step`, in ms) that `at` lies in."""
    return at - at % step


def whole_from(at: int, step: int) -> int:
    """The start of the first quarter or day that begins at `at` or later."""
    return -(-at // step) * step


def date_of(at: int) -> date:
    """The day in UTC."""
    return datetime.fromtimestamp(at // 1000, UTC).date()


def months_up_to(at: int, count: int) -> list[date]:
    """The first days of `count` calendar months in UTC, oldest first; the last is the month of `at`."""
    last = date_of(at)
    months = last.year * 12 + last.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(months - count + 1, months + 1)]


def calendar_period(period: Period, at: int, zone: tzinfo) -> tuple[int, int]:
    """Start and end (exclusive) of the calendar week, from Monday, month or year of `zone` that `at` lies in."""
    today = datetime.fromtimestamp(at // 1000, zone).date()
    if period == "week":
        first = today - timedelta(days=today.weekday())
        after = first + timedelta(days=7)
    elif period == "month":
        first = today.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    else:
        first = date(today.year, 1, 1)
        after = date(today.year + 1, 1, 1)
    return start_of(first, zone), start_of(after, zone)


def start_of(day: date, zone: tzinfo) -> int:
    """When a day begins: at midnight, or where the clocks skip that, when they do; of two midnights at the first."""
    return int(datetime.combine(day, time(), zone).timestamp()) * 1000


def time_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises `ValueError` with what is accepted."""
    # Looked up first: of what is no name, zoneinfo makes a path and raises whatever reading that brings.
    if name not in _names():
        raise ValueError("takes the name of a time zone, such as America/New_York or UTC")
    return ZoneInfo(name)


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
