"""The two times of the server: the clock (stored times, due dates) and real time (leases, timeouts, logs)."""

from typing import Protocol

from ringback.kit import machine


def real_ms() -> int:
    """Real UTC time in milliseconds; nothing moves it but the machine."""
    return machine.current.time_ns() // 1_000_000


class Clock(Protocol):
    """Where stored times come from. A simulated network may freeze it or move it forward, never back."""

    stride_ms: int
    """How late work may be that waits for the end of a stride, while the clock is moved far; otherwise 0."""

    def now_ms(self) -> int:
        """The clock's UTC time in milliseconds."""
        ...


class MovableClock:
    """A clock that follows real time with an offset, or stands still.

    `offset_ms` is added to real time while the clock runs; `frozen_ms` is the instant at which it stands.
    """

    def __init__(self, offset_ms: int = 0, frozen_ms: int | None = None) -> None:
        self.offset_ms = offset_ms
        self.frozen_ms = frozen_ms
        self.stride_ms = 0
        self._last_ms = 0.0
        self._last_s = 0.0

    @property
    def frozen(self) -> bool:
        return self.frozen_ms is not None

    def now_ms(self) -> int:
        if self.frozen_ms is not None:
            return self.frozen_ms
        # The machine's clock may be set back. Ours never goes back within one process, and goes on at half its speed
        # until real time has caught up, since what is due must not wait for that.
        now_s, now_ms = machine.current.monotonic(), machine.current.time_ns() // 1_000_000 + self.offset_ms
        least_ms = self._last_ms + (now_s - self._last_s) * 500
        self._last_ms, self._last_s = max(now_ms, least_ms), now_s
        return int(self._last_ms)

    def freeze(self) -> None:
        self.frozen_ms = self.now_ms()

    def resume(self) -> None:
        """Run on from the instant where the clock stands."""
        if self.frozen_ms is not None:
            self.offset_ms = self.frozen_ms - real_ms()
            self._last_ms, self._last_s = self.frozen_ms, machine.monotonic()
            self.frozen_ms = None

    def move_to(self, at_ms: int) -> None:
        """Move forward to `at_ms`; an instant in the past changes nothing."""
        if self.frozen_ms is not None:
            self.frozen_ms = max(self.frozen_ms, at_ms)
        elif at_ms > self.now_ms():
            self.offset_ms = at_ms - real_ms()
