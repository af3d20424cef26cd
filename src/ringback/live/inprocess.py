"""Wake-ups inside one process."""

import asyncio
from collections import defaultdict


class InProcess:
    """Topics with waiters. A wake-up that comes before the wait is kept until the next wait of that waiter."""

    def __init__(self) -> None:
        self._waiters: defaultdict[str, dict[asyncio.Event, None]] = defaultdict(dict)

    def wake(self, topic: str) -> None:
        for event in self._waiters.get(topic, ()):
            event.set()

    def subscribe(self, *topics: str) -> "Waiter":
        return Waiter(self, topics)


class Waiter:
    """One who waits for topics; to be closed."""

    def __init__(self, hub: InProcess, topics: tuple[str, ...]) -> None:
        self._hub = hub
        self._topics = topics
        self._event = asyncio.Event()
        for topic in topics:
            hub._waiters[topic][self._event] = None

    async def wait(self, timeout_s: float | None) -> bool:
        """Wait for a wake-up, at most `timeout_s`; whether one came."""
        # Not `wait_for`: before Python 3.12 it can swallow a cancellation that comes as the time runs out.
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return False
        finally:
            self._event.clear()
        return True

    def close(self) -> None:
        for topic in self._topics:
            waiters = self._hub._waiters[topic]
            waiters.pop(self._event, None)
            if not waiters:
                del self._hub._waiters[topic]
