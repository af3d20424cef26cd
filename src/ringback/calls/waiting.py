"""Waiting for a call: for what is said next, and for its end."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ringback.calls import service
from ringback.calls import store as call_store
from ringback.kit.machine import monotonic
from ringback.storage.store import Store
from ringback.storage.tx import Reads, Row
from ringback.storage.worker import WakeUps

T = TypeVar("T")
_LOOK_S = 2.0
"""How long a reader waits before it looks again by itself: a wake-up can be lost between processes."""
_STOP = "calls:stop"


class CallWaits:
    """Calls for readers that wait, until `end`."""

    def __init__(self, store: Store, live: WakeUps) -> None:
        self._store = store
        self._live = live
        self.stopping = False

    def end(self) -> None:
        """The server stops: whoever waits is answered now."""
        self.stopping = True
        self._live.wake(_STOP)

    async def over(
        self, account_id: str, call_id: str, *, wait_s: float, gone: Callable[[], Awaitable[bool]]
    ) -> None:
        """Wait until a call is over, `wait_s` real seconds are, or whoever waits is `gone`. Raises `CallNotFound`."""
        await self._until(
            call_id,
            lambda db: service.get(db, account_id, call_id),
            service.is_over,
            wait_s=wait_s,
            gone=gone,
        )

    async def said(
        self, account_id: str, call_id: str, *, after: int, wait_s: float
    ) -> tuple[Row, list[Row]]:
        """A call, and what was said after turn `after`: once there is something, it is over, or the time is."""

        def look(db: Reads) -> tuple[Row, list[Row]]:
            call = service.get(db, account_id, call_id)
            return call, call_store.turns(db, call, after=after)

        return await self._until(
            call_id, look, lambda found: bool(found[1]) or service.is_over(found[0]), wait_s=wait_s
        )

    async def _until(
        self,
        call_id: str,
        look: Callable[[Reads], T],
        is_enough: Callable[[T], bool],
        *,
        wait_s: float,
        gone: Callable[[], Awaitable[bool]] | None = None,
    ) -> T:
        until = monotonic() + wait_s
        waiter = self._live.subscribe(service.topic(call_id), _STOP)
        try:
            while True:
                found = await self._store.read(look)
                left = until - monotonic()
                if is_enough(found) or left <= 0 or self.stopping:
                    return found
                if gone is not None and await gone():
                    return found
                await waiter.wait(min(left, _LOOK_S))
        finally:
            waiter.close()
