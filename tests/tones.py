"""Speech as tones, in plain Python: each character is two frames of 20 ms of two tones, and a third of a mark between.

What one side says the other reads, exactly on a good line, and without the lost characters on a bad one.
"""

import asyncio
import math
from array import array
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from operator import mul

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
        char = _char(array("h", frame)) or _MARK
        if char not in (self._before, _MARK):
            self.text += char
        self._before = char


def read(pcm: bytes) -> str:
    """The text in PCM whose frames are whole."""
    reader = Reader()
    for at in range(0, len(pcm) - 2 * _FRAME + 1, 2 * _FRAME):
        reader.feed(pcm[at : at + 2 * _FRAME])
    return reader.text


@cache
def _frame(char: str) -> bytes:
    code = ord(char)
    waves = [_wave(_LOW, code >> 4), _wave(_HIGH, code & 15)]
    return array("h", (round(6_000 * (low + high)) for low, high in zip(*waves, strict=True))).tobytes()


@cache
def _wave(base: int, step: int, quarter: float = 0) -> list[float]:
    turn = 2 * math.pi * (base + _STEP * step) / 8_000
    return [math.sin(turn * n + quarter) for n in range(_FRAME)]


def _char(samples: "array[int]") -> str | None:
    if sum(map(abs, samples)) < 500 * _FRAME:
        return None
    return chr(_strongest(samples, _LOW) << 4 | _strongest(samples, _HIGH))


def _strongest(samples: "array[int]", base: int) -> int:
    def power(step: int) -> float:
        parts = (sum(map(mul, samples, _wave(base, step, quarter))) for quarter in (0, math.pi / 2))
        return float(sum(part * part for part in parts))

    return max(range(16), key=power)
