"""When to come again, as endpoints and carriers say it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ringback.kit.times import retry_after_s
from ringback.webhooks.attempts import JITTER, SCHEDULES, retry_wait_ms

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, None),
        ("0", 0),
        (" 120 ", 120),
        ("9" * 400, 9_999_999_999),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("١٢", None),
        ("Fri, 31 Feb 2031 00:00:00 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
    ],
)
def test_what_is_said(said: str | None, seconds: int | None) -> None:
    assert retry_after_s(said) == seconds


def test_a_date_that_is_to_come() -> None:
    at = datetime.now(UTC) + timedelta(seconds=90)
    assert 88 <= (retry_after_s(format_datetime(at, usegmt=True)) or 0) <= 91


@pytest.mark.parametrize(("name", "attempts", "hours"), [("vendor", 6, 2.6), ("three-days", 15, 71.6)])
def test_schedules(name: str, attempts: int, hours: float) -> None:
    schedule = SCHEDULES[name]
    assert len(schedule) + 1 == attempts
    assert round(sum(schedule) / 3_600_000, 1) == hours
    for before in (0, 6):
        waits = [retry_wait_ms(schedule, "whd_x", before + n, before=before) for n in range(1, attempts + 1)]
        assert waits[-1] is None, "the last of a series"
        for wait, plain in zip(waits[:-1], schedule, strict=True):
            assert wait is not None
            assert abs(wait - plain) <= plain * JITTER
    assert len({retry_wait_ms(schedule, f"whd_{n}", 1) for n in range(50)}) > 40, "not all at once"
