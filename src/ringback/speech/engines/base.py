"""What the worker asks of an engine. Engines are plain and blocking: each is called by one thread at a time or says otherwise."""

from typing import NamedTuple, Protocol

from ringback.speech.protocol import Heard


class Pcm(NamedTuple):
    """Signed 16-bit little-endian samples, one channel, `rate` of them a second."""

    data: bytes
    rate: int


class Speaking(Protocol):
    """An engine that speaks; it may be called by several threads."""

    def speak(self, text: str, *, voice: str, speed: float) -> Pcm:
        """The audio of one clause."""
        ...


class Hearing(Protocol):
    """An engine that hears."""

    def hear(self, pcm: Pcm, *, language: str) -> Heard:
        """The words of one utterance. Raises `LanguageNotSpoken`."""
        ...
