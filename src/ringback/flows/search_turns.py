"""When searches run: one of an account at a time, and few in all.

A search may read for a second, and a store has few readers: without turns, the searches of one account would keep everybody
else from reading at all.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeVar

from ringback.kit.faults import Fault
from ringback.storage.store import Store
from ringback.storage.tx import Reads

T = TypeVar("T")
AT_ONCE: Final = 2
"""Searches that run at the same time: one fewer than the readers of the store that has fewest."""
WAITING: Final = 4
"""Searches of an account that wait for the one that runs: a page that searches while somebody types asks for some."""


class TooManySearches(Fault):
    """An account's searches wait already, as many as may."""

    status: ClassVar[int] = 429
    code: ClassVar[str] = "TOO_MANY_SEARCHES"

    def __init__(self) -> None:
        super().__init__(f"{WAITING} searches of this account wait already", retry_after_s=1)


@dataclass(slots=True)
class _Turns:
    """One account's."""

    mine: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: int = 0


class SearchTurns:
    """The turns of one process over a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._room = asyncio.Semaphore(AT_ONCE)
        self._turns: dict[str, _Turns] = {}

    async def read(self, account_id: str, query: Callable[[Reads], T]) -> T:
        """Run a search when it is its turn. Raises `TooManySearches`."""
        turns = self._turns.setdefault(account_id, _Turns())
        if turns.asked > WAITING:
            raise TooManySearches
        turns.asked += 1
        try:
            await turns.mine.acquire()
            try:
                await self._room.acquire()
            except asyncio.CancelledError:
                turns.mine.release()
                raise
        except asyncio.CancelledError:
            self._leave(account_id, turns)
            raise

        def over(work: asyncio.Task[T]) -> None:
            self._room.release()
            turns.mine.release()
            self._leave(account_id, turns)

        # A client that leaves stops no reader, so its turn lasts as long as that reads.
        reading = asyncio.ensure_future(self._store.read(query))
        reading.add_done_callback(over)
        return await asyncio.shield(reading)

    def _leave(self, account_id: str, turns: _Turns) -> None:
        turns.asked -= 1
        if not turns.asked:
            self._turns.pop(account_id, None)
