"""Turns at something that takes long: so many in all, few for each, and those that wait are served round and round."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class NoTurn(Exception):
    """Too many others are at it."""


class Turns:
    """At most `most` turns in all and `each` for one name.

    A name with many waiting delays another's by one turn at most each round, not by its whole queue.
    """

    def __init__(self, most: int, each: int) -> None:
        self._most = most
        self._each = each
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, name: str, patience_s: float) -> AsyncIterator[None]:
        """A turn of `name`, waited for at most `patience_s` of real time. Raises `NoTurn`."""
        await self._take(name, patience_s)
        try:
            yield
        finally:
            self._taken[name] -= 1
            if not self._taken[name]:
                del self._taken[name]
            self._serve()

    async def _take(self, name: str, patience_s: float) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, deque()).append(mine)
        self._serve()
        try:
            async with asyncio.timeout(patience_s):
                await mine
        except BaseException as error:
            if mine.done() and not mine.cancelled():
                # Served in the very moment in which it was given up.
                self._taken[name] -= 1
            else:
                self._leave(name, mine)
            self._serve()
            if isinstance(error, TimeoutError):
                raise NoTurn from None
            raise

    def _leave(self, name: str, mine: asyncio.Future[None]) -> None:
        queue = self._waiting.get(name)
        if queue is not None and mine in queue:
            queue.remove(mine)
            if not queue:
                del self._waiting[name]

    def _serve(self) -> None:
        """Give what is free to those that wait; whoever was served goes behind all others."""
        for name in list(self._waiting):
            if self._taken.total() >= self._most:
                return
            # Those that are done were cancelled, and have not been told yet.
            queue = deque(one for one in self._waiting.pop(name) if not one.done())
            if queue and self._taken[name] < self._each:
                self._taken[name] += 1
                queue.popleft().set_result(None)
            if queue:
                self._waiting[name] = queue
