"""What drives the network: one thread that commits its work in groups, bells for those who wait, timers on the clock."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ringback.kit.clock import Clock
from ringback.kit.groups import Job, Outcome
from ringback.kit.ids import IdMaker
from ringback.kit.machine import monotonic
from ringback.kit.sqlite import Connection, GroupCommit
from ringback.sim import carrier_events, timers
from ringback.sim import settings as line
from ringback.sim.known import Known
from ringback.sim.schema import open_store
from ringback.sim.settings import Settings
from ringback.sim.signal import Signal, wait
from ringback.sim.unit import Handsets, Unit

T = TypeVar("T")
_logger = logging.getLogger(__name__)
_POLL_S = 1.0
"""How long a standing clock is trusted to stand when nobody says that it moved."""


class _Groups(GroupCommit):
    def __init__(self, connect: Callable[[], Connection], known: Known) -> None:
        super().__init__(connect, name="network")
        self._known = known

    def attempt(self, conn: Connection, batch: list[Job]) -> list[Outcome]:
        self._known.bound()
        return super().attempt(conn, batch)

    def rolled_back(self) -> None:
        self._known.forget()


class Engine:
    """Runs units of work, wakes who waits for what they changed, and fires timers when the clock reaches them."""

    def __init__(self, path: Path, clock: Clock, handsets: Handsets) -> None:
        self.clock = clock
        self.settings = Settings()
        self.carrier, self.log, self.acknowledged = Signal(), Signal(), Signal()
        self.stopping = False
        self.ending = Signal()
        self._handsets: Handsets = handsets
        self._ids = IdMaker(clock)
        self._known = Known()
        self._store = _Groups(lambda: open_store(path), self._known)
        self._timers = Signal()
        self._next_due: int | None = None
        self._unsure = False
        """Whether a unit was given up that may have started a timer."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the store and begin to fire timers."""
        await asyncio.to_thread(self._store.start)
        self.settings = await self.run(lambda unit: line.load(unit.conn))
        self._next_due = await self.next_due()
        self._spawn(self._keep_time())

    def end_waits(self) -> None:
        """Let nobody wait any longer; work is still taken."""
        self.stopping = True
        for signal in (self.carrier, self.log, self.acknowledged, self._timers, self.ending):
            signal.ring()

    async def stop(self) -> None:
        """End every wait, finish what was taken, close the store."""
        self.end_waits()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._store.close)

    async def run(self, work: Callable[[Unit], T]) -> T:
        """Run a unit in the next group; answers once it is committed."""

        def job(conn: Connection) -> tuple[T, Unit]:
            unit = Unit(
                conn, self.clock.now_ms(), self.settings, self._ids, self._handsets, known=self._known
            )
            return work(unit), unit

        try:
            result, unit = await self._store.run(job)
        except asyncio.CancelledError:
            # It may be committed all the same, and then somebody has to hear of it. Whoever looks from now on sees it.
            self._unsure = True
            for signal in (self.carrier, self.log, self._timers):
                signal.ring()
            raise
        if unit.carrier_woken:
            self.carrier.ring()
        if unit.log_woken:
            self.log.ring()
        due = unit.first_timer_ms
        if self._expect(due):
            self._timers.ring()
        outcome: T = result
        return outcome

    async def look_until(
        self, signal: Signal, timeout_s: float, work: Callable[[Unit], Sequence[Any] | T]
    ) -> Any:
        """Run `work` until it finds something, each time the signal rings; what it found last when the time is up."""
        deadline = monotonic() + timeout_s
        while True:
            rung = signal.next()
            found = await self.run(work)
            left_s = deadline - monotonic()
            if found or left_s <= 0 or self.stopping:
                return found
            await wait(rung, left_s)

    async def next_due(self) -> int | None:
        """When the next timer is due, in the clock's milliseconds."""
        return await self.run(timers.next_due)

    async def fire_due(self) -> int:
        """Do all that is due by now, in order; answers how many timers fired."""
        fired = 0
        while count := await self.run(timers.fire_due):
            fired += count
        await self._look_again()
        return fired

    def wake(self) -> None:
        """The clock was moved, frozen or resumed: look again."""
        self._timers.ring()

    async def is_settled(self) -> bool:
        """Whether nothing is due and nothing waits for the server."""

        def look(unit: Unit) -> bool:
            due = timers.next_due(unit)
            return (due is None or due > unit.now) and carrier_events.is_empty(unit)

        return await self.run(look)

    def _expect(self, due: int | None) -> bool:
        """Note when a timer is due; whether it is the first."""
        if due is None or (self._next_due is not None and self._next_due <= due):
            return False
        self._next_due = due
        return True

    async def _look_again(self) -> None:
        """Learn when the next timer is due, without losing one that is started while we look."""
        self._next_due = None
        self._expect(await self.next_due())

    async def _keep_time(self) -> None:
        while not self.stopping:
            rung = self._timers.next()
            if self._unsure:
                self._unsure = False
                await self._look_again()
            now = self.clock.now_ms()
            if self._next_due is not None and self._next_due <= now:
                try:
                    await self.fire_due()
                except Exception:
                    # A full disk, say: what is due stays due, and the network goes on.
                    _logger.exception("timers could not be fired")
                    await asyncio.sleep(_POLL_S)
                continue
            left_s = _POLL_S if self._next_due is None else (self._next_due - now) / 1000
            await wait(rung, min(left_s, _POLL_S))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        with contextlib.suppress(asyncio.CancelledError):
            task.result()
