"""Bytes that may be held in memory at one time, and those that wait for some."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Memory:
    """So many bytes in all. Those that wait for some are served in the order in which they came."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting = deque[tuple[int, asyncio.Future[None]]]()

    @contextmanager
    def share(self, patience_s: float) -> Iterator["Share"]:
        """What one piece of work holds; given back at the end. It waits at most `patience_s` (real time) at a time."""
        share = Share(self, patience_s)
        try:
            yield share
        finally:
            share.keep(0)
            self.give_back(share.kept)

    async def take(self, size: int, patience_s: float) -> bool:
        """Whether `size` bytes were free in time; they are the caller's then."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, mine))
        self._serve()
        try:
            async with asyncio.timeout(patience_s):
                await mine
        except BaseException as error:
            if mine.done() and not mine.cancelled():
                # Served in the very moment in which it was given up.
                self._free += size
            mine.cancel()
            self._serve()
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def give_back(self, size: int) -> None:
        self._free += size
        self._serve()

    def _serve(self) -> None:
        while self._waiting:
            size, first = self._waiting[0]
            if not first.done():
                if size > self._free:
                    return
                self._free -= size
                first.set_result(None)
            self._waiting.popleft()


class Share:
    """The bytes of one piece of work: first asked for, then kept as many as there were."""

    def __init__(self, memory: Memory, patience_s: float) -> None:
        self.kept = 0
        self._asked = 0
        self._memory = memory
        self._patience_s = patience_s

    async def ask(self, size: int) -> bool:
        """Whether up to `size` bytes more may be held now; ask once for each `keep`."""
        if not await self._memory.take(size, self._patience_s):
            return False
        self._asked = size
        return True

    def keep(self, size: int) -> None:
        """Of what was asked for `size` bytes are kept; the rest is free again."""
        self._memory.give_back(self._asked - size)
        self._asked = 0
        self.kept += size
