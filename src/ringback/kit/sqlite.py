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
from collections.abc import Callable
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


class Job:
    """A function to run in a group, and who waits for it."""

    __slots__ = ("future", "loop", "run")

    def __init__(self, run: Callable[[Any], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.run = run
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()


Outcome = tuple[Job, Any, BaseException | None]
"""A job, its result, and the error that it raised instead (or None)."""


def _settle(outcomes: list[Outcome]) -> None:
    for job, result, error in outcomes:
        if job.future.done():
            continue
        if error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(result)


class GroupCommit:
    """One thread and one connection: what arrives together is committed together, a savepoint each.

    A job is a plain function of the connection, all or nothing, and is answered after the COMMIT that holds it. Jobs of
    one turn of the event loop are handed over together, and those that come during a commit wait for the next: batches
    grow with the load, and nobody waits for a batch to fill.
    """

    def __init__(self, connect: Callable[[], Connection], *, name: str, max_batch: int = 64) -> None:
        self._connect = connect
        self._max_batch = max_batch
        self._jobs: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._gathered: list[Job] = []
        self._gathering = threading.Lock()
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

    async def run(self, job: Callable[[Any], Any]) -> Any:
        """Run `job` in the next group; returns its result once that is committed. `Closed` while shutting down."""
        if self._closed:
            raise Closed("the store is closed")
        loop = asyncio.get_running_loop()
        entry = Job(job, loop)
        with self._gathering:
            self._gathered.append(entry)
            first = len(self._gathered) == 1
        if first:
            loop.call_soon(self._hand_over)
        return await entry.future

    def _hand_over(self) -> None:
        with self._gathering:
            gathered, self._gathered = self._gathered, []
        if gathered:
            self._jobs.put(gathered)

    def close(self) -> None:
        """Finish what was taken, then stop; returns when the connection is closed."""
        if not self._closed:
            self._closed = True
            self._hand_over()
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
            waiting: list[Job] = []
            open_ = True
            while open_ or waiting:
                open_ = self._take(waiting) and open_
                if waiting:
                    self._commit(conn, waiting[: self._max_batch])
                    del waiting[: self._max_batch]
        finally:
            conn.close()

    def _take(self, waiting: list[Job]) -> bool:
        """Move what has been handed over to `waiting`, waiting for the first if there is none; False at the end."""
        block = not waiting
        while True:
            try:
                jobs = self._jobs.get(block=block)
            except queue.Empty:
                return True
            if jobs is None:
                return False
            waiting += jobs
            block = False

    def _commit(self, conn: Connection, batch: list[Job]) -> None:
        try:
            outcomes = self.attempt(conn, batch)
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

    def attempt(self, conn: Connection, batch: list[Job]) -> list[Outcome]:
        """One transaction with all of `batch` in it. What it raises rolls everything back and reruns jobs singly."""
        outcomes: list[Outcome] = []
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
    def _answer(outcomes: list[Outcome]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
        for outcome in outcomes:
            by_loop.setdefault(outcome[0].loop, []).append(outcome)
        for loop, group in by_loop.items():
            # The loop may be gone when a server is torn down while its last units commit.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, group)


def _roll_back(conn: Connection) -> None:
    if conn.in_transaction:
        conn.execute("ROLLBACK")
