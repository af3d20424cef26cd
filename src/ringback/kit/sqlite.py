"""SQLite as both stores of a server use it: WAL, one writing connection that commits in groups, readers beside it.

`pysqlite3` is preferred where its wheel exists: SQLite before 3.51.3 can lose commits when two connections
write or checkpoint at one moment (sqlite.org/wal.html, "the WAL-reset bug"). With the standard module the single
writing connection of this file, which also checkpoints, avoids that inside one process.
"""

import asyncio
import contextlib
import queue
import sqlite3 as standard
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

try:
    import pysqlite3.dbapi2 as _module
except ImportError:
    _module = standard

Connection = standard.Connection
module: Any = _module
"""The DB-API module in use; its exception classes are not those of the standard module."""

VERSION: str = module.sqlite_version


def _as_dict(cursor: Any, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def connect(path: Path, *, read_only: bool = False, synchronous: str = "FULL") -> Connection:
    """A connection in WAL mode whose rows are dicts. It may be used by any one thread at a time."""
    uri = f"{path.absolute().as_uri()}{'?mode=ro' if read_only else ''}"
    conn: Connection = module.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    conn.execute("PRAGMA busy_timeout = 5000")
    if not read_only:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute(f"PRAGMA synchronous = {synchronous}")
        conn.execute("PRAGMA foreign_keys = ON")
    conn.row_factory = _as_dict
    return conn


class Closed(Exception):
    """The store is shutting down and takes no more work."""


class _Job:
    __slots__ = ("future", "loop", "run")

    def __init__(self, run: Callable[[Connection], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.run = run
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()


def _settle(outcomes: list[tuple[_Job, Any, BaseException | None]]) -> None:
    for job, result, error in outcomes:
        if job.future.done():
            continue
        if error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(result)


class GroupCommit:
    """One thread and one connection: what arrives together is committed together, a savepoint each.

    A job is a plain function of the connection, all or nothing, and is answered after the COMMIT that holds it.
    While requests are announced that have not brought their job yet, the thread waits for them, at most `linger_s`:
    small batches cost more than a short wait (measured), and nobody waits when nobody is announced.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        *,
        name: str,
        max_batch: int = 64,
        linger_s: float = 0.002,
    ) -> None:
        self._connect = connect
        self._max_batch = max_batch
        self._linger_s = linger_s
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._announced = 0
        self._closed = False
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self.batches = 0
        self.committed = 0

    def start(self) -> None:
        """Open the connection; raises what opening it raised."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    async def run(self, job: Callable[[Connection], Any]) -> Any:
        """Run `job` in the next group; returns its result once that is committed. `Closed` while shutting down."""
        if self._closed:
            raise Closed("the store is closed")
        entry = _Job(job, asyncio.get_running_loop())
        self._jobs.put(entry)
        return await entry.future

    @contextlib.contextmanager
    def announce(self) -> Iterator[Callable[[], None]]:
        """Say that a job will come; the yielded function, or leaving, takes that back. Once is enough."""
        self._announced += 1
        open_ = True

        def lower() -> None:
            nonlocal open_
            if open_:
                open_ = False
                self._announced -= 1

        try:
            yield lower
        finally:
            lower()

    def close(self) -> None:
        """Finish what was taken, then stop; returns when the connection is closed."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        try:
            conn = self._connect()
        except BaseException as error:
            self._failure = error
            self._ready.set()
            return
        self._ready.set()
        try:
            while (first := self._jobs.get()) is not None:
                batch, last = self._gather(first)
                self._commit(conn, batch)
                if last:
                    break
            self._refuse_rest()
        finally:
            conn.close()

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        batch = [first]
        deadline = time.monotonic() + self._linger_s
        while len(batch) < self._max_batch:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                left = deadline - time.monotonic()
                if self._announced <= 0 or left <= 0:
                    break
                try:
                    job = self._jobs.get(timeout=min(left, 0.0005))
                except queue.Empty:
                    continue
            if job is None:
                return batch, True
            batch.append(job)
        return batch, False

    def _refuse_rest(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                self._answer([(job, None, Closed("the store is closed"))])

    def _commit(self, conn: Connection, batch: list[_Job]) -> None:
        try:
            outcomes = self._attempt(conn, batch)
        except BaseException as error:
            _roll_back(conn)
            if len(batch) == 1:
                outcomes = [(batch[0], None, error)]
            else:
                for job in batch:
                    self._commit(conn, [job])
                return
        self.batches += 1
        self.committed += len(batch)
        self._answer(outcomes)

    def _attempt(self, conn: Connection, batch: list[_Job]) -> list[tuple[_Job, Any, BaseException | None]]:
        outcomes: list[tuple[_Job, Any, BaseException | None]] = []
        conn.execute("BEGIN IMMEDIATE")
        for job in batch:
            conn.execute("SAVEPOINT unit")
            try:
                result = job.run(conn)
            except BaseException as error:
                # A full disk, an I/O error and the like may have rolled back the whole transaction.
                if not conn.in_transaction:
                    raise
                conn.execute("ROLLBACK TO unit")
                outcomes.append((job, None, error))
            else:
                outcomes.append((job, result, None))
            conn.execute("RELEASE unit")
        conn.execute("COMMIT")
        return outcomes

    @staticmethod
    def _answer(outcomes: list[tuple[_Job, Any, BaseException | None]]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Job, Any, BaseException | None]]] = {}
        for outcome in outcomes:
            by_loop.setdefault(outcome[0].loop, []).append(outcome)
        for loop, group in by_loop.items():
            # The loop may be gone when a server is torn down while its last units commit.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, group)


def _roll_back(conn: Connection) -> None:
    if conn.in_transaction:
        conn.execute("ROLLBACK")
