"""Where handsets get their voices and ears: speech engines at the telephone's rate."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from ringback.kit.rtp import RATE
from ringback.sim.exchange.speech import Heard, Recogniser, SpeechMissing, Synthesiser

_MOST_MADE = 128
"""Sentences that are kept as they were spoken: handsets say the same things often."""
_LISTENERS = 2
"""So many pieces of speech are read at a time; the others wait."""


class Studio:
    """Engines, either of which may be missing; the synthesiser's rate is 8,000, and `voice` the one that handsets have."""

    def __init__(
        self, synthesiser: Synthesiser | None, recogniser: Recogniser | None, *, voice: str = ""
    ) -> None:
        if synthesiser is not None and synthesiser.rate != RATE:
            raise ValueError(f"handsets speak at {RATE} samples a second")
        self._synthesiser = synthesiser
        self._recogniser = recogniser
        self._voice = voice
        self._listeners = asyncio.Semaphore(_LISTENERS)
        self._made: OrderedDict[str, asyncio.Task[bytes]] = OrderedDict()

    async def speech(self, text: str) -> bytes:
        """`text`, spoken: PCM at 8,000 samples a second. Raises `SpeechMissing`, and what the engine raises."""
        task = self._made.get(text)
        if task is None:
            task = self._made[text] = asyncio.create_task(self._speak(text))
            while len(self._made) > _MOST_MADE:
                self._made.popitem(last=False)
        self._made.move_to_end(text)
        try:
            return await asyncio.shield(task)
        except Exception:
            self._made.pop(text, None)
            raise

    async def prepare(self, texts: Sequence[str]) -> None:
        """Speak them in advance, one after another, so that nobody waits for an engine in the middle of a call."""
        for text in texts:
            try:
                await self.speech(text)
            except Exception:
                return  # whoever says it hears of it

    async def _speak(self, text: str) -> bytes:
        if self._synthesiser is None:
            raise SpeechMissing("no engine is there that speaks: .venv/bin/uv pip install '.[speech]'")
        return b"".join([chunk async for chunk in self._synthesiser.speak(text, voice=self._voice)])

    async def read(self, pcm: bytes) -> Heard | None:
        """What was said in PCM at 8,000 samples a second; None where nobody can tell."""
        if self._recogniser is None:
            return None
        async with self._listeners:
            return await self._recogniser.transcribe(pcm, RATE)
