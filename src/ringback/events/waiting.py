"""Waiting for events."""

import asyncio
from functools import partial

from ringback.events.log import topic
from ringback.events.store import Page, Wanted, page
from ringback.kit.machine import monotonic
from ringback.storage.store import Store
from ringback.storage.worker import WakeUps

_LOOK_S = 2.0
"""How long a reader waits before it looks again by itself: a wake-up can be lost between processes."""
_PAUSE_S = 0.05
"""Between two looks that found nothing wanted, however many events there were."""
_STOP = "events:stop"


class EventWaits:
    """An account's events for readers that wait, until `end`."""

    def __init__(self, store: Store, live: WakeUps) -> None:
        self._store = store
        self._live = live
        self.stopping = False

    def end(self) -> None:
        """The server stops: whoever waits is answered now."""
        self.stopping = True
        self._live.wake(_STOP)

    async def read(
        self, account_id: str, wanted: Wanted, *, after: int | None, limit: int, wait_s: float = 0
    ) -> Page:
        """`page`, once it has something or `wait_s` real seconds are over; with more to look at it never waits."""
        until = monotonic() + wait_s
        waiter = self._live.subscribe(topic(account_id), _STOP)
        pause_s = 0.0
        try:
            while True:
                found = await self._store.read(
                    partial(page, account_id=account_id, wanted=wanted, after=after, limit=limit)
                )
                left = until - monotonic()
                if found.rows or found.has_more or found.over or left <= 0 or self.stopping:
                    return found
                after = found.next_after
                await asyncio.sleep(pause_s)
                pause_s = _PAUSE_S
                await waiter.wait(min(left, _LOOK_S))
        finally:
            waiter.close()
