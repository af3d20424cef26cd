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

from ringback.kit.groups import Groups, Job, Outcome

try:
    import pysqlite3.dbapi2 as _module
except ImportError:
    _module = standard

Connection = standard.Connection
module: Any = _module
"""The DB-API module in use; its exception classes are not those of the standard module."""

VERSION: str = module.sqlite_version


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
    conn.row_factory = _as_dict
    return conn


class GroupCommit(Groups):
    """One thread and one connection: what arrives together is committed together, a savepoint each."""

    def __init__(self, connect: Callable[[], Connection], *, name: str, max_batch: int = 64) -> None:
        super().__init__(name=name, max_batch=max_batch)
        self._connect = connect

    def open(self) -> None:
        self._conn = self._connect()

    def shut(self) -> None:
        self._conn.close()

    def commit(self, batch: list[Job]) -> list[Outcome]:
        try:
            return self.attempt(self._conn, batch)
        except BaseException as error:
            _roll_back(self._conn)
            if len(batch) == 1:
                return [(batch[0], None, error)]
            return [outcome for job in batch for outcome in self.commit([job])]

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


def _roll_back(conn: Connection) -> None:
    if conn.in_transaction:
        conn.execute("ROLLBACK")
