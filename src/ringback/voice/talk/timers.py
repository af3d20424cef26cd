"""Work of a conversation that goes on beside it, all of which ends with it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Work = Coroutine[Any, Any, None]


class Timers:
    """Tasks by name, of which a new one takes the place of the old, and tasks without a name."""

    def __init__(self) -> None:
        self._named: dict[str, asyncio.Task[None]] = {}
        self._others: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Work) -> None:
        self.stop(name)
        self._named[name] = asyncio.create_task(work)

    def after(self, name: str, wait_s: float, then: Callable[[], None]) -> None:
        """Call `then` in a while."""

        async def wait() -> None:
            await asyncio.sleep(wait_s)
            then()

        self.start(name, wait())

    def stop(self, name: str) -> None:
        """Stop the one of that name, unless it is who asks."""
        task = self._named.pop(name, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def later(self, work: Work) -> None:
        task = asyncio.create_task(work)
        self._others.add(task)
        task.add_done_callback(self._others.discard)

    def stop_all(self) -> None:
        for name in list(self._named):
            self.stop(name)
        for task in self._others:
            if task is not asyncio.current_task():
                task.cancel()
