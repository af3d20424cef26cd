"""Calendars: months of every length, and midnights wherever the clocks are moved."""

from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from ringback.kit.times import from_iso, to_iso
from ringback.usage.periods import (
    DAY_MS,
    QUARTER_MS,
    Period,
    _names,
    beginning,
    calendar_period,
    months_up_to,
    start_of,
    time_zone,
    whole_from,
)

pytestmark = pytest.mark.unit


def test_quarters_and_days_around_their_edges() -> None:
    noon = from_iso("2026-11-25T12:00:00Z")
    for at, begun, next_ in ((noon - 1, -1, 0), (noon, 0, 0), (noon + 1, 0, 1)):
        assert beginning(at, QUARTER_MS) == noon + begun * QUARTER_MS
        assert whole_from(at, QUARTER_MS) == noon + next_ * QUARTER_MS
    assert to_iso(beginning(noon, DAY_MS)) == "2026-11-25T00:00:00.000Z"
    assert to_iso(whole_from(noon, DAY_MS)) == "2026-11-26T00:00:00.000Z"


def test_months_from_every_day_of_four_years() -> None:
    day = datetime(2027, 1, 1, 12, tzinfo=UTC)
    while day.year < 2031:
        months = months_up_to(int(day.timestamp()) * 1000, 24)
        assert months[-1] == date(day.year, day.month, 1)
        steps = [(after.year - m.year) * 12 + after.month - m.month for m, after in zip(months, months[1:])]  # noqa: B905, RUF007
        assert steps == [1] * 23
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "period", "at", "start", "end"),
    [
        ("UTC", "week", "2026-11-25T12:00:00Z", "2026-11-23T00:00", "2026-11-30T00:00"),
        ("UTC", "week", "2026-11-29T23:59:59.999Z", "2026-11-23T00:00", "2026-11-30T00:00"),
        ("UTC", "week", "2027-01-01T00:00:00Z", "2026-12-28T00:00", "2027-01-04T00:00"),
        ("UTC", "month", "2028-02-29T12:00:00Z", "2028-02-01T00:00", "2028-03-01T00:00"),
        ("UTC", "month", "2027-01-31T12:00:00Z", "2027-01-01T00:00", "2027-02-01T00:00"),
        ("UTC", "year", "2028-12-31T23:59:59Z", "2028-01-01T00:00", "2029-01-01T00:00"),
        # The clocks go forward and back within the week, the month and the year.
        ("America/New_York", "week", "2026-03-08T12:00:00Z", "2026-03-02T05:00", "2026-03-09T04:00"),
        ("America/New_York", "month", "2026-11-15T12:00:00Z", "2026-11-01T04:00", "2026-12-01T05:00"),
        ("America/New_York", "year", "2027-01-01T04:59:59Z", "2026-01-01T05:00", "2027-01-01T05:00"),
        ("Europe/Berlin", "month", "2026-03-31T21:59:59Z", "2026-02-28T23:00", "2026-03-31T22:00"),
        # Offsets of three quarters and of a half; a change of half an hour.
        ("Asia/Kathmandu", "year", "2026-12-31T18:15:00Z", "2026-12-31T18:15", "2027-12-31T18:15"),
        ("Asia/Kolkata", "week", "2026-11-22T18:30:00Z", "2026-11-22T18:30", "2026-11-29T18:30"),
        ("Pacific/Chatham", "month", "2026-04-10T00:00:00Z", "2026-03-31T10:15", "2026-04-30T11:15"),
        ("Australia/Lord_Howe", "month", "2026-04-10T00:00:00Z", "2026-03-31T13:00", "2026-04-30T13:30"),
        # The farthest from UTC both ways.
        ("Pacific/Kiritimati", "month", "2026-11-30T10:00:00Z", "2026-11-30T10:00", "2026-12-31T10:00"),
        ("Etc/GMT+12", "month", "2026-12-01T11:59:59Z", "2026-11-01T12:00", "2026-12-01T12:00"),
        # The first midnight of this month comes twice.
        ("America/Havana", "month", "2026-11-15T12:00:00Z", "2026-11-01T04:00", "2026-12-01T05:00"),
    ],
)  # fmt: skip
def test_calendar_periods(zone: str, period: Period, at: str, start: str, end: str) -> None:
    found = calendar_period(period, from_iso(at), time_zone(zone))
    assert found == (from_iso(f"{start}:00Z"), from_iso(f"{end}:00Z"))


def test_a_midnight_that_the_clocks_skip() -> None:
    """In Cairo 2026-04-24 begins at one o'clock, which is when the day before ends."""
    begin = start_of(date(2026, 4, 24), ZoneInfo("Africa/Cairo"))
    assert to_iso(begin) == "2026-04-23T22:00:00.000Z"
    assert f"{datetime.fromtimestamp(begin / 1000, ZoneInfo('Africa/Cairo')):%d %H:%M}" == "24 01:00"


def test_in_every_zone_periods_follow_one_another_and_begin_with_a_quarter() -> None:
    """Counters know nothing finer than a quarter of an hour."""
    for name in sorted(_names()):
        zone = time_zone(name)
        for period in get_args(Period):
            at = from_iso("2026-10-20T17:03:04Z")
            start, end = calendar_period(period, at, zone)
            assert start <= at < end, (name, period)
            for _ in range(8):
                assert start % QUARTER_MS == end % QUARTER_MS == 0, (name, period)
                following = calendar_period(period, end, zone)
                assert following[0] == end, (name, period)
                assert calendar_period(period, end - 1, zone) == (start, end), (name, period)
                start, end = following


@pytest.mark.parametrize(
    "name",
    [
        "", "Mars/Olympus", "..", "../../etc/passwd", "/UTC", "/etc/localtime", "America/", "America", "__init__.py",
        "zones", "tzdata.zi", "posixrules", "right/UTC", "utc", "America/new_york", "UTC ", "UTC\n", "Europe/Zürich",
        "America/New_York\0", "a" * 300, "a" * 5_000, "\ud800", "CON", "C:\\UTC", "+02:00", "EST5EDT4",
    ],
)  # fmt: skip
def test_what_is_no_time_zone(name: str) -> None:
    with pytest.raises(ValueError, match="America/New_York"):
        time_zone(name)
