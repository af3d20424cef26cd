"""What is heard behind an agent: an office, a coffee shop, the open air. Made, not recorded; each is a loop without a seam.

Noise is shaped by its spectrum over the whole length of a loop, so that its end runs on into its beginning; what happens in
it, such as a key or a bird, is laid around the end as around any other moment.
"""

from collections.abc import Callable
from functools import cache
from itertools import cycle
from typing import Any

from ringback.voice.legs.base import FRAME, RATE

LOOP_S = 16
LEVEL_DB = {"office": -46.0, "coffee-shop": -42.0, "outdoor": -44.0}
"""The loudness of each, in dB below full scale: some 20 dB below speech."""
_PEAK = 0.1
_SAMPLES = LOOP_S * RATE


@cache
def loop(name: str) -> bytes:
    """Signed 16-bit samples at 8 kHz. Raises `KeyError` for a name that isn't in `LEVEL_DB`."""
    import numpy
    from numpy.random import default_rng

    level = 10 ** (LEVEL_DB[name] / 20)
    sound = _SCENES[name](default_rng(1))
    sound = sound * (level / numpy.sqrt((sound**2).mean()))
    # What stands out is rounded off, which keeps the level within a tenth of a dB.
    return bytes((numpy.tanh(sound / _PEAK) * _PEAK * 32_767).astype("<i2").tobytes())


class Ambience:
    """One call's: `mix` puts the next of it behind a frame."""

    def __init__(self, name: str) -> None:
        pcm = loop(name)
        self._frames = cycle([pcm[at : at + FRAME] for at in range(0, len(pcm), FRAME)])

    def mix(self, frame: bytes) -> bytes:
        """The frame with twenty milliseconds more of it behind."""
        import numpy

        both = numpy.frombuffer(frame, "<i2").astype("<i4") + numpy.frombuffer(next(self._frames), "<i2")
        return bytes(both.clip(-32_768, 32_767).astype("<i2").tobytes())


def ambience(name: str | None) -> Ambience | None:
    """That of an agent's `ambientSound`; None for `none`."""
    return Ambience(name) if name in LEVEL_DB else None


# Scenes


def _office(chance: Any) -> Any:
    """Air conditioning, and somebody types: bursts of keys with pauses."""
    sound = _noise(chance, 60, 500, slope=1.0) + 0.02 * _noise(chance, 500, 3_000, slope=0.5)
    for burst in range(6):
        at = burst * _SAMPLES // 6 + chance.integers(_SAMPLES // 12)
        for _ in range(chance.integers(5, 14)):
            _lay(sound, at, _click(chance) * chance.uniform(0.6, 1.4))
            at += int(chance.uniform(0.09, 0.26) * RATE)
    return sound


def _coffee_shop(chance: Any) -> Any:
    """Many voices that say nothing, each at its own pace, and cups."""
    import numpy

    time = numpy.arange(_SAMPLES) / _SAMPLES
    sound = 0.4 * _noise(chance, 80, 1_000, slope=1.0)
    for _ in range(7):
        low = chance.uniform(250, 600)
        # Whole periods only: a syllable that begins at the end goes on at the beginning.
        syllables = numpy.sin(2 * numpy.pi * (chance.integers(45, 75) * time + chance.uniform())) * 0.5 + 0.5
        phrases = numpy.sin(2 * numpy.pi * (chance.integers(3, 7) * time + chance.uniform())) * 0.5 + 0.5
        sound += 0.5 * _noise(chance, low, low * 4, slope=0.7) * syllables**2 * phrases
    for _ in range(10):
        _lay(sound, chance.integers(_SAMPLES), _ring(chance, chance.uniform(1_900, 3_200), 0.12))
    return sound


def _outdoor(chance: Any) -> Any:
    """Wind that comes and goes, a road far away, and birds."""
    import numpy

    time = numpy.arange(_SAMPLES) / _SAMPLES
    gusts = 1 + 0.5 * numpy.sin(2 * numpy.pi * (2 * time + 0.1)) + 0.4 * numpy.sin(2 * numpy.pi * 5 * time)
    sound = _noise(chance, 60, 400, slope=1.0) * gusts + 0.3 * _noise(chance, 100, 1_200, slope=0.8)
    for _ in range(9):
        at = chance.integers(_SAMPLES)
        for _ in range(chance.integers(2, 5)):
            _lay(sound, at, _chirp(chance))
            at += int(chance.uniform(0.1, 0.2) * RATE)
    return sound


_SCENES: dict[str, Callable[[Any], Any]] = {
    "office": _office,
    "coffee-shop": _coffee_shop,
    "outdoor": _outdoor,
}


def _noise(chance: Any, low: float, high: float, *, slope: float) -> Any:
    """Noise of level 1 between two frequencies, falling with frequency to the power of `slope`; it joins at its ends."""
    import numpy

    hertz = numpy.fft.rfftfreq(_SAMPLES, 1 / RATE)
    shape = numpy.where((hertz >= low) & (hertz <= high), numpy.maximum(hertz, 1.0) ** -slope, 0)
    phase = numpy.exp(2j * numpy.pi * chance.uniform(size=len(hertz)))
    sound = numpy.fft.irfft(shape * phase, _SAMPLES)
    return sound / numpy.sqrt((sound**2).mean())


def _click(chance: Any) -> Any:
    """A key: a click that dies away in some milliseconds."""
    import numpy

    at = numpy.arange(RATE // 40) / RATE
    return 1.5 * chance.normal(size=len(at)) * numpy.exp(-at / 0.004)


def _ring(chance: Any, hertz: float, lasts_s: float) -> Any:
    """A cup: a ring that dies away."""
    import numpy

    at = numpy.arange(int(RATE * lasts_s * 3)) / RATE
    wave = numpy.sin(2 * numpy.pi * hertz * at) + 0.4 * numpy.sin(2 * numpy.pi * hertz * 1.19 * at)
    return chance.uniform(0.5, 1.2) * wave * numpy.exp(-at / lasts_s) * (1 - numpy.exp(-at / 0.001))


def _chirp(chance: Any) -> Any:
    """A bird: a short glide."""
    import numpy

    at = numpy.arange(int(RATE * 0.09)) / RATE
    begins, ends = chance.uniform(2_300, 2_800), chance.uniform(2_800, 3_400)
    glide = begins * at + (ends - begins) * at**2 / (2 * at[-1])
    return 0.9 * numpy.sin(2 * numpy.pi * glide) * numpy.sin(numpy.pi * at / at[-1])


def _lay(sound: Any, at: int, piece: Any) -> None:
    """Add `piece` there, around the end if need be."""
    import numpy

    places = (at + numpy.arange(len(piece))) % len(sound)
    sound[places] += piece
