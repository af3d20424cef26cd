"""When both speak: the agent pauses for a voice, words take the word from it, and everything else lets it go on."""

import asyncio
import contextlib
from collections.abc import Callable

from ringback.speech.protocol import Heard, SpeechError
from ringback.voice.talk.mouth import Mouth
from ringback.voice.talk.settings import Manners
from ringback.voice.talk.words import count_words, is_backchannel

_LISTEN_S = 2.5
"""How long a voice without an end may hold the agent up before what it says is read."""


class Overlap:
    """`peek` reads what was said so far of an utterance that goes on."""

    def __init__(
        self, manners: Manners, mouth: Mouth, peek: "Callable[[], asyncio.Task[Heard]] | None"
    ) -> None:
        self._manners, self._mouth, self._peek = manners, mouth, peek

    @property
    def kept(self) -> bool:
        """Whether what is said meanwhile waits until the agent is done."""
        return self._manners.pause_after_ms is None

    def cuts(self, text: str) -> bool:
        """Whether these words, said while the agent has the word, end its reply."""
        if not text or is_backchannel(text):
            return False
        # Those that are kept for later end nothing, but aren't lost either.
        return self.kept or count_words(text) >= self._manners.words_to_cut

    async def pause(self, then: Callable[[bool], None]) -> None:
        """Pause the agent for a voice; one that never ends is read, lest a noise holds the agent up for good: `then(cut)`."""
        if self._manners.pause_after_ms:
            await asyncio.sleep(self._manners.pause_after_ms / 1000)
        self._mouth.pause()
        if self._peek is None:
            return
        await asyncio.sleep(_LISTEN_S)
        with contextlib.suppress(SpeechError):
            heard = await self._peek()
            then(self.cuts(heard.text.strip()))
