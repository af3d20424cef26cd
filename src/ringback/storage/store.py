"""What the rest of the server asks of a database."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Table

from ringback.storage.tx import Reads, Tx

T = TypeVar("T")
Need = tuple[Table, tuple[str | int, ...]]
"""A row that a unit is going to `get`: its table and primary key."""


class Store(Protocol):
    """One database: units of work in, rows out."""

    shared: bool
    """Whether other processes may use the same database (PostgreSQL) or this one owns it (SQLite)."""

    poll_s: float
    """How long a worker waits at most before it looks at the outbox again: notices of other processes can be lost."""

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Finish what was taken and close."""
        ...

    async def write(
        self, unit: Callable[[Tx], T], *, account: str | None = None, needs: Sequence[Need] | None = None
    ) -> T:
        """Run a unit; returns its result after its COMMIT, or raises what it raised, with nothing changed.

        `account` is the account whose row is locked first. `needs` is given by the frequent kinds, which travel in
        batches: the rows that the unit gets by key, read ahead in one round trip (a row not named is read when asked).
        """
        ...

    async def trouble(self) -> str | None:
        """Why the store can't be written, as far as that shows without asking a store that works; None where it can."""
        ...

    async def read(self, query: Callable[[Reads], T]) -> T:
        """Run a query on a connection that only reads."""
        ...
