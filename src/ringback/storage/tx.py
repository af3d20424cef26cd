"""Units of work: plain functions of `tx`, all or nothing, many of them in one transaction.

Inside a transaction rows live in a map by primary key. A unit reads rows from the map (or the database), and its writes
go to the map; they reach the database together at the end, merged and grouped by statement. So sixty-four texts of one
number write its row once, a refusal of one unit never reaches SQL, and the same code runs on SQLite and PostgreSQL.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Table

from ringback.kit.clock import Clock
from ringback.kit.ids import IdMaker
from ringback.storage.changes import DELETE, INSERT, UPDATE, Changes, Executor, Ident, Key, Row
from ringback.storage.statements import RowStatements, Statement, of

__all__ = ["Executor", "NotBatchable", "Reads", "Row", "Session", "Tx"]

T = TypeVar("T")


class NotBatchable(Exception):
    """This unit needs a statement that can't be answered from a batch's map; it runs in a transaction of its own."""


class Reads(Protocol):
    """What a reader may ask, inside a unit or outside."""

    def get(self, table: Table, *key: str | int) -> Row | None: ...

    def one(self, statement: Statement, **params: Any) -> Row | None: ...

    def all(self, statement: Statement, **params: Any) -> list[Row]: ...


class Session:
    """The units of one transaction."""

    def __init__(
        self, db: Executor, clock: Clock, ids: IdMaker, known: dict[Ident, Row | None] | None = None
    ) -> None:
        """`known` are rows as they are in the database, which nobody else has changed since; it is filled further."""
        self.db = db
        self.clock = clock
        self.ids = ids
        self.wakes: set[str] = set()
        self.changes = Changes(known)

    def knows(self, table: RowStatements, key: Key) -> bool:
        """Whether this row, or that there is none, is known without asking the database."""
        return (table.name, key) in self.changes.rows

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

    def rehearse(self, unit: Callable[["Tx"], object]) -> None:
        """Run a unit and forget what it did; raises what it raised."""
        tx = Tx(self, self.clock.now_ms(), None)
        try:
            unit(tx)
        finally:
            tx.undo()

    def learn(self, table: RowStatements, key: Key, row: Row | None) -> None:
        """A row that was read ahead."""
        self.changes.rows.setdefault((table.name, key), row)

    def flush(self) -> None:
        """Send what has been merged to the database."""
        self.changes.send(self.db)
        self.changes.forget_unknown()


class Tx:
    """What a unit may use. No await, no I/O, no clock and no chance but through this.

    `now` is the clock's time in milliseconds; `request_id` is repeated in events and webhook attempts.
    """

    __slots__ = ("_changes", "_saved", "_session", "_wakes", "now", "request_id")

    def __init__(self, session: Session, now: int, request_id: str | None) -> None:
        self._session = session
        self._changes = Changes()
        self._saved = False
        self._wakes: set[str] = set()
        self.now = now
        self.request_id = request_id

    def new_id(self, prefix: str) -> str:
        return self._session.ids.new(prefix, self.now)

    def wake(self, topic: str) -> None:
        """After the commit, wake whoever waits for `topic`. Nothing durable may hang on it."""
        self._wakes.add(topic)

    def get(self, table: Table, *key: str | int) -> Row | None:
        """The row with this primary key as the unit sees it, or None. Change it by `update` only."""
        statements = of(table)
        ident = (statements.name, key)
        rows, shared = self._changes.rows, self._session.changes
        if statements.sums and (ident in self._changes.sums or ident in shared.sums):
            self._settle()  # a row that was changed by key too is here, but without what was added to it
        if ident in rows:
            return rows[ident]
        if ident in shared.rows:
            return shared.rows[ident]
        row = self._session.db.get(statements, key)
        shared.rows[ident] = row
        return row

    def read_ahead(self, table: Table, keys: Iterable[Key]) -> None:
        """Read rows of one table with one statement, for the `get`s that follow."""
        statements = of(table)
        known = (self._changes.rows, self._session.changes.rows)
        wanted = [
            key for key in dict.fromkeys(keys) if not any((statements.name, key) in rows for rows in known)
        ]
        if statements.sums or len(wanted) < 2:
            return
        found = self._session.db.get_many(statements, wanted)
        for key in wanted:
            self._session.learn(statements, key, found.get(key))

    def insert(self, table: Table, **values: Any) -> Row:
        """A new row. The caller knows (by `get`, or by a fresh id) that its key is free."""
        statements = of(table)
        row = statements.whole(values)
        key = tuple([row[name] for name in statements.key])
        self._changes.change((statements.name, key), statements, INSERT, row, ())
        return row

    def update(self, table: Table, row: Row, **changes: Any) -> Row:
        """Set columns of a row that `get`, `one` or `all` gave; returns the row as it is now."""
        statements = of(table)
        ident = (statements.name, tuple([row[name] for name in statements.key]))
        current = self._current(ident, row)
        changed = {name: value for name, value in changes.items() if current[name] != value}
        if not changed:
            return current
        new = {**current, **changed}
        self._changes.change(ident, statements, UPDATE, new, changed)
        return new

    def _current(self, ident: Ident, row: Row) -> Row:
        for rows in (self._changes.rows, self._session.changes.rows):
            if ident in rows:
                known = rows[ident]
                if known is None:
                    raise LookupError(f"no such row in {ident[0]}")
                return known
        return row

    def delete(self, table: Table, *key: str | int) -> None:
        statements = of(table)
        self._changes.change((statements.name, key), statements, DELETE, None, ())

    def adjust(self, table: Table, **values: Any) -> None:
        """Put a row in or, where it is there, add to its counters and move its times to the earlier, unread.

        For rows that are changed without their account's lock too: nobody's change is lost, and the row is locked for
        no longer than the commit takes.
        """
        statements = of(table)
        ident = (statements.name, tuple([values[name] for name in statements.key]))
        self._changes.adjust(ident, statements, values)
        for changes in (self._changes, self._session.changes):
            if ident not in changes.ops:
                changes.rows.pop(ident, None)

    def later(self, statement: Statement, touches: Table, **params: Any) -> None:
        """Run a statement on one table after the changes by key; nothing in this unit may depend on it."""
        self._changes.later.append((statement, params, touches.name))

    def one(self, statement: Statement, **params: Any) -> Row | None:
        rows = self.all(statement, **params)
        return rows[0] if rows else None

    def all(self, statement: Statement, **params: Any) -> list[Row]:
        """The rows of any select, as the unit sees them."""
        self._settle()
        return self._session.db.rows(statement, params)

    def all_of_each(self, statement: Statement, many: Sequence[dict[str, Any]]) -> Iterator[list[Row]]:
        """As `all`, for each of these sets of parameters, in one round trip where trips cost."""
        self._settle()
        return self._session.db.rows_of_each(statement, many)

    def execute(self, statement: Statement, touches: Sequence[Table], **params: Any) -> int:
        """Run a statement that writes more rows than are known by key; returns how many. `touches` are its tables."""
        self._settle(writes=True)
        count = self._session.db.run(statement, params)
        names = {table.name for table in touches}
        for changes in (self._changes, self._session.changes):
            changes.forget_tables(names)
        return count

    def _settle(self, *, writes: bool = False) -> None:
        session = self._session
        if session.db.batch:
            raise NotBatchable
        if not self._saved:
            if session.changes:
                session.flush()
            if writes or self._changes:
                session.db.savepoint()
                self._saved = True
        if self._changes:
            self._changes.send(session.db)
            self._changes.forget_unknown(session.changes)

    def merge(self) -> None:
        """Called by the session: the unit is over and its changes stand."""
        if self._saved:
            self._session.db.release_savepoint()
        self._session.changes.take(self._changes)
        self._session.wakes |= self._wakes

    def undo(self) -> None:
        """Called by the session: the unit failed."""
        if self._saved:
            self._session.db.roll_back_to_savepoint()
            self._session.changes.rows.clear()
