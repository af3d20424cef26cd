"""The beep of an answering machine: one pure tone that stands still for a while."""

import math
from array import array
from operator import add, mul

from ringback.voice.legs.base import FRAME_MS, RATE

SHORTEST_MS = 160
"""Shorter tones are clicks, keys and notes."""
_LOWEST_HZ, _HIGHEST_HZ = 350.0, 2_200.0
_LOUD = 1_000
"""Mean magnitude of a sample: 30 dB below full scale."""
_PURE = 0.9
"""The share of its power that a tone has at its own frequency; a vowel and a key have less."""
_DRIFT = 0.02
"""How far the pitch of one frame may be from that of the one before, as a share of it: voices are never that steady."""


def pitch(pcm: bytes) -> float | None:
    """The frequency in Hz of a frame that is one pure tone, else None.

    A sampled sine obeys x[n+1] + x[n-1] = 2 cos(w) x[n]. The factor that fits best names the frequency, whatever it is, and
    Goertzel's filter then tells how much of the sound is there.
    """
    samples = array("h", pcm)
    if sum(map(abs, samples)) < _LOUD * len(samples):
        return None
    middle = samples[1:-1]
    around = map(add, samples, samples[2:])
    factor = sum(map(mul, around, middle)) / (sum(map(mul, middle, middle)) or 1)
    if abs(factor) >= 2:
        return None
    hertz = math.acos(factor / 2) * RATE / (2 * math.pi)
    if not _LOWEST_HZ <= hertz <= _HIGHEST_HZ:
        return None
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + factor * last - before
    power = last * last + before * before - factor * last * before
    share = 2 * power / (len(samples) * sum(map(mul, samples, samples)))
    return hertz if share >= _PURE else None


class BeepDetector:
    """Feed it frames; a tone counts when it was long enough, and is over."""

    def __init__(self) -> None:
        self._hertz: float | None = None
        self._lasts_ms = 0

    def feed(self, pcm: bytes) -> bool:
        """Twenty milliseconds more; whether a beep has ended with them."""
        before, self._hertz = self._hertz, pitch(pcm)
        if self._hertz is None:
            ended = self._lasts_ms >= SHORTEST_MS
            self._lasts_ms = 0
            return ended
        if before is not None and abs(self._hertz - before) > _DRIFT * before:
            self._lasts_ms = 0
        self._lasts_ms += FRAME_MS
        return False
