"""The frame of a worker on the outbox: claim, work in tasks, let go of what others left, stop without leaving anything."""

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

import structlog

from ringback.kit.clock import Clock, real_ms
from ringback.kit.database_faults import OutcomeUnknown
from ringback.kit.faults import Unavailable
from ringback.kit.machine import entropy, monotonic
from ringback.storage import outbox
from ringback.storage.outbox import Claimed
from ringback.storage.store import Need, Store
from ringback.storage.tx import Tx

_log = structlog.get_logger("ringback.worker")
_ALL = 1 << 30
_AGAIN_S = 1.0
_KEEP_S, _LONGEST_KEEP_S = 0.1, 2.0
Job = TypeVar("Job")


class Waiter(Protocol):
    """One who waits for wake-ups."""

    async def wait(self, timeout_s: float | None) -> bool: ...

    def close(self) -> None: ...


class WakeUps(Protocol):
    """Where wake-ups come from; a lost one costs latency only."""

    def wake(self, topic: str) -> None: ...

    def subscribe(self, *topics: str) -> Waiter: ...


class LaneWorker(Generic[Job]):
    """Claims due rows of one kind of lanes and works on each in a task of its own, until drained.

    A subclass says what a claim brings (`begin`), what is done with it (`work_on`), and what becomes of a row whose
    worker is dead (`let_go`).
    """

    kind: ClassVar[str]
    cap: ClassVar[int]
    """Rows of one lane in flight at once."""
    batch: ClassVar[int]
    """Rows of one claim."""
    lease_ms: ClassVar[int]
    """Real time after which a claimed row counts as left by a dead worker."""
    carrier_name = ""
    """The carrier whose lanes it works on; none carries webhooks."""

    def __init__(self, store: Store, clock: Clock, live: WakeUps, *, in_flight: int) -> None:
        self._store = store
        self._clock = clock
        self._live = live
        self._most = in_flight
        self._token = entropy(8).hex()
        self._under_way: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()
        self._claiming = False
        self._stopping = False
        self._resting = asyncio.Event()
        self._resting.set()
        self._leases_at = 0.0
        self._unkept = 0

    async def begin(self, *, most: int, token: str, lease_until: int) -> Sequence[Job]:
        """Claim up to `most` rows under `token`; `lease_until` is real time (ms)."""
        raise NotImplementedError

    async def work_on(self, job: Job) -> None:
        """Do the work and store how it ended; raises nothing."""
        raise NotImplementedError

    async def let_go(self, work: Claimed) -> None:
        """Settle a row whose lease is over."""
        raise NotImplementedError

    def room(self) -> int:
        """How many more rows may be worked on at once; `_freed` is set when it grows."""
        return self._most - len(self._under_way)

    @property
    def busy(self) -> bool:
        """Whether work is under way, or being claimed."""
        return self._claiming or bool(self._under_way)

    async def idle(self) -> bool:
        """Whether no work is under way, neither here nor at a worker that may be dead."""
        return not self.busy and not await self._store.read(
            lambda db: outbox.any_claimed(db, self.kind, carrier=self.carrier_name)
        )

    async def keep(self, unit: Callable[[Tx], object], work: Claimed, needs: Sequence[Need]) -> None:
        """Store what came of work, which is known nowhere else: again and again while the store can't be written.

        Raises what the store raised when the worker is to stop, or when trying again doesn't help.
        """
        wait_s = 0.0
        try:
            while True:
                try:
                    await self._store.write(unit, account=work.account_id, needs=needs)
                    return
                except (Unavailable, OutcomeUnknown) as fault:
                    if self._stopping:
                        raise
                    if not wait_s:
                        self._unkept += 1
                        if self._unkept == 1:
                            _log.warning(
                                "what came of work can't be stored; trying again",
                                kind=self.kind,
                                reason=fault.message,
                            )
                    wait_s = min(2 * wait_s, _LONGEST_KEEP_S) or _KEEP_S
                await asyncio.sleep(wait_s)
        finally:
            if wait_s:
                self._unkept -= 1

    def clock_moved(self) -> None:
        """Look again for what is due."""
        self._live.wake(self.kind)

    async def recover(self) -> None:
        """Settle what a dead process left claimed. Only for a store that this process owns, before `run`."""
        await self._let_go_leases(real_now=1 << 62, most=_ALL)

    async def run(self) -> None:
        """Work until drained or cancelled."""
        waiter = self._live.subscribe(self.kind)
        self._resting.clear()
        try:
            while not self._stopping:
                try:
                    if not await self._claim():
                        await waiter.wait(await self._pause_s())
                    await self._look_at_leases()
                except (Unavailable, OutcomeUnknown) as fault:
                    _log.warning(
                        "nothing could be claimed; trying again", kind=self.kind, reason=fault.message
                    )
                    await asyncio.sleep(_AGAIN_S)
                except Exception:
                    _log.exception("nothing could be claimed; trying again", kind=self.kind)
                    await asyncio.sleep(_AGAIN_S)
        finally:
            self._resting.set()
            waiter.close()

    async def drain(self, timeout_s: float | None = None) -> None:
        """Claim nothing more and wait, at most `timeout_s`, for what is under way; the rest is settled by its lease."""
        self._stopping = True
        self._live.wake(self.kind)
        await self._resting.wait()
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=timeout_s)

    async def _claim(self) -> bool:
        self._freed.clear()
        room = self.room()
        if room <= 0:
            await self._freed.wait()
            return True
        self._claiming = True
        try:
            jobs = await self.begin(
                most=min(room, self.batch), token=self._token, lease_until=real_ms() + self.lease_ms
            )
            for job in jobs:
                task = asyncio.create_task(self.work_on(job))
                self._under_way.add(task)
                task.add_done_callback(self._ended)
        finally:
            self._claiming = False
        return bool(jobs)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._freed.set()

    async def next_due(self) -> int | None:
        """When (clock) the next row is due, of lanes that are full too."""
        return await self._next_due(1 << 30)

    async def _next_due(self, cap: int) -> int | None:
        return await self._store.read(
            lambda db: outbox.next_due(db, self.kind, cap=cap, carrier=self.carrier_name)
        )

    async def _pause_s(self) -> float:
        due = await self._next_due(self.cap)
        if due is None:
            return self._store.poll_s
        return min(self._store.poll_s, max(0.0, (due - self._clock.now_ms()) / 1000))

    async def _look_at_leases(self) -> None:
        """Settle leases that are over, now and then: also while there is always something to claim."""
        if monotonic() >= self._leases_at:
            self._leases_at = monotonic() + self._store.poll_s
            await self._let_go_leases(real_now=real_ms())

    async def _let_go_leases(self, *, real_now: int, most: int = 100) -> None:
        over = await self._store.read(
            lambda db: outbox.leases_over(
                db, self.kind, carrier=self.carrier_name, real_now=real_now, most=most
            )
        )
        for work in over:
            await self.let_go(work)
