"""The clock on a machine whose calendar is set forward and back."""

from collections.abc import Iterator

import pytest

from ringback.kit import machine
from ringback.kit.clock import MovableClock, real_ms

pytestmark = pytest.mark.unit

START_MS = 1_800_000_000_000
HOUR_MS = 3_600_000


class Desk(machine.Machine):
    """A machine whose two times are set by hand."""

    def __init__(self) -> None:
        self.calendar_ms = START_MS
        self.seconds = 5.0

    def time_ns(self) -> int:
        return self.calendar_ms * 1_000_000

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, seconds: int) -> None:
        self.seconds += seconds
        self.calendar_ms += seconds * 1000


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    with machine.put(desk):
        yield desk


def test_it_follows_the_machine(desk: Desk) -> None:
    clock = MovableClock()
    assert clock.now_ms() == real_ms() == START_MS
    desk.wait(10)
    assert clock.now_ms() == START_MS + 10_000
    desk.calendar_ms += HOUR_MS
    assert clock.now_ms() == START_MS + 10_000 + HOUR_MS


def test_a_calendar_set_back_slows_it_until_real_time_has_caught_up(desk: Desk) -> None:
    clock = MovableClock()
    before = clock.now_ms()
    desk.calendar_ms -= HOUR_MS
    assert clock.now_ms() == before
    desk.wait(60)
    assert clock.now_ms() == before + 30_000, "what is due in a moment must not wait for an hour"
    desk.wait(2 * 3600)
    assert clock.now_ms() == real_ms()
    desk.wait(1)
    assert clock.now_ms() == real_ms()


def test_a_clock_that_stands_hears_of_no_calendar(desk: Desk) -> None:
    clock = MovableClock()
    clock.freeze()
    desk.calendar_ms -= HOUR_MS
    desk.wait(60)
    assert clock.now_ms() == START_MS
    clock.resume()
    desk.wait(1)
    assert clock.now_ms() == START_MS + 1_000
