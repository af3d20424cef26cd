"""Rows outside a unit, from any connection."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.engine import Dialect

from ringback.storage.statements import Statement, of
from ringback.storage.tx import Row


class Reader:
    """Rows as one snapshot of a connection shows them; the connection's rows are dicts. See `Reads`."""

    def __init__(self, conn: Any, dialect: Dialect) -> None:
        self._conn = conn
        self._dialect = dialect

    def get(self, table: Table, *key: str | int) -> Row | None:
        statements = of(table)
        return self.one(statements.get, **dict(zip(statements.key, key, strict=True)))

    def one(self, statement: Statement, **params: Any) -> Row | None:
        rows = self.all(statement, **params)
        return rows[0] if rows else None

    def all(self, statement: Statement, **params: Any) -> list[Row]:
        text, literals = statement.compiled(self._dialect)
        rows: list[Row] = self._conn.execute(text, {**literals, **params}).fetchall()
        return rows
