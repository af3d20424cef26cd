"""SQLite as both stores of a server use it: WAL, one writing connection that commits in groups, readers beside it.

`pysqlite3` is preferred where its wheel exists: SQLite before 3.51.3 can lose commits when two connections
write or checkpoint at one moment (sqlite.org/wal.html, "the WAL-reset bug"). With the standard module the single
writing connection of this file, which also checkpoints, avoids that inside one process.
"""

import sqlite3 as standard
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ringback.kit.database_faults import DatabaseUnavailable, OutcomeUnknown
from ringback.kit.groups import Groups, Job, Outcome

try:
    import pysqlite3.dbapi2 as _module
except ImportError:
    _module = standard

Connection = standard.Connection
module: Any = _module
"""The DB-API module in use; its exception classes are not those of the standard module."""

VERSION: str = module.sqlite_version

_CANT_WRITE = frozenset({3, 5, 6, 7, 8, 10, 13, 14})
"""Primary result codes (sqlite.org/rescode.html) of a bad moment: PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN."""
_FSYNC = frozenset({"SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC"})
"""Written, but who knows whether it lasts."""


@lru_cache(512)
def _names(description: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    return tuple(column[0] for column in description)


def _as_dict(cursor: Any, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(_names(cursor.description), row, strict=True))


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
        # In pages; the default of 1,000 copies hot ones home four times as often.
        conn.execute("PRAGMA wal_autocheckpoint = 4000")
    conn.row_factory = _as_dict
    return conn


class GroupCommit(Groups):
    """One thread and one connection: what arrives together is committed together.

    A job that raises takes its group with it; each of the group is then run again in a transaction of its own. That is
    seldom, and saves every other job a savepoint.
    """

    def __init__(self, connect: Callable[[], Connection], *, name: str, max_batch: int = 64) -> None:
        super().__init__(name=name, max_batch=max_batch)
        self._connect = connect

    def open(self) -> None:
        self._conn = self._connect()

    def shut(self) -> None:
        self._conn.close()

    def commit(self, batch: list[Job]) -> list[Outcome]:
        try:
            outcomes = self.attempt(self._conn, batch)
        except BaseException as error:
            _roll_back(self._conn)
            self.rolled_back()
            if len(batch) > 1:
                return [outcome for job in batch for outcome in self.commit([job])]
            outcomes = [(batch[0], None, error)]
        return [(job, result, error and _told(error)) for job, result, error in outcomes]

    def rolled_back(self) -> None:
        """Nothing of the group was done."""

    def attempt(self, conn: Connection, batch: list[Job]) -> list[Outcome]:
        """One transaction with all of `batch` in it. What it raises rolls everything back and reruns jobs singly."""
        conn.execute("BEGIN IMMEDIATE")
        outcomes: list[Outcome] = [(job, job.run(conn), None) for job in batch]
        conn.execute("COMMIT")
        return outcomes


def _told(error: BaseException) -> BaseException:
    """The error as callers are told it: a disk that is full or broken is no fault of what was asked."""
    if not isinstance(error, module.OperationalError) or error.sqlite_errorcode & 0xFF not in _CANT_WRITE:
        return error
    if error.sqlite_errorname in _FSYNC:
        fault: Exception = OutcomeUnknown(
            f"the disk failed while this was stored ({error}): look before you repeat it"
        )
    else:
        fault = DatabaseUnavailable(
            f"the store can't be written now ({error}); nothing was done", retry_after_s=5
        )
    fault.__cause__ = error
    return fault


def _roll_back(conn: Connection) -> None:
    if conn.in_transaction:
        conn.execute("ROLLBACK")
