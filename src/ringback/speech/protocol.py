"""What a call needs of speech, whichever engine does it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from ringback.kit.faults import Unavailable


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser made of some audio: "" where nobody spoke. `ms` is how long that took."""

    text: str
    confidence: float | None
    """From 0 to 1; None where the engine doesn't say."""
    ms: int


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that can be spoken with here and now."""

    id: str
    name: str
    engine: str
    language: str
    """Such as `en-US`."""
    gender: str | None = None
    accent: str | None = None


class Synthesiser(Protocol):
    """Text to audio: signed 16-bit little-endian samples, one channel, `rate` of them a second."""

    rate: int

    def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        """The audio of `text`, the first clause as soon as it is made.

        `speed` from 0.5 to 2; an unknown voice is the default one. Raises `SpeechError`. Closing the iterator cancels
        what is not made yet.
        """
        ...


class Recogniser(Protocol):
    """Audio to text."""

    async def transcribe(self, pcm: bytes, rate: int, *, language: str = "en-US") -> Heard:
        """The words in `pcm` (signed 16-bit little-endian, one channel, `rate` samples a second). Raises `SpeechError`."""
        ...


class SpeechError(Unavailable):
    """Speech could not go on."""


class SpeechMissing(SpeechError):
    """The engine that was asked for isn't installed; the message says what to install."""


class LanguageNotSpoken(SpeechError):
    """No configured engine speaks or understands the language."""


class SpeechLost(SpeechError):
    """The process that speaks and hears died, or can't be started."""
