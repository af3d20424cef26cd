"""The SQLite store: one file that one process owns, one writer that commits in groups, readers beside it."""

import asyncio
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import structlog
from pydantic_core import to_json

from ringback.kit import sqlite, trace
from ringback.kit.clock import Clock
from ringback.kit.database_faults import DatabaseUnavailable, OutcomeUnknown
from ringback.kit.faults import Fault
from ringback.kit.groups import Job, Outcome
from ringback.kit.ids import IdMaker
from ringback.kit.machine import monotonic
from ringback.storage import facts
from ringback.storage.changes import UPDATE, Ident, Key
from ringback.storage.reader import Reader
from ringback.storage.statements import SQLITE, RowStatements, Statement, of
from ringback.storage.store import Need
from ringback.storage.tx import Reads, Row, Session, Tx

_log = structlog.get_logger("ringback.store")
T = TypeVar("T")
_READERS = 3
_KNOWN = 16_384
"""Rows that the writer remembers at most: some twenty megabytes, the rows of the last thousand texts."""
_BUSY_BYTES = 256 * 1024
"""So much a group of texts writes."""
_CALM_S = 10.0
"""Without a refused write: a full disk often still takes the little that workers note down."""


class _Executor:
    """One SQLite transaction."""

    batch = False

    def __init__(self, conn: sqlite.Connection) -> None:
        self._conn = conn

    def get(self, table: RowStatements, key: Key) -> Row | None:
        row: Row | None = self._conn.execute(
            table.get.compiled(SQLITE)[0], dict(zip(table.key, key, strict=True))
        ).fetchone()
        return row

    def get_many(self, table: RowStatements, keys: Sequence[Key]) -> dict[Key, Row]:
        return _get_many(self._conn, table, keys)

    def rows(self, statement: Statement, params: Row) -> list[Row]:
        text, literals = statement.compiled(SQLITE)
        return self._conn.execute(text, {**literals, **params} if literals else params).fetchall()

    def rows_of_each(self, statement: Statement, many: Sequence[Row]) -> Iterator[list[Row]]:
        return (self.rows(statement, params) for params in many)

    def run(self, statement: Statement, params: Row) -> int:
        text, literals = statement.compiled(SQLITE)
        return self._conn.execute(text, {**literals, **params} if literals else params).rowcount

    def run_many(self, statement: Statement, params: Sequence[Row]) -> None:
        text, literals = statement.compiled(SQLITE)
        self._conn.executemany(text, [{**literals, **each} for each in params] if literals else params)

    def change(self, table: RowStatements, op: str, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        statement = table.update(columns) if op == UPDATE else getattr(table, op)
        text, values = statement.by_place()
        if len(rows) == 1:
            self._conn.execute(text, values(rows[0]))
        else:
            self._conn.executemany(text, [values(row) for row in rows])

    def savepoint(self) -> None:
        self._conn.execute("SAVEPOINT unit")

    def roll_back_to_savepoint(self) -> None:
        if self._conn.in_transaction:
            self._conn.execute("ROLLBACK TO unit")
            self._conn.execute("RELEASE unit")

    def release_savepoint(self) -> None:
        self._conn.execute("RELEASE unit")


class _UnitJob(Job):
    """A unit and the rows that it will read."""

    __slots__ = ("needs",)

    def __init__(self, run: Callable[[Any], Any], needs: Sequence[Need]) -> None:
        super().__init__(run, asyncio.get_running_loop())
        self.needs = needs


def _read_ahead(conn: sqlite.Connection, session: Session, batch: list[Job]) -> None:
    """Read what the units of a group need, one statement a table: a third of a select for each."""
    keys: dict[RowStatements, set[Key]] = {}
    for job in batch:
        if isinstance(job, _UnitJob):
            for needed, key in job.needs:
                table = of(needed)
                if not session.knows(table, key):
                    keys.setdefault(table, set()).add(key)
    for table, wanted in keys.items():
        found = _get_many(conn, table, list(wanted))
        for key in wanted:
            session.learn(table, key, found.get(key))


def _get_many(conn: sqlite.Connection, table: RowStatements, keys: Sequence[Key]) -> dict[Key, Row]:
    text, literals = table.get_many.compiled(SQLITE)
    rows = conn.execute(text, {**literals, "keys": to_json(keys).decode()})
    return {tuple([row[name] for name in table.key]): row for row in rows}


class _Writer(sqlite.GroupCommit):
    """Commits units in groups; a group is one session.

    Rows that were read or written stay known to the groups that follow, until another connection writes to the file:
    a text is read by each of its steps, and stepping through a result gives the interpreter away at every row.
    """

    def __init__(self, path: Path, clock: Clock, ids: IdMaker) -> None:
        super().__init__(lambda: sqlite.connect(path), name="ringback-writer")
        self._clock = clock
        self._ids = ids
        self._known: dict[Ident, Row | None] = {}
        self._version = 0

    def attempt(self, conn: sqlite.Connection, batch: list[Job]) -> list[Outcome]:
        known, self._known = self._known, {}  # nothing of it is sure unless this is committed
        conn.execute("BEGIN IMMEDIATE")
        version = conn.execute("PRAGMA data_version").fetchone()["data_version"]
        if version != self._version:
            self._version = version
            known = {}
        before = conn.total_changes
        session = Session(_Executor(conn), self._clock, self._ids, known)
        if len(batch) > 1:
            _read_ahead(conn, session, batch)
        outcomes: list[Outcome] = []
        for job in batch:
            session.wakes = set()
            try:
                result = job.run(session)
            except sqlite.module.Error:
                raise
            except BaseException as error:
                if not conn.in_transaction:
                    raise
                outcomes.append((job, None, error))
            else:
                outcomes.append((job, (result, session.wakes), None))
        session.flush()
        wrote = conn.total_changes > before
        conn.execute("COMMIT")
        self._known = _trimmed(known)
        return [(job, done and (*done, wrote), error) for job, done, error in outcomes]


def _trimmed(rows: dict[Ident, Row | None]) -> dict[Ident, Row | None]:
    """Half of the rows, those that came last, once there are too many."""
    return dict(islice(rows.items(), _KNOWN // 2, None)) if len(rows) > _KNOWN else rows


class SqliteStore:
    """A store in one file. See `ringback.storage.store.Store`."""

    shared = False
    poll_s = 1.0

    def __init__(self, path: Path, clock: Clock, ids: IdMaker, wake: Callable[[str], None]) -> None:
        self._path = path
        self._wake = wake
        self._writer = _Writer(path, clock, ids)
        self._writes = True
        self._refused_at = 0.0
        self._fault: Fault | None = None
        """What kept a unit from being written, until as much as a busy moment needs could be."""
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="ringback-reader")
        self._readers: queue.SimpleQueue[sqlite.Connection] = queue.SimpleQueue()

    async def start(self) -> None:
        await asyncio.to_thread(self._writer.start)
        for _ in range(_READERS):
            self._readers.put(sqlite.connect(self._path, read_only=True))

    async def stop(self) -> None:
        await asyncio.to_thread(self._writer.close)
        self._threads.shutdown()
        while not self._readers.empty():
            self._readers.get().close()

    async def write(
        self, unit: Callable[[Tx], T], *, account: str | None = None, needs: Sequence[Need] | None = None
    ) -> T:
        request_id = trace.request_id.get()
        result: T
        job = _UnitJob(lambda session: session.run(unit, request_id), needs or ())
        try:
            result, wakes, wrote = await self._writer.submit(job)
        except (DatabaseUnavailable, OutcomeUnknown) as fault:
            self._note(fault)
            raise
        if wrote:
            self._note(None)
        for topic in sorted(wakes):
            self._wake(topic)
        return result

    def _note(self, fault: Fault | None) -> None:
        """Tell the log when the store begins to fail and when it is well again, and not each time between."""
        if fault is not None:
            self._fault, self._refused_at = fault, monotonic()
            if self._writes:
                _log.error(
                    "the store can't be written: make room on the disk",
                    reason=str(fault.__cause__),
                    path=str(self._path),
                )
            self._writes = False
        elif not self._writes and monotonic() - self._refused_at > _CALM_S:
            self._writes = True
            _log.info("the store can be written again")

    async def trouble(self) -> str | None:
        if self._fault is None:
            return None
        try:
            await self.write(lambda tx: facts.try_out(tx, _BUSY_BYTES))
            await self.write(lambda tx: facts.try_out(tx, 0))
        except (DatabaseUnavailable, OutcomeUnknown) as fault:
            return f"the store can't be written: {fault.__cause__}"
        self._fault, self._refused_at = None, -_CALM_S
        self._note(None)
        return None

    async def read(self, query: Callable[[Reads], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._query, query)

    def _query(self, query: Callable[[Reads], T]) -> T:
        with self._connection() as conn:
            return query(Reader(conn, SQLITE))

    @contextmanager
    def _connection(self) -> Iterator[sqlite.Connection]:
        conn = self._readers.get()
        try:
            # One snapshot for the whole query, so that a page and its total agree.
            conn.execute("BEGIN")
            yield conn
        finally:
            conn.execute("ROLLBACK")
            self._readers.put(conn)
