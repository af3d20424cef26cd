"""The PostgreSQL store: batches for the frequent kinds of units, short transactions for the rest, readers beside them."""

import asyncio
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from ringback.kit import trace
from ringback.kit.clock import Clock
from ringback.kit.groups import Closed
from ringback.kit.ids import IdMaker
from ringback.kit.notices import Sender
from ringback.storage.postgres import faults
from ringback.storage.postgres.attempt import Attempts
from ringback.storage.postgres.batches import Batches, UnitJob, run_single
from ringback.storage.postgres.dialect import POSTGRES
from ringback.storage.postgres.link import BY_KEY, IN_ORDER, WRITES, Connection, Link
from ringback.storage.reader import Reader
from ringback.storage.store import Need
from ringback.storage.tx import Reads, Tx

T = TypeVar("T")

_SINGLES = 4
"""Units of the other kinds at once."""


class PostgresStore:
    """A store that other processes may share. See `ringback.storage.store.Store`.

    `sender` names this process in the notices that it sends with its commits.
    """

    shared = True
    poll_s = 0.25

    def __init__(
        self,
        url: str,
        clock: Clock,
        ids: IdMaker,
        wake: Callable[[str], None],
        sender: Sender,
        *,
        readers: int = 10,
    ) -> None:
        self._wake = wake
        link = Link(url, *WRITES, *BY_KEY)
        self._batches = Batches(link, Attempts(link, clock, ids, sender))
        self._links = [Link(url, *WRITES, *IN_ORDER) for _ in range(_SINGLES)]
        self._free: queue.LifoQueue[Attempts] = queue.LifoQueue()
        for each in self._links:
            self._free.put(Attempts(each, clock, ids, sender))
        self._writers = ThreadPoolExecutor(_SINGLES, thread_name_prefix="ringback-single")
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="ringback-reader")
        self._unused: queue.LifoQueue[Link] = queue.LifoQueue()
        for _ in range(readers):
            self._unused.put(Link(url))
        self._closed = False

    async def start(self) -> None:
        """Connect. Raises `DatabaseUnavailable`."""
        await asyncio.to_thread(self._batches.start)

    async def stop(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        self._batches.close()
        self._writers.shutdown()
        self._readers.shutdown()
        for link in self._links:
            link.close()
        while not self._unused.empty():
            self._unused.get().close()

    async def write(
        self, unit: Callable[[Tx], T], *, account: str | None = None, needs: Sequence[Need] | None = None
    ) -> T:
        if self._closed:
            raise Closed("the store is closed")
        request_id = trace.request_id.get()
        loop = asyncio.get_running_loop()
        result: T
        if needs is None:
            result, wakes = await loop.run_in_executor(self._writers, self._single, unit, account, request_id)
        else:
            result, wakes = await self._batches.submit(UnitJob(unit, account, needs, request_id, loop))
        for topic in wakes:
            self._wake(topic)
        return result

    def _single(
        self, unit: Callable[[Tx], Any], account: str | None, request_id: str | None
    ) -> tuple[Any, set[str]]:
        attempts = self._free.get()
        try:
            return run_single(attempts, unit, account, request_id)
        finally:
            self._free.put(attempts)

    async def trouble(self) -> str | None:
        return None  # a server that can't be reached doesn't answer reads either

    async def read(self, query: Callable[[Reads], T]) -> T:
        if self._closed:
            raise Closed("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._query, query)

    def _query(self, query: Callable[[Reads], T]) -> T:
        link = self._unused.get()
        try:
            for _ in range(2):
                try:
                    with _snapshot(link.get()) as conn:
                        return query(Reader(conn, POSTGRES))
                except psycopg.OperationalError:
                    if not link.was_lost():
                        raise
            raise faults.unavailable()
        finally:
            link.roll_back()
            self._unused.put(link)


@contextmanager
def _snapshot(conn: Connection) -> Iterator[Connection]:
    """One snapshot for the whole query, so that a page and its total agree."""
    conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    yield conn
    conn.execute("COMMIT")
