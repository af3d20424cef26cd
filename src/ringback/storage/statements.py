"""SQLAlchemy Core as the language of statements, compiled once to text for each dialect.

Core's own `execute` costs 30 µs a statement, a compiled one 6 (measured): what runs often is compiled at first use and
then only bound. Compiled statements skip Core's converters and defaults, so columns are integers and text, and inserts
name every column.
"""

from collections.abc import Callable
from functools import cached_property
from operator import itemgetter
from typing import Any

from sqlalchemy import ClauseElement, Table, and_, bindparam, case, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as _upsert
from sqlalchemy.dialects.sqlite import pysqlite as _pysqlite
from sqlalchemy.engine import Dialect

SQLITE: Dialect = _pysqlite.dialect(paramstyle="named")
_SQLITE_BY_PLACE: Dialect = _pysqlite.dialect(paramstyle="qmark")


class Statement:
    """A Core statement with named parameters, and its text in each dialect."""

    __slots__ = ("_by_place", "_clause", "_texts")

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self._texts: dict[str, tuple[str, dict[str, Any]]] = {}
        self._by_place: tuple[str, Callable[[dict[str, Any]], tuple[Any, ...]]] | None = None

    def compiled(self, dialect: Dialect) -> tuple[str, dict[str, Any]]:
        """The text and the values that the statement itself holds."""
        found = self._texts.get(dialect.name)
        if found is None:
            compiled = self._clause.compile(dialect=dialect)
            literals = {name: value for name, value in compiled.params.items() if value is not None}
            found = self._texts[dialect.name] = (str(compiled), literals)
        return found

    def by_place(self) -> tuple[str, Callable[[dict[str, Any]], tuple[Any, ...]]]:
        """The text for SQLite with `?`, and what makes its values of a row: binding by name costs half as much again."""
        if self._by_place is None:
            compiled = self._clause.compile(dialect=_SQLITE_BY_PLACE)
            names = [str(name) for name in compiled.positiontup or []]  # type: ignore[attr-defined]
            take = itemgetter(*names)
            self._by_place = str(compiled), take if len(names) > 1 else lambda row: (take(row),)
        return self._by_place


class RowStatements:
    """The statements on one table that go by its primary key.

    `sums` and `firsts` are the columns that may be changed without being read (`info` of the schema): by adding to
    them, and by moving them to an earlier time.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        # Plain strings: Core's own kind is looked up at half the speed, and a serializer probes each of them.
        self.name = str(table.name)
        columns = {str(column.name): column for column in table.columns}
        self.columns = tuple(columns)
        self.key = tuple([str(column.name) for column in table.primary_key.columns])
        self.defaults = {
            name: column.default.arg if column.default is not None else None  # type: ignore[attr-defined]
            for name, column in columns.items()
        }
        self.sums = tuple([name for name, column in columns.items() if column.info.get("change") == "sum"])
        self.firsts = tuple(
            [name for name, column in columns.items() if column.info.get("change") == "first"]
        )
        self.is_global = bool(table.info.get("is_global"))
        self.get = Statement(select(table).where(*self._by_key()))
        self.insert = Statement(insert(table).values({name: bindparam(name) for name in self.columns}))
        self.delete = Statement(delete(table).where(*self._by_key()))
        self._updates: dict[tuple[str, ...], Statement] = {}

    def whole(self, values: dict[str, Any]) -> dict[str, Any]:
        """A row with every column, those not named at their defaults. Raises `TypeError` for one that is not there."""
        row = {**self.defaults, **values}
        if len(row) != len(self.columns):
            raise TypeError(f"{self.name} has no column {sorted(set(values) - set(self.columns))}")
        return row

    def _by_key(self) -> list[Any]:
        return [self.table.c[name] == bindparam(name) for name in self.key]

    def update(self, columns: tuple[str, ...]) -> Statement:
        """Sets `columns` of the row with this key; the parameters are a row, called by its columns."""
        found = self._updates.get(columns)
        if found is None:
            values: dict[str, Any] = {name: bindparam(name) for name in columns}
            found = self._updates[columns] = Statement(
                update(self.table).where(*self._by_key()).values(values)
            )
        return found

    @cached_property
    def get_many(self) -> Statement:
        """The rows of many keys at once, on SQLite: `keys` is a JSON list of lists."""
        given = func.json_each(bindparam("keys")).table_valued("value")
        same = [
            self.table.c[name] == func.json_extract(given.c.value, f"$[{n}]")
            for n, name in enumerate(self.key)
        ]
        return Statement(select(self.table).select_from(given).join(self.table, and_(*same)))

    @cached_property
    def merge(self) -> Statement:
        """Puts a row in, or adds its `sums` to the row that is there and takes the earlier of each of its `firsts`."""
        statement = _upsert(self.table).values({name: bindparam(name) for name in self.columns})
        old, new = self.table.c, statement.excluded
        changes: dict[str, Any] = {name: old[name] + new[name] for name in self.sums}
        for name in self.firsts:
            earlier = case((new[name] < old[name], new[name]), else_=func.coalesce(old[name], new[name]))
            changes[name] = earlier
        return Statement(statement.on_conflict_do_update(index_elements=self.key, set_=changes))


_by_table: dict[Table, RowStatements] = {}


def of(table: Table) -> RowStatements:
    """The row statements of `table`, made at first use."""
    found = _by_table.get(table)
    if found is None:
        found = _by_table[table] = RowStatements(table)
    return found
