"""The agent shows that it listens: a word when a caller who has talked for a while draws breath."""

from itertools import cycle

from ringback.voice.talk.mouth import Mouth

WORDS = ("Mm-hm.", "I see.", "Okay.")
"""In English; in other languages the agent listens in silence."""
AFTER_MS = 4_000
"""How long somebody talks before the agent shows that it listens, and before it does so again."""


class Backchannel:
    """Speaks aside: its words are no turn, and nobody's answer."""

    def __init__(self, mouth: Mouth, *, on: bool, language: str) -> None:
        self._mouth = mouth
        self._on = on and language.lower().startswith("en")
        self._words = cycle(WORDS)
        self._last_ms = 0

    def at_breath(self, began_ms: int, now_ms: int) -> None:
        """Somebody who began their turn at `began_ms` draws breath."""
        if self._on and now_ms - max(began_ms, self._last_ms) >= AFTER_MS and not self._mouth.speaking:
            self._last_ms = now_ms
            self._mouth.say(next(self._words), aside=True)
