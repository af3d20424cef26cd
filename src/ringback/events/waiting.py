"""Waiting for events: a look that lasts until there are some, and a stream that goes on."""

from collections.abc import AsyncIterator, Collection
from functools import partial
from typing import Final

from ringback.events import store as log
from ringback.events.log import topic
from ringback.events.store import Look
from ringback.kit.machine import monotonic
from ringback.storage.store import Store
from ringback.storage.worker import WakeUps

HEARTBEAT_S: Final = 15.0
_END: Final = "events:end"
_PAGE: Final = 200


class EventWaits:
    """Looks at the log for as long as somebody waits. A lost wake-up costs what the store's poll takes."""

    def __init__(self, store: Store, live: WakeUps) -> None:
        self._store = store
        self._live = live
        self._ended = False

    def end(self) -> None:
        """Let nobody wait any longer: the server stops."""
        self._ended = True
        self._live.wake(_END)

    async def look(
        self,
        account_id: str,
        *,
        after: int,
        limit: int,
        types: Collection[str] | None,
        agent_id: str | None,
        wait_s: float,
    ) -> Look:
        """What is behind `after`, waited for at most `wait_s` of real time. Raises `EventsExpired`."""
        until = monotonic() + wait_s
        waiter = self._live.subscribe(topic(account_id), _END)
        try:
            while True:
                query = partial(
                    log.look,
                    account_id=account_id,
                    after=after,
                    limit=limit,
                    types=types,
                    agent_id=agent_id,
                )
                found = await self._store.read(query)
                left_s = until - monotonic()
                if found.rows or (not found.more and (left_s <= 0 or self._ended)):
                    return found
                after = found.next_after
                if not found.more:
                    await waiter.wait(min(left_s, self._store.poll_s))
        finally:
            waiter.close()

    async def stream(
        self, account_id: str, *, after: int, types: Collection[str] | None, agent_id: str | None
    ) -> AsyncIterator[Look]:
        """Pages of events for as long as the server runs; an empty one now and then shows that it still does."""
        while not self._ended:
            found = await self.look(
                account_id, after=after, limit=_PAGE, types=types, agent_id=agent_id, wait_s=HEARTBEAT_S
            )
            after = found.next_after
            yield found
