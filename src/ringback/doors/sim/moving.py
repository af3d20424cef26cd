"""Moving the server's clock: whatever falls due on the way happens, in order, before the clock moves on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ringback.doors.sim.clock import ClockReading
from ringback.kit.clock import MovableClock, real_ms
from ringback.kit.machine import monotonic

_PATIENCE_S = 30.0
_LOOK_EVERY_S = 0.004
_STRIDES = 1_440
"""In how many strides patient work is done on the way: a day's in minutes."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Something whose work falls due by the clock."""

    next_due: Callable[[], Awaitable[int | None]]
    idle: Callable[[], Awaitable[bool]]
    """Whether no work is under way."""
    wake: Callable[[], Awaitable[None]]
    """The clock was moved: look again."""
    patient: bool = False
    """Whether work may come a little late, in groups, where the clock is moved far (see `MovingClock.advance_to`)."""


class MovingClock:
    """The clock's door of a server in one process. One move at a time."""

    def __init__(
        self, clock: MovableClock, timed: Sequence[Timed], save: Callable[[], Awaitable[None]]
    ) -> None:
        self._clock = clock
        self._timed = timed
        self._save = save
        self._lock = asyncio.Lock()

    async def read(self) -> ClockReading:
        now = self._clock.now_ms()
        return ClockReading(
            now_ms=now,
            mode="frozen" if self._clock.frozen else "real",
            offset_s=(now - real_ms()) / 1000,
        )

    async def freeze(self) -> None:
        async with self._lock:
            self._clock.freeze()
            await self._moved()

    async def resume(self) -> None:
        async with self._lock:
            self._clock.resume()
            await self._moved()

    async def advance_to(self, at_ms: int) -> bool:
        """Move to `at_ms`; whether nothing due is left and nothing under way, within 30 real seconds.

        Each thing happens when it is due. Only patient work waits for the end of its stride, since a stop for each of a
        day's paced texts would take minutes.
        """
        async with self._lock:
            stride_ms = (at_ms - self._clock.now_ms()) // _STRIDES
            self._clock.stride_ms = max(0, stride_ms)
            try:
                return await self._advance(at_ms, monotonic() + _PATIENCE_S)
            finally:
                self._clock.stride_ms = 0

    async def _advance(self, at_ms: int, until: float) -> bool:
        while await self._settle(until):
            due = await self._next_stop()
            if due is None or due > at_ms or self._clock.now_ms() >= at_ms:
                self._clock.move_to(at_ms)
                await self._moved()
                return await self._settle(until)
            self._clock.move_to(due)
            await self._moved()
        self._clock.move_to(at_ms)
        await self._moved()
        return False

    async def _next_stop(self) -> int | None:
        exact = await self._next_due(patient=False)
        patient = await self._next_due(patient=True)
        if patient is None:
            return exact
        late = max(patient, self._clock.now_ms() + self._clock.stride_ms)
        return late if exact is None else min(late, exact)

    async def _moved(self) -> None:
        await self._save()
        for one in self._timed:
            await one.wake()

    async def _next_due(self, *, patient: bool | None = None) -> int | None:
        asked = [one for one in self._timed if patient is None or one.patient is patient]
        dues = [due for one in asked if (due := await one.next_due()) is not None]
        return min(dues, default=None)

    async def _settle(self, until: float) -> bool:
        """Wait until nothing due by now is left and nothing is under way, seen twice: work begets work."""
        quiet = 0
        while quiet < 2:
            if monotonic() >= until:
                return False
            quiet = quiet + 1 if await self._quiet() else 0
            await asyncio.sleep(_LOOK_EVERY_S)
        return True

    async def _quiet(self) -> bool:
        for one in self._timed:
            if not await one.idle():
                return False
        due = await self._next_due()
        return due is None or due > self._clock.now_ms()
