"""Speech as tones: each character is two frames of 20 ms of two tones, and a third of a mark between.

What one side says the other reads, exactly on a good line, and without the lost characters on a bad one.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

_FRAME = 160
_LOW, _HIGH = 1_000, 1_900
_STEP = 50
_MARK = "\0"


@dataclass(frozen=True, slots=True)
class Heard:
    text: str
    confidence: float | None = 1.0


class Tones:
    """A synthesiser and a recogniser. `slow_s` is how long it takes to speak; `broken` why it can't."""

    rate = 8_000

    def __init__(self, *, slow_s: float = 0, broken: str | None = None) -> None:
        self._slow_s = slow_s
        self._broken = broken

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        if self._broken:
            raise RuntimeError(self._broken)
        await asyncio.sleep(self._slow_s)
        yield said(text)

    async def transcribe(self, pcm: bytes, rate: int, *, language: str = "en-US") -> Heard:
        return Heard(read(pcm))


def said(text: str) -> bytes:
    """PCM at 8,000 samples a second; 60 ms a character."""
    return b"".join(_frame(char) * 2 + _frame(_MARK) for char in text)


class Reader:
    """Reads frame by frame; `text` is what was read up to now."""

    def __init__(self) -> None:
        self.text = ""
        self._before = _MARK

    def feed(self, frame: bytes) -> None:
        char = _char(frame)
        if char not in (self._before, _MARK, None):
            self.text += str(char)
        # A frame that is lost within a character must not make two of it.
        self._before = char or self._before


def read(pcm: bytes) -> str:
    """The text in PCM whose frames are whole."""
    reader = Reader()
    for at in range(0, len(pcm) - 2 * _FRAME + 1, 2 * _FRAME):
        reader.feed(pcm[at : at + 2 * _FRAME])
    return reader.text


@cache
def _frame(char: str) -> bytes:
    code = ord(char)
    sound = _wave(_LOW, code >> 4) + _wave(_HIGH, code & 15)
    return bytes(np.rint(6_000 * sound).astype("<i2").tobytes())


def _wave(base: int, step: int, quarter: float = 0) -> Any:
    return np.sin(2 * np.pi * (base + _STEP * step) / 8_000 * np.arange(_FRAME) + quarter)


_EARS = {
    base: np.stack([_wave(base, step, quarter) for quarter in (0, np.pi / 2) for step in range(16)])
    for base in (_LOW, _HIGH)
}


def _char(frame: bytes) -> str | None:
    """None is silence."""
    samples = np.frombuffer(frame, "<i2").astype(np.float64)
    if np.abs(samples).sum() < 500 * _FRAME:
        return None
    return chr(_strongest(samples, _LOW) << 4 | _strongest(samples, _HIGH))


def _strongest(samples: Any, base: int) -> int:
    parts = (_EARS[base] @ samples) ** 2
    return int(np.argmax(parts[:16] + parts[16:]))
