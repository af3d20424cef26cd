"""What the far end asks of speech engines; whoever starts the process puts them in."""

from collections.abc import AsyncIterator
from typing import Protocol


class Heard(Protocol):
    """What a recogniser made of a piece of speech."""

    @property
    def text(self) -> str: ...

    @property
    def confidence(self) -> float | None: ...


class Synthesiser(Protocol):
    """Makes speech: PCM of signed 16 bits, mono, at `rate` samples a second."""

    @property
    def rate(self) -> int: ...

    def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]: ...


class Recogniser(Protocol):
    """Reads speech: PCM of signed 16 bits, mono, at `rate` samples a second."""

    async def transcribe(self, pcm: bytes, rate: int, *, language: str = "en-US") -> Heard: ...


class SpeechMissing(Exception):
    """No engine is there that could speak or hear."""
