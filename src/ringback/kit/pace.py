"""How fast a carrier lets texts go: so many a second, so many segments a day. All pure, in the clock's time.

The rate is kept as a "theoretical arrival time" (the generic cell rate algorithm, ITU-T I.371): one number says when the
next text may go, each text moves it on by one interval, and nothing has to be counted or refilled.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

Scope = Literal["campaign", "number"]
"""All numbers of the campaign share a pace, or each number has it by itself."""
T_MOBILE = "T-Mobile"
LATE_NS = 100_000_000
"""By so much the pace forgives who looks late: turns that passed before are lost."""
_ZONE = "America/Los_Angeles"
"""T-Mobile's day ends at midnight there."""
_HOUR_MS = 3_600_000
_NEARLY = 1e-9
_MS = 1_000_000
"""In nanoseconds: in those, a rate such as 2.25 or 225 a second is exact to a text in years."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What a carrier allows.

    None is no limit. `tmobile_a_day` is the part of `segments_a_day` that may go to T-Mobile's customers.
    """

    scope: Scope
    messages_per_second: float
    segments_a_day: int | None = None
    tmobile_a_day: int | None = None

    @property
    def interval_ns(self) -> int:
        """From one text to the next. Rounded up, so that the limit is never passed."""
        return math.ceil(1_000_000_000 / self.messages_per_second)


@dataclass(frozen=True, slots=True)
class Spent:
    """What has gone: when the next text may go (ns), and the segments of the day that began at `day` (ms)."""

    next_ns: int = 0
    day: int = 0
    segments: int = 0
    tmobile: int = 0

    def on(self, day: int) -> "Spent":
        """The same, for a day: of another day's segments none count."""
        return self if self.day == day else Spent(self.next_ns, day)

    def of_tmobile(self) -> "Spent":
        """What of it went to T-Mobile's customers."""
        return Spent(self.next_ns, self.day, self.tmobile, self.tmobile)


def turn_ns(spent: Spent, now_ms: int, since_ms: int, late_ns: int = LATE_NS) -> int:
    """The turn (ns) of a text that waits since then. It may lie a little back: who looks late catches up.

    A text that came after its turn would have been takes the time at which it came, so a rest saves nothing up.
    """
    return max(spent.next_ns, since_ms * _MS, now_ms * _MS - late_ns)


def opens_ms(
    pace: Pace, spent: Spent, now_ms: int, segments: int, *, since_ms: int, late_ns: int = LATE_NS
) -> int:
    """When a text of so many segments may go (ms) that waits since then, were it the next: now at the earliest."""
    start, end = day_of(now_ms)
    gone = spent.on(start).segments
    if pace.segments_a_day is not None and gone and gone + segments > pace.segments_a_day:
        return max(end, up_to_ms(spent.next_ns))
    return max(now_ms, up_to_ms(turn_ns(spent, now_ms, since_ms, late_ns)))


def up_to_ms(ns: int) -> int:
    """The first millisecond at or after an instant in ns."""
    return -(-ns // _MS)


def day_of(now_ms: int) -> tuple[int, int]:
    """When the carriers' day of this instant began and when it ends (ms)."""
    # Its midnights are full hours of UTC, so the day is looked up once an hour.
    return _day_of_hour(now_ms // _HOUR_MS)


@lru_cache(maxsize=64)
def _day_of_hour(hour: int) -> tuple[int, int]:
    zone = ZoneInfo(_ZONE)
    local = datetime.fromtimestamp(hour * _HOUR_MS // 1000, zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return _ms(midnight), _ms(midnight + timedelta(days=1))


def _ms(local: datetime) -> int:
    return int(local.timestamp()) * 1000


def expected_ms(pace: Pace, spent: Spent, now_ms: int, *, ahead: int, segments: int) -> int:
    """When a text goes (ms) that has `ahead` texts before it; `segments` are theirs and its own together."""
    at_ns, interval_ns = max(spent.next_ns, now_ms * _MS), pace.interval_ns
    a_day = pace.segments_a_day
    if a_day is None:
        return up_to_ms(at_ns + ahead * interval_ns)
    start, end = day_of(at_ns // _MS)
    left = max(0, a_day - spent.on(start).segments)
    turns_left = max(0, -((at_ns - end * _MS) // interval_ns))
    if segments <= left and ahead < turns_left:
        return up_to_ms(at_ns + ahead * interval_ns)
    # Days are filled by segments, since texts of other lengths that come later must move nothing ahead.
    each = max(1.0, segments / (ahead + 1))
    later = ahead + 1 - min(left / each, turns_left)
    daily = max(1.0, min(a_day / each, 24 * _HOUR_MS * _MS / interval_ns))
    days = math.ceil(later / daily - _NEARLY) - 1
    before = max(0.0, later - days * daily - 1)
    midnight = datetime.fromtimestamp(end // 1000, ZoneInfo(_ZONE)) + timedelta(days=days)
    return _ms(midnight) + up_to_ms(round(before * interval_ns))
