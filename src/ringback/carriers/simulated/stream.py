"""Handing out the network's events in order, and again when they were not acknowledged in time."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from ringback.carriers.protocol import CarrierEvent, EventBatch
from ringback.carriers.simulated.translate import to_event
from ringback.kit.machine import monotonic

Fetched = tuple[str, str, dict[str, object]]
"""Token, kind and data of one event; tokens are rising whole numbers."""

_AGAIN_S = 30.0
"""Real seconds after which an event without acknowledgement is handed out again."""


class EventStream:
    """Asks `fetch(after)` for what lies behind a token; `fetch` waits a while when there is nothing.

    It answers None when the connection was lost: the network may be another one then, and all is asked for again.
    """

    def __init__(
        self, fetch: Callable[[int], Awaitable[list[Fetched] | None]], again_s: float = _AGAIN_S
    ) -> None:
        self._fetch = fetch
        self._again_s = again_s
        self._handed: dict[int, float] = {}
        self._fetching: asyncio.Future[list[Fetched] | None] | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the stream now."""
        self._stopped = True
        if self._fetching is not None:
            self._fetching.cancel()

    def is_stopped(self) -> bool:
        return self._stopped

    def acknowledged(self, tokens: Sequence[str]) -> None:
        for token in tokens:
            self._handed.pop(int(token), None)

    async def batches(self) -> AsyncGenerator[EventBatch, None]:
        """Everything from the oldest event that was never acknowledged, until stopped."""
        after = 0
        self._handed.clear()
        while not self.is_stopped():
            self._fetching = asyncio.ensure_future(self._fetch(self._next_after(after)))
            try:
                found = await self._fetching
            except asyncio.CancelledError:
                if self.is_stopped():
                    return
                self._fetching.cancel()
                raise
            if found is None:
                after = 0
                self._handed.clear()
            if not found:
                continue
            after = int(found[-1][0])
            now = monotonic()
            self._handed.update((int(token), now) for token, _, _ in found)
            events: tuple[CarrierEvent, ...] = tuple(to_event(kind, data) for _, kind, data in found)
            yield EventBatch(events, tuple(token for token, _, _ in found))

    def _next_after(self, after: int) -> int:
        oldest = next(iter(self._handed), None)
        if oldest is None or monotonic() - self._handed[oldest] < self._again_s:
            return after
        again = min(self._handed)
        self._handed.clear()
        return again - 1
