"""Speech without a model: text travels as tones above a humming voice, and is read back from them exactly.

For tests, for load and for machines without models. It goes through a telephone line (G.711, 300 to 3400 Hz) and is not made
for human ears. Each word is a block of symbols of 40 ms: a mark, its length in bytes, its bytes, a checksum. A symbol
is a byte: one of sixteen low tones (the high half) and one of sixteen high ones. What is cut off loses whole words.
"""

import zlib
from functools import cache
from typing import Any

import numpy as np

from ringback.kit import machine
from ringback.speech.engines.base import Pcm
from ringback.speech.protocol import Heard

RATE = 8_000
SYMBOL = 320
"""Samples of a symbol. Every frequency here is a multiple of 25 Hz, so that each fits in whole waves."""
_LOW = [1_000 + 50 * step for step in range(16)]
_HIGH = [1_900 + 50 * step for step in range(16)]
_MARK = (2_800, 3_000)
_PITCHES = (100, 125, 150, 125)
_VOWELS = (
    ((700, 130, 1.0), (1_100, 150, 0.6)),
    ((300, 100, 1.0), (870, 150, 0.4)),
    ((500, 120, 1.0), (900, 200, 0.5)),
    ((400, 100, 1.0), (750, 120, 0.6)),
)
"""Formants (Hz, width, share) of a voice that changes its pitch and vowel as it goes: what looks for speech finds it."""
_TOP_OF_HUM = 900
_HUM_LEVEL, _TONE_LEVEL = 0.1, 0.05
_LONGEST = 31
"""Characters of a block, of four bytes each at most."""
_JOINED = 0x80
"""In the length: no space before this word."""
_HOP = 20
_FAINTEST = 1e-3
"""The least amplitude of a mark: -60 dB of full scale."""


class FakeSpeaking:
    """Speaks any text, in any voice alike, always at its own pace."""

    def speak(self, text: str, *, voice: str, speed: float) -> Pcm:
        sound: list[Any] = []
        for block in _blocks(text):
            for low, high in (_MARK, *((_LOW[byte >> 4], _HIGH[byte & 15]) for byte in block)):
                sound.append(_hum(len(sound)) + _tones(low, high))
            sound.append(_hum(len(sound)) * 0.5)
        samples = np.concatenate(sound) if sound else np.zeros(0)
        return Pcm((samples * 32_767).astype("<i2").tobytes(), RATE)


class FakeHearing:
    """Hears what `FakeSpeaking` spoke, and nothing else."""

    def hear(self, pcm: Pcm, *, language: str) -> Heard:
        started = machine.monotonic()
        samples = np.frombuffer(pcm.data, dtype="<i2").astype(np.float64) / 32_768
        text = "".join(_words(samples)).strip()
        return Heard(text, 1.0 if text else None, round((machine.monotonic() - started) * 1000))


def _blocks(text: str) -> list[bytes]:
    blocks = []
    for word in text.split():
        for start in range(0, len(word), _LONGEST):
            piece = word[start : start + _LONGEST].encode()
            body = bytes([len(piece) | (_JOINED if start else 0)]) + piece
            blocks.append(body + _checksum(body))
    return blocks


def _checksum(body: bytes) -> bytes:
    return bytes([zlib.crc32(body) & 0xFF])


def _hum(symbol: int) -> Any:
    """The voice beneath the symbol of that place in an utterance."""
    return _vowel(_PITCHES[symbol // 3 % len(_PITCHES)], _VOWELS[symbol // 4 % len(_VOWELS)])


@cache
def _vowel(pitch: int, formants: tuple[tuple[int, int, float], ...]) -> Any:
    at = np.arange(SYMBOL) / RATE
    wave = np.zeros(SYMBOL)
    for hertz in range(pitch, _TOP_OF_HUM + 1, pitch):
        level = sum(share / (1 + ((hertz - centre) / width) ** 2) for centre, width, share in formants)
        wave += level * np.sin(2 * np.pi * hertz * at)
    return wave * (_HUM_LEVEL / np.sqrt((wave**2).mean()))


@cache
def _tones(low: int, high: int) -> Any:
    at = np.arange(SYMBOL) / RATE
    return _TONE_LEVEL * (np.sin(2 * np.pi * low * at) + np.sin(2 * np.pi * high * at))


@cache
def _listeners(tones: tuple[int, ...]) -> Any:
    """For each tone the complex wave whose product with a symbol is the tone's amplitude in it."""
    at = np.arange(SYMBOL) / RATE
    return np.exp(-2j * np.pi * np.outer(at, tones)) * (2 / SYMBOL)


def _words(samples: Any) -> list[str]:
    words = []
    for start in _marks(samples):
        body = _block_at(samples, start + SYMBOL)
        if body:
            text = body[1:].decode("utf-8", "replace")
            words.append(text if body[0] & _JOINED else f" {text}")
    return words


def _marks(samples: Any) -> list[int]:
    """Where marks begin."""
    if len(samples) < SYMBOL:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(samples, SYMBOL)[::_HOP]
    level = np.abs(windows @ _listeners(_MARK)).min(axis=1)
    # A word's tones are as loud as a mark: a window half in it is no mark.
    around = level.max(initial=0.0) * 0.7
    found: list[int] = []
    for index in np.flatnonzero(level > max(around, _FAINTEST)):
        if found and index - found[-1] < SYMBOL // _HOP:
            if level[index] > level[found[-1]]:
                found[-1] = int(index)
        else:
            found.append(int(index))
    return [index * _HOP for index in found]


def _block_at(samples: Any, start: int) -> bytes | None:
    """The length and the bytes of the block at `start`; None if it isn't whole."""
    length = _bytes_at(samples, start, 1)
    if not length:
        return None
    size = 1 + (length[0] & ~_JOINED)
    block = _bytes_at(samples, start, size + 1)
    if len(block) <= size or _checksum(block[:size]) != block[size:]:
        return None
    return block[:size]


def _bytes_at(samples: Any, start: int, count: int) -> bytes:
    piece = samples[start : start + count * SYMBOL]
    symbols = piece[: len(piece) // SYMBOL * SYMBOL].reshape(-1, SYMBOL)
    low = np.abs(symbols @ _listeners(tuple(_LOW))).argmax(axis=1)
    high = np.abs(symbols @ _listeners(tuple(_HIGH))).argmax(axis=1)
    return bytes((low << 4 | high).astype(np.uint8))
