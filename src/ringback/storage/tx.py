"""Units of work: plain functions of `tx`, all or nothing, many of them in one transaction.

Inside a transaction rows live in a map by primary key. A unit reads rows from the map (or the database), and its writes
go to the map; they reach the database together at the end, merged and grouped by statement. So sixty-four texts of one
number write its row once, a refusal of one unit never reaches SQL, and the same code runs on SQLite and PostgreSQL.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Table

from ringback.kit.clock import Clock
from ringback.kit.ids import IdMaker
from ringback.storage.statements import RowStatements, Statement, of

Row = dict[str, Any]
Key = tuple[str | int, ...]
Ident = tuple[str, Key]
T = TypeVar("T")

INSERT, UPDATE, DELETE = "insert", "update", "delete"


class NotBatchable(Exception):
    """This unit needs a statement that can't be answered from a batch's map; it runs in a transaction of its own."""


class Executor(Protocol):
    """One open transaction of a database."""

    batch: bool
    """Whether statements other than by key are refused here."""

    def rows(self, statement: Statement, params: Row) -> list[Row]: ...

    def run(self, statement: Statement, params: Row) -> int: ...

    def run_many(self, statement: Statement, params: Sequence[Row]) -> None: ...

    def savepoint(self) -> None: ...

    def roll_back_to_savepoint(self) -> None: ...

    def release_savepoint(self) -> None: ...


class Reads(Protocol):
    """What a reader may ask, inside a unit or outside."""

    def get(self, table: Table, *key: str | int) -> Row | None: ...

    def one(self, statement: Statement, **params: Any) -> Row | None: ...

    def all(self, statement: Statement, **params: Any) -> list[Row]: ...


class _Changes:
    """Rows by key, and what is to be done to each."""

    __slots__ = ("dirty", "ops", "rows")

    def __init__(self) -> None:
        self.rows: dict[Ident, Row | None] = {}
        self.ops: dict[Ident, tuple[str, RowStatements]] = {}
        self.dirty: dict[Ident, set[str]] = {}

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

    def clear(self) -> None:
        self.ops.clear()
        self.dirty.clear()


class Session:
    """The units of one transaction."""

    def __init__(self, db: Executor, clock: Clock, ids: IdMaker) -> None:
        self.db = db
        self.clock = clock
        self.ids = ids
        self.wakes: set[str] = set()
        self._changes = _Changes()

    def run(self, unit: Callable[["Tx"], T], request_id: str | None = None) -> T:
        """Run one unit; what it raises leaves no trace of it."""
        tx = Tx(self, self.clock.now_ms(), request_id)
        try:
            result = unit(tx)
        except BaseException:
            tx.undo()
            raise
        tx.merge()
        return result

    def learn(self, table: RowStatements, key: Key, row: Row | None) -> None:
        """A row that was read ahead."""
        self._changes.rows.setdefault((table.name, key), row)

    def flush(self) -> None:
        """Send what has been merged to the database."""
        self.send(self._changes)

    def send(self, changes: _Changes) -> None:
        groups: dict[tuple[int, str, str, tuple[str, ...]], tuple[Statement, list[Row]]] = {}
        for ident, (op, table) in changes.ops.items():
            if op == INSERT:
                row = changes.rows[ident]
                assert row is not None
                _add(groups, (2, table.name, op, ()), table.insert, row)
            elif op == UPDATE:
                row = changes.rows[ident]
                assert row is not None
                columns = tuple(sorted(changes.dirty[ident]))
                params = {name: row[name] for name in columns}
                params.update(_key_params("key_", table, ident[1]))
                _add(groups, (1, table.name, op, columns), table.update(columns), params)
            else:
                _add(groups, (0, table.name, op, ()), table.delete, _key_params("", table, ident[1]))
        for group in sorted(groups):
            statement, params_list = groups[group]
            if len(params_list) == 1:
                self.db.run(statement, params_list[0])
            else:
                self.db.run_many(statement, params_list)
        changes.clear()


def _add(
    groups: dict[tuple[int, str, str, tuple[str, ...]], tuple[Statement, list[Row]]],
    group: tuple[int, str, str, tuple[str, ...]],
    statement: Statement,
    params: Row,
) -> None:
    found = groups.get(group)
    if found is None:
        groups[group] = (statement, [params])
    else:
        found[1].append(params)


def _key_params(prefix: str, table: RowStatements, key: Key) -> Row:
    return {prefix + name: value for name, value in zip(table.key, key, strict=True)}


class Tx:
    """What a unit may use. No await, no I/O, no clock and no chance but through this.

    `now` is the clock's time in milliseconds; `request_id` is repeated in events and webhook attempts.
    """

    __slots__ = ("_changes", "_saved", "_session", "_wakes", "now", "request_id")

    def __init__(self, session: Session, now: int, request_id: str | None) -> None:
        self._session = session
        self._changes = _Changes()
        self._saved = False
        self._wakes: set[str] = set()
        self.now = now
        self.request_id = request_id

    def new_id(self, prefix: str) -> str:
        return self._session.ids.new(prefix)

    def wake(self, topic: str) -> None:
        """After the commit, wake whoever waits for `topic`. Nothing durable may hang on it."""
        self._wakes.add(topic)

    def get(self, table: Table, *key: str | int) -> Row | None:
        """The row with this primary key as the unit sees it, or None. Change it by `update` only."""
        statements = of(table)
        ident = (statements.name, key)
        rows = self._changes.rows
        if ident in rows:
            return rows[ident]
        shared = self._session._changes.rows
        if ident in shared:
            return shared[ident]
        found = self._session.db.rows(statements.get, _key_params("", statements, key))
        row = found[0] if found else None
        shared[ident] = row
        return row

    def insert(self, table: Table, **values: Any) -> Row:
        """A new row. The caller knows (by `get`, or by a fresh id) that its key is free."""
        statements = of(table)
        row = {**statements.defaults, **values}
        if len(row) != len(statements.columns):
            raise TypeError(
                f"{statements.name} has no column {sorted(set(values) - set(statements.columns))}"
            )
        key = tuple([row[name] for name in statements.key])
        self._changes.change((statements.name, key), statements, INSERT, row, ())
        return row

    def update(self, table: Table, row: Row, **changes: Any) -> Row:
        """Set columns of a row that `get`, `one` or `all` gave; returns the row as it is now."""
        statements = of(table)
        key = tuple([row[name] for name in statements.key])
        current = self._current(statements, key, row)
        changed = {name: value for name, value in changes.items() if current[name] != value}
        if not changed:
            return current
        new = {**current, **changed}
        self._changes.change((statements.name, key), statements, UPDATE, new, changed)
        return new

    def _current(self, statements: RowStatements, key: Key, row: Row) -> Row:
        ident = (statements.name, key)
        for rows in (self._changes.rows, self._session._changes.rows):
            if ident in rows:
                known = rows[ident]
                if known is None:
                    raise LookupError(f"no such row in {statements.name}")
                return known
        return row

    def delete(self, table: Table, *key: str | int) -> None:
        statements = of(table)
        self._changes.change((statements.name, key), statements, DELETE, None, ())

    def one(self, statement: Statement, **params: Any) -> Row | None:
        rows = self.all(statement, **params)
        return rows[0] if rows else None

    def all(self, statement: Statement, **params: Any) -> list[Row]:
        """The rows of any select, as the unit sees them."""
        self._settle()
        return self._session.db.rows(statement, params)

    def execute(self, statement: Statement, touches: Sequence[Table], **params: Any) -> int:
        """Run a statement that writes more rows than are known by key; returns how many. `touches` are its tables."""
        self._settle(writes=True)
        count = self._session.db.run(statement, params)
        names = {table.name for table in touches}
        for rows in (self._changes.rows, self._session._changes.rows):
            for ident in [ident for ident in rows if ident[0] in names]:
                del rows[ident]
        return count

    def _settle(self, *, writes: bool = False) -> None:
        if self._session.db.batch:
            raise NotBatchable
        if not self._saved:
            self._session.flush()
            if writes or self._changes.ops:
                self._session.db.savepoint()
                self._saved = True
        if self._changes.ops:
            self._session.send(self._changes)

    def merge(self) -> None:
        """Called by the session: the unit is over and its changes stand."""
        shared = self._session._changes
        if self._saved:
            self._session.db.release_savepoint()
        ops, dirty = self._changes.ops, self._changes.dirty
        for ident, row in self._changes.rows.items():
            op = ops.get(ident)
            if op is None:
                shared.rows[ident] = row
            else:
                shared.change(ident, op[1], op[0], row, dirty.get(ident, ()))
        self._session.wakes |= self._wakes

    def undo(self) -> None:
        """Called by the session: the unit failed."""
        if self._saved:
            self._session.db.roll_back_to_savepoint()
            self._session._changes.rows.clear()
