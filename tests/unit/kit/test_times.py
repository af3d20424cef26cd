"""Times as they come in: RFC 3339, an instant or a refusal that says what is accepted."""

import pytest

from ringback.kit.times import MAX_MS, MIN_MS, from_iso, to_iso

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-11-25T12:00:00Z", "2026-11-25T12:00:00.000Z"),
        ("2026-11-25t12:00:00z", "2026-11-25T12:00:00.000Z"),
        ("2026-11-25T12:00:00.5Z", "2026-11-25T12:00:00.500Z"),
        ("2026-11-25T12:00:00.123999999999999Z", "2026-11-25T12:00:00.123Z"),
        ("2026-11-25T12:00:00", "2026-11-25T12:00:00.000Z"),
        ("2026-11-25 12:00:00.25", "2026-11-25T12:00:00.250Z"),
        ("2026-11-25T12:00:00+0200", "2026-11-25T10:00:00.000Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("2026-11-25T12:00:00+05:45", "2026-11-25T06:15:00.000Z"),
        ("2026-11-25T12:00:00-00:30", "2026-11-25T12:30:00.000Z"),
        ("2026-11-25T12:00:00-00:00", "2026-11-25T12:00:00.000Z"),
        ("2028-02-29T00:00:00+23:59", "2028-02-28T00:01:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_the_instant(text: str, same: str) -> None:
    assert to_iso(from_iso(text)).rjust(24, "0") == same


def test_the_first_and_the_last() -> None:
    assert from_iso("0001-01-01T00:00:00Z") == MIN_MS
    assert from_iso("9999-12-31T23:59:59.999Z") == MAX_MS


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026", "2026-11-25", "1700000000", "2026-11-25T12:00Z",
        "2026-11-25T12:00:00.Z", "2026-11-25T12:00:00 02:00", "2026-11-25T12:00:00+02",
        "2026-11-25T12:00:00+02:00:30", "2026-11-25T12:00:00,5Z", " 2026-11-25T12:00:00Z",
        "2026-11-25T12:00:00Z\n", "12026-11-25T12:00:00Z", "+2026-11-25T12:00:00Z", "2026-W48-3T12:00:00Z",
        "\uff12026-11-25T12:00:00Z", "2026-11-25T12:00:00\u2212\u0030\u0032:00",
    ],
)  # fmt: skip
def test_what_is_no_date_time(text: str) -> None:
    with pytest.raises(ValueError, match="an ISO 8601 date-time such as 2026-11-25T12:00:00Z or"):
        from_iso(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-02-29T12:00:00Z", "day"),
        ("2026-13-01T12:00:00Z", "month"),
        ("0000-01-01T12:00:00Z", "year"),
        ("2026-11-25T24:00:00Z", "hour"),
        ("2026-11-25T12:60:00Z", "minute"),
        ("2026-11-25T12:00:60Z", "second"),
        ("2016-12-31T23:59:60Z", "second"),
        ("2026-11-25T12:00:00+24:00", "offset"),
        ("2026-11-25T12:00:00-01:60", "offset"),
    ],
)
def test_what_does_not_exist(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"a date-time that exists: {why} "):
        from_iso(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
def test_years_that_utc_does_not_have(text: str) -> None:
    with pytest.raises(ValueError, match="years 1 to 9999 of UTC"):
        from_iso(text)
