"""What units have done to rows, merged until it is sent to the database."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from ringback.storage.statements import RowStatements, Statement

Row = dict[str, Any]
Key = tuple[str | int, ...]
Ident = tuple[str, Key]

DELETE, UPDATE, INSERT, MERGE = "delete", "update", "insert", "merge"
_ORDER = {DELETE: 0, UPDATE: 1, INSERT: 2}


class Executor(Protocol):
    """One open transaction of a database."""

    batch: bool
    """Whether statements other than by key are refused here."""

    def get(self, table: RowStatements, key: Key) -> Row | None: ...

    def get_many(self, table: RowStatements, keys: Sequence[Key]) -> dict[Key, Row]:
        """Those of the rows with these keys that are there."""
        ...

    def rows(self, statement: Statement, params: Row) -> list[Row]: ...

    def rows_of_each(self, statement: Statement, many: Sequence[Row]) -> Iterator[list[Row]]:
        """The rows for each of these sets of parameters: asked for together where each trip costs, else one by one."""
        ...

    def run(self, statement: Statement, params: Row) -> int: ...

    def run_many(self, statement: Statement, params: Sequence[Row]) -> None: ...

    def change(self, table: RowStatements, op: str, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Delete, update, insert or merge rows of one table; each holds its key, and an update sets `columns`."""
        ...

    def savepoint(self) -> None: ...

    def roll_back_to_savepoint(self) -> None: ...

    def release_savepoint(self) -> None: ...


class Changes:
    """Rows by key, and what is to be done to each."""

    __slots__ = ("dirty", "later", "ops", "rows", "sums")

    def __init__(self, rows: dict[Ident, Row | None] | None = None) -> None:
        self.rows: dict[Ident, Row | None] = {} if rows is None else rows
        self.ops: dict[Ident, tuple[str, RowStatements]] = {}
        self.dirty: dict[Ident, set[str]] = {}
        self.sums: dict[Ident, tuple[RowStatements, Row]] = {}
        self.later: list[tuple[Statement, Row, str]] = []

    def __bool__(self) -> bool:
        """Whether anything is to be sent."""
        return bool(self.ops or self.sums or self.later)

    def change(
        self, ident: Ident, table: RowStatements, op: str, row: Row | None, dirty: Iterable[str]
    ) -> None:
        """Record one change after those already recorded for the row."""
        before = self.ops.get(ident)
        self.rows[ident] = row
        if before is None:
            self.ops[ident] = (op, table)
            if op == UPDATE:
                self.dirty[ident] = set(dirty)
        elif op == UPDATE:
            if before[0] == UPDATE:
                self.dirty[ident].update(dirty)
        elif op == DELETE:
            self.dirty.pop(ident, None)
            if before[0] == INSERT:
                del self.ops[ident]
            else:
                self.ops[ident] = (DELETE, table)
        else:  # an insert over a delete: the row is there, with every column new
            self.ops[ident] = (UPDATE, table)
            self.dirty[ident] = {name for name in table.columns if name not in table.key}

    def adjust(self, ident: Ident, table: RowStatements, row: Row) -> None:
        """Record what is to be added to a row that was not read. `row` holds what the caller named, and is ours now."""
        before = self.sums.get(ident)
        if before is None:
            self.sums[ident] = (table, row)
            return
        merged = before[1]
        for name in table.sums:
            if name in row:
                merged[name] = merged.get(name, 0) + row[name]
        for name in table.firsts:
            if name in row:
                merged[name] = earlier(merged.get(name), row[name])

    def take(self, other: "Changes") -> None:
        """Put the changes of a unit that stands on top of these."""
        ops, dirty = other.ops, other.dirty
        for ident, row in other.rows.items():
            op = ops.get(ident)
            if op is None:
                self.rows[ident] = row
            else:
                self.change(ident, op[1], op[0], row, dirty.get(ident, ()))
        for ident, (table, row) in other.sums.items():
            self.adjust(ident, table, row)
        self.later += other.later

    def send(self, db: Executor) -> None:
        """Send everything, and forget the rows that are not known any more.

        Rows under an account's lock go first, then the global ones in the order of their keys, the same in every
        process, and last those that were not read, since others may wait for them.
        """
        for table, op, columns, rows in self._by_key(is_global=False):
            db.change(table, op, columns, rows)
        for statement, many in self._later():
            db.run_many(statement, many)
        for table, op, columns, rows in self._by_key(is_global=True):
            db.change(table, op, columns, sorted(rows, key=lambda row, key=table.key: [row[n] for n in key]))  # type: ignore[misc]
        adjusted: dict[str, list[Ident]] = {}
        for ident in sorted(self.sums):
            adjusted.setdefault(ident[0], []).append(ident)
        for idents in adjusted.values():
            table = self.sums[idents[0]][0]
            db.change(table, MERGE, (), [table.whole(self.sums[ident][1]) for ident in idents])
        self.ops.clear()
        self.dirty.clear()

    def _by_key(self, *, is_global: bool) -> Iterator[tuple[RowStatements, str, tuple[str, ...], list[Row]]]:
        groups: dict[tuple[int, str, str, tuple[str, ...]], tuple[RowStatements, list[Row]]] = {}
        for ident, (op, table) in self.ops.items():
            if table.is_global is not is_global:
                continue
            columns: tuple[str, ...] = ()
            row = self.rows[ident]
            if op == UPDATE:
                columns = tuple(sorted(self.dirty[ident]))
            elif op == DELETE:
                row = dict(zip(table.key, ident[1], strict=True))
            assert row is not None
            group = (_ORDER[op], ident[0], op, columns)
            found = groups.get(group)
            if found is None:
                groups[group] = (table, [row])
            else:
                found[1].append(row)
        for group in sorted(groups):
            table, rows = groups[group]
            yield table, group[2], group[3], rows

    def _later(self) -> Iterator[tuple[Statement, list[Row]]]:
        groups: dict[int, tuple[Statement, list[Row]]] = {}
        for statement, params, _ in self.later:
            groups.setdefault(id(statement), (statement, []))[1].append(params)
        yield from groups.values()

    def forget_unknown(self, *others: "Changes") -> None:
        """After sending: drop rows that were changed unread, here and in `others`."""
        if self.sums:
            for changes in (self, *others):
                for ident in self.sums:
                    changes.rows.pop(ident, None)
            self.sums.clear()
        if self.later:
            names = {name for _, _, name in self.later}
            for changes in (self, *others):
                changes.forget_tables(names)
            self.later.clear()

    def forget_tables(self, names: set[str]) -> None:
        for ident in [ident for ident in self.rows if ident[0] in names]:
            del self.rows[ident]


def earlier(a: int | None, b: int | None) -> int | None:
    """The earlier of two times, None being never."""
    return b if a is None else a if b is None else min(a, b)
