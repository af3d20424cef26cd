"""The arithmetic of paces, against the plainest way of counting the same."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.carriers.pace import CLASSES, SHORT_CODE, TOLL_FREE, pace_of
from ringback.kit.chance import chance
from ringback.kit.pace import LATE_NS, Pace, Spent, day_of, expected_ms, opens_ms, turn_ns

pytestmark = pytest.mark.unit

PACIFIC = ZoneInfo("America/Los_Angeles")
START = 1_800_000_000_000
HOUR = 3_600_000


def walk(pace: Pace, lates: list[int], now: int = START) -> list[int]:
    """When texts go (ms) that are always waiting, each looked at so many ms after its turn."""
    spent, gone = Spent(), []
    for late in lates:
        now = max(now, opens_ms(pace, spent, now, 1, since_ms=START)) + late
        spent = Spent(
            turn_ns(spent, now, START) + pace.interval_ns,
            day_of(now)[0],
            spent.on(day_of(now)[0]).segments + 1,
        )
        gone.append(now)
    return gone


@pytest.mark.parametrize("per_second", [2.25, 3, 3.75, 12, 120, 225])
@pytest.mark.parametrize("seed", range(5))
def test_a_rate_is_exact_however_late_each_look_is(per_second: float, seed: int) -> None:
    """Who looks late, by up to what is forgiven, loses no turn and takes none too many."""
    most = min(LATE_NS // 1_000_000 - 1, int(900 / per_second))
    lates = [int(chance(seed, n) * (most + 1)) for n in range(2_000)]
    gone = walk(Pace("number", per_second), lates)
    should_s = (len(gone) - 1) / per_second
    assert abs((gone[-1] - gone[0]) / 1000 - should_s) <= LATE_NS / 1e9 + 0.002


@pytest.mark.parametrize(("per_second", "in_a_minute"), [(2.25, 135), (3.75, 225), (12, 720), (225, 13_500)])
def test_a_minute(per_second: float, in_a_minute: int) -> None:
    """The first one goes at once, and from there on no more than the rate."""
    pace = Pace("number", per_second)
    gone = [at for at in walk(pace, [0] * (in_a_minute + 5)) if at < START + 60_000]
    assert len(gone) == in_a_minute


def test_a_rest_saves_nothing_up() -> None:
    """After an hour of silence two texts are as far apart as ever."""
    pace = Pace("number", 2.25)
    spent = Spent(next_ns=(START - HOUR) * 1_000_000)
    assert turn_ns(spent, START, START) == START * 1_000_000
    after = Spent(turn_ns(spent, START, START) + pace.interval_ns)
    assert opens_ms(pace, after, START, 1, since_ms=START) == START + 445


def test_who_looks_far_too_late_catches_up_a_little() -> None:
    """After a stall of a second, as many as a tenth of it holds, and then the rate again."""
    pace = Pace("number", 100)
    gone = walk(pace, [0] * 10 + [1_000] + [0] * 50)
    assert len([at for at in gone if at == gone[10]]) == 11
    assert gone[-1] - gone[20] == 40 * 10


@pytest.mark.parametrize(
    ("at", "hours"),
    [
        ("2026-01-15T00:00", 24),
        ("2026-03-08T12:00", 23),  # the clocks go forward
        ("2026-11-01T12:00", 25),  # and back
        ("2026-11-01T01:30", 25),
        ("2026-12-31T23:59", 24),
    ],
)
def test_the_carriers_day_ends_at_midnight_in_los_angeles(at: str, hours: int) -> None:
    local = datetime.fromisoformat(at).replace(tzinfo=PACIFIC)
    start, end = day_of(int(local.timestamp()) * 1000)
    assert datetime.fromtimestamp(start // 1000, PACIFIC).isoformat()[:16] == f"{at[:10]}T00:00"
    assert (end - start) // HOUR == hours
    assert day_of(end) != (start, end)
    assert day_of(end - 1) == (start, end)


def test_a_full_day_opens_at_its_end() -> None:
    pace = Pace("campaign", 2.25, segments_a_day=10)
    start, end = day_of(START)
    assert opens_ms(pace, Spent(0, start, 7), START, 3, since_ms=START) == START
    assert opens_ms(pace, Spent(0, start, 8), START, 3, since_ms=START) == end
    assert opens_ms(pace, Spent(0, start - HOUR, 8), START, 3, since_ms=START) == START, (
        "yesterday's don't count"
    )
    assert opens_ms(pace, Spent(0, start, 0), START, 11, since_ms=START) == START, (
        "a text longer than a day goes first in one"
    )


@settings(max_examples=40)
@given(
    per_second=st.sampled_from([0.01, 2.25, 12.0]),
    a_day=st.one_of(st.none(), st.integers(1, 3_000)),
    gone=st.integers(0, 3_000),
    ahead=st.integers(0, 6_000),
)
def test_what_is_expected_is_what_comes(per_second: float, a_day: int | None, gone: int, ahead: int) -> None:
    """One segment each: then the estimate is exact, but for the hour by which a day may be shorter or longer."""
    pace = Pace("campaign", per_second, segments_a_day=a_day)
    spent, now = Spent(0, day_of(START)[0], gone), START
    told = expected_ms(pace, spent, START, ahead=ahead, segments=ahead + 1)
    for _ in range(ahead + 1):
        now = opens_ms(pace, spent, now, 1, since_ms=START)
        day = day_of(now)[0]
        spent = Spent(turn_ns(spent, now, START) + pace.interval_ns, day, spent.on(day).segments + 1)
        if now > START + 5 * 24 * HOUR:
            assert told > START + 4 * 24 * HOUR
            return
    assert abs(told - now) <= max(1000, 2 * pace.interval_ns // 1_000_000)


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(1, 10), min_size=1, max_size=60),
    a_day=st.integers(10, 60),
    gone=st.integers(0, 70),
    per_second=st.sampled_from([0.001, 2.25]),
)
def test_whoever_comes_later_is_expected_later(
    lengths: list[int], a_day: int, gone: int, per_second: float
) -> None:
    pace, last, segments = Pace("campaign", per_second, segments_a_day=a_day), 0, 0
    for ahead, length in enumerate(lengths):
        segments += length
        spent = Spent(0, day_of(START)[0], gone)
        told = expected_ms(pace, spent, START, ahead=ahead, segments=segments)
        assert told >= last
        last = told


def test_who_has_which_pace() -> None:
    assert pace_of(None, "+14155550101", "US") is None
    assert pace_of("low_volume", "+14155550101", "US") is CLASSES["low_volume"]
    assert pace_of("low_volume", "+18885550101", "US") is TOLL_FREE
    assert pace_of("low_volume", "89203", "US") is SHORT_CODE
    assert pace_of("low_volume", "+14165550101", "CA") is None
    assert pace_of("low_volume", "+442071838750", "GB") is None
