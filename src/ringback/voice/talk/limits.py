"""When a conversation ends by itself: nobody has spoken for too long, or it has gone on for too long."""

import asyncio
from collections.abc import Callable

from ringback.kit import machine

_NO_WORDS_S = 15.0
"""A voice that has not become words for so long, such as music, is no caller."""
_LOOK_S = 0.25


class Silence:
    """Watches how long neither side has spoken."""

    def __init__(self, limit_ms: int) -> None:
        self._limit_s = limit_ms / 1000
        self._last = machine.monotonic()
        self._voice_since: float | None = None

    def broken(self) -> None:
        """Words were heard, or spoken, until now."""
        self._last = machine.monotonic()

    def voice(self, on: bool) -> None:
        """The caller makes a sound like a voice, or has ended it."""
        self._voice_since = machine.monotonic() if on else None

    async def wait(self, agent_busy: Callable[[], bool], then: Callable[[str, str], None]) -> None:
        """Call `then` with a reason and a side when it has been silent for too long; an agent that is busy is not silent."""
        while True:
            now = machine.monotonic()
            if agent_busy():
                self._last = now
            speaking = self._voice_since is not None and now - self._voice_since < _NO_WORDS_S
            if now - self._last >= self._limit_s and not speaking:
                then("inactivity", "caller")
                return
            await asyncio.sleep(_LOOK_S)
