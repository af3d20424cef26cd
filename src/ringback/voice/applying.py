"""Events of calls on their way to the store: those of one call in their order, those of several side by side."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from ringback.kit.faults import Fault
from ringback.voice.protocol import Message

_log = structlog.get_logger("ringback.voice")
_AGAIN_S = 0.5
_LONGEST_AGAIN_S = 10.0


class Applying:
    """`apply(event, child)` stores one; `done(event)` is called when that is so. What can't be stored now is tried again."""

    def __init__(
        self, apply: Callable[[Message, str], Awaitable[None]], done: Callable[[Message, str], None]
    ) -> None:
        self._apply, self._done = apply, done
        self._waiting: dict[str, deque[tuple[Message, str]]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def idle(self) -> bool:
        """Whether all is stored."""
        return not self._tasks

    def add(self, event: Message, child: str) -> None:
        """Store an event that `child` told of."""
        call_id = event["call"]
        self._waiting.setdefault(call_id, deque()).append((event, child))
        if call_id not in self._tasks:
            self._tasks[call_id] = asyncio.create_task(self._work(call_id))

    async def settled(self, call_id: str) -> None:
        """Return when all that was told of a call is stored."""
        task = self._tasks.get(call_id)
        if task is not None:
            await asyncio.shield(task)

    async def close(self) -> None:
        """Leave what is not stored to whoever comes next; children keep it."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, call_id: str) -> None:
        waiting = self._waiting[call_id]
        try:
            while waiting:
                event, child = waiting[0]
                await self._store(event, child)
                waiting.popleft()
                self._done(event, child)
        finally:
            del self._waiting[call_id]
            del self._tasks[call_id]

    async def _store(self, event: Message, child: str) -> None:
        wait_s = _AGAIN_S
        while True:
            try:
                await self._apply(event, child)
                return
            except Fault as fault:
                _log.warning(
                    "an event of a call can't be stored now", call=event["call"], reason=fault.message
                )
            except Exception:
                _log.exception("an event of a call can't be stored", call=event["call"], type=event["type"])
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_AGAIN_S)
