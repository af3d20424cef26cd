"""Jobs that arrive together are done together: one thread that takes what has come and commits it as one group."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any

from ringback.kit import machine


class Closed(Exception):
    """The store is shutting down and takes no more work."""


class Job:
    """A function to run in a group, and who waits for it."""

    __slots__ = ("future", "loop", "run")

    def __init__(self, run: Callable[[Any], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.run = run
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()


Outcome = tuple[Job, Any, BaseException | None]
"""A job, its result, and the error that it raised instead (or None)."""


class Groups:
    """A thread that commits jobs in groups (on a machine without threads: the loop's executor).

    A job is all or nothing, and is answered after the commit that holds it. Jobs of one turn of the event loop are
    handed over together, and those that come during a commit wait for the next: groups grow with the load, and nobody
    waits for a group to fill. A kind of store says how to `open`, `commit` and `shut`; all three run in the thread.
    """

    def __init__(self, *, name: str, max_batch: int = 64) -> None:
        self._max_batch = max_batch
        self._jobs: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._gathered: list[Job] = []
        self._gathering = threading.Lock()
        self._closed = False
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threaded = machine.current.threads
        self.batches = 0
        self.committed = 0

    def open(self) -> None:
        """Connect."""

    def commit(self, batch: list[Job]) -> list[Outcome]:
        """Do all of `batch` and commit it; never raises."""
        raise NotImplementedError

    def shut(self) -> None:
        """Close the connection."""

    def start(self) -> None:
        """Start the thread; raises what opening raised."""
        if not self._threaded:
            self.open()
            return
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    async def run(self, job: Callable[[Any], Any]) -> Any:
        """Run `job` in the next group; returns its result once that is committed. `Closed` while shutting down."""
        return await self.submit(Job(job, asyncio.get_running_loop()))

    async def submit(self, job: Job) -> Any:
        """As `run`, for a job made by the caller."""
        if self._closed:
            raise Closed("the store is closed")
        with self._gathering:
            self._gathered.append(job)
            first = len(self._gathered) == 1
        if first:
            job.loop.call_soon(self._hand_over, job.loop)
        return await job.future

    def _hand_over(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        with self._gathering:
            gathered, self._gathered = self._gathered, []
        if gathered:
            self._jobs.put(gathered)
            if loop is not None and not self._threaded:
                loop.run_in_executor(None, self._work_off, [])

    def close(self) -> None:
        """Finish what was taken, then stop; returns when the connection is closed."""
        if not self._closed:
            self._closed = True
            self._hand_over()
            self._jobs.put(None)
            if not self._threaded:
                self._work_off([])
                self.shut()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        try:
            self.open()
        except BaseException as error:
            self._failure = error
            self._ready.set()
            return
        self._ready.set()
        try:
            waiting: list[Job] = []
            open_ = True
            while open_ or waiting:
                open_ = self._take(waiting, block=not waiting) and open_
                self._commit_first(waiting)
        finally:
            self.shut()

    def _work_off(self, waiting: list[Job]) -> None:
        """Commit all that has been handed over, without a thread that waits for more."""
        self._take(waiting, block=False)
        while waiting:
            self._commit_first(waiting)

    def _commit_first(self, waiting: list[Job]) -> None:
        """Commit the first of `waiting` as one group."""
        if not waiting:
            return
        batch = waiting[: self._max_batch]
        del waiting[: self._max_batch]
        outcomes = self.commit(batch)
        self.batches += 1
        self.committed += len(batch)
        _answer(outcomes)

    def _take(self, waiting: list[Job], *, block: bool) -> bool:
        """Move what has been handed over to `waiting`, waiting for the first if told to `block`; False at the end."""
        while True:
            try:
                jobs = self._jobs.get(block=block)
            except queue.Empty:
                return True
            if jobs is None:
                return False
            waiting += jobs
            block = False


def _answer(outcomes: list[Outcome]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
    for outcome in outcomes:
        by_loop.setdefault(outcome[0].loop, []).append(outcome)
    for loop, group in by_loop.items():
        # The loop may be gone when a server is torn down while its last units commit.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, group)


def _settle(outcomes: list[Outcome]) -> None:
    for job, result, error in outcomes:
        if job.future.done():
            continue
        if error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(result)
