"""One open transaction of PostgreSQL, as units use it.

Rows travel as JSON, one parameter for all rows of a table: one statement a table and kind of change, however many rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from pydantic_core import to_json

from ringback.storage.changes import DELETE, INSERT, MERGE, UPDATE, Key, Row
from ringback.storage.postgres.dialect import POSTGRES
from ringback.storage.postgres.link import Connection
from ringback.storage.schema import accounts
from ringback.storage.statements import RowStatements, Statement, of

STALE = "22012"
"""Division by zero: how an update says that a row was not there any more."""
_LOCK_HEADS = f"SELECT {', '.join(of(accounts).columns)} FROM accounts WHERE id = ANY(%(ids)s::text[]) ORDER BY id FOR UPDATE"


class NeedsAccount(Exception):
    """The unit reads the head of an account whose lock it does not hold; it is run again with that lock taken first."""

    def __init__(self, account_id: str) -> None:
        super().__init__(account_id)
        self.account_id = account_id


class Missing(Exception):
    """In a batch: a row that was not read ahead."""

    def __init__(self, table: RowStatements, key: Key) -> None:
        super().__init__(table.name, key)
        self.table = table
        self.key = key


class PostgresExecutor:
    """See `ringback.storage.changes.Executor`. Its transaction holds one unit, or a batch without other statements."""

    def __init__(self, conn: Connection, *, batch: bool) -> None:
        self._conn = conn
        self.batch = batch

    def get(self, table: RowStatements, key: Key) -> Row | None:
        if table.name == accounts.name:
            raise NeedsAccount(str(key[0]))
        if self.batch:
            raise Missing(table, key)
        text = table.get.compiled(POSTGRES)[0]
        if table.is_global:
            text += " FOR UPDATE"
        return self._conn.execute(text, dict(zip(table.key, key, strict=True))).fetchone()

    def get_many(self, table: RowStatements, keys: Sequence[Key]) -> dict[Key, Row]:
        if table.name == accounts.name:
            raise NeedsAccount(str(keys[0][0]))
        if self.batch:
            raise Missing(table, keys[0])
        return {key: row for key, row in Reading(self._conn, table, keys).rows() if row is not None}

    def rows(self, statement: Statement, params: Row) -> list[Row]:
        text, literals = statement.compiled(POSTGRES)
        return self._conn.execute(text, {**literals, **params}).fetchall()

    def rows_of_each(self, statement: Statement, many: Sequence[Row]) -> Iterator[list[Row]]:
        text, literals = statement.compiled(POSTGRES)
        with self._conn.pipeline():
            cursors = [self._conn.execute(text, {**literals, **params}) for params in many]
        return (cursor.fetchall() for cursor in cursors)

    def run(self, statement: Statement, params: Row) -> int:
        text, literals = statement.compiled(POSTGRES)
        return self._conn.execute(text, {**literals, **params}).rowcount

    def run_many(self, statement: Statement, params: Sequence[Row]) -> None:
        for each in params:
            self._conn.execute(statement.compiled(POSTGRES)[0], {**statement.compiled(POSTGRES)[1], **each})

    def change(self, table: RowStatements, op: str, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        names = table.columns if op in (INSERT, MERGE) else (*table.key, *columns)
        if len(names) < len(rows[0]):
            rows = [{name: row[name] for name in names} for row in rows]
        params: Row = {"rows": _json(rows)}
        if op == UPDATE:
            params["count"] = len(rows)
        self._conn.execute(_change_text(table, op, columns), params)

    def savepoint(self) -> None:
        """A unit that fails takes its whole transaction with it."""

    def roll_back_to_savepoint(self) -> None:
        pass

    def release_savepoint(self) -> None:
        pass


def _json(value: Any) -> str:
    return to_json(value).decode()


def lock_heads(conn: Connection, account_ids: Iterable[str]) -> "Reading":
    """Lock the accounts' rows, in the order of their ids whoever asks."""
    ids = sorted(account_ids)
    return Reading(conn, of(accounts), [(each,) for each in ids], _LOCK_HEADS, {"ids": ids})


class Reading:
    """Rows asked for by key in a pipeline; `rows` once it was sent."""

    def __init__(
        self,
        conn: Connection,
        table: RowStatements,
        keys: Sequence[Key],
        text: str | None = None,
        params: Row | None = None,
    ) -> None:
        self.table = table
        self._keys = keys
        if text is None:
            text = _read_text(table)
            params = {"rows": _json([dict(zip(table.key, key, strict=True)) for key in keys])}
        self._cursor = conn.execute(text, params)

    def rows(self) -> list[tuple[Key, Row | None]]:
        """Each key that was asked for, and its row or None."""
        found = {tuple([row[name] for name in self.table.key]): row for row in self._cursor.fetchall()}
        return [(key, found.get(key)) for key in self._keys]


@cache
def _read_text(table: RowStatements) -> str:
    columns = ", ".join(f"t.{name}" for name in table.columns)
    return f"SELECT {columns} FROM {_given(table)} JOIN {table.name} AS t ON {_same_key(table)}"


@cache
def _change_text(table: RowStatements, op: str, columns: tuple[str, ...]) -> str:
    if op == DELETE:
        return f"DELETE FROM {table.name} AS t USING {_given(table)} WHERE {_same_key(table)}"
    if op == UPDATE:
        settings = ", ".join(f"{name} = r.{name}" for name in columns)
        changed = f"UPDATE {table.name} AS t SET {settings} FROM {_given(table)} WHERE {_same_key(table)} RETURNING 1"
        return f"WITH changed AS ({changed}) SELECT 1 / (count(*) = %(count)s::bigint)::int FROM changed"
    names = ", ".join(table.columns)
    text = f"INSERT INTO {table.name} AS t ({names}) SELECT {names} FROM {_given(table)}"
    if op == INSERT:
        return text
    sums = [f"{name} = t.{name} + excluded.{name}" for name in table.sums]
    firsts = [f"{name} = least(t.{name}, excluded.{name})" for name in table.firsts]
    return f"{text} ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {', '.join(sums + firsts)}"


def _given(table: RowStatements) -> str:
    return f"json_populate_recordset(NULL::{table.name}, %(rows)s::json) AS r"


def _same_key(table: RowStatements) -> str:
    return " AND ".join(f"t.{name} = r.{name}" for name in table.key)
