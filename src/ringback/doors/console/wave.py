"""The two lanes of a recording, as heights that a page draws."""

import io
import wave
from array import array
from collections import OrderedDict

BINS = 300
_LOOKED_AT = 120
"""Samples that are looked at in a bin: a long call costs no more than a short one."""
BadSound = wave.Error
"""What is no recording."""
_MOST_KEPT = 100
_kept: OrderedDict[str, tuple[list[float], list[float], float]] = OrderedDict()


def lanes(call_id: str, wav: bytes) -> tuple[list[float], list[float], float]:
    """Heights from 0 to 1 of the person's lane and the agent's, and the length in s; one lane is shown as two alike."""
    found = _kept.get(call_id)
    if found is None:
        found = _kept[call_id] = _measure(wav)
        if len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return found


def _measure(wav: bytes) -> tuple[list[float], list[float], float]:
    with wave.open(io.BytesIO(wav)) as sound:
        channels, rate, frames = sound.getnchannels(), sound.getframerate(), sound.getnframes()
        if sound.getsampwidth() != 2:
            raise ValueError("samples of 16 bits are drawn")
        samples = array("h", sound.readframes(frames))
    person = _heights(samples[0::channels])
    agent = _heights(samples[1::channels]) if channels > 1 else person
    return person, agent, frames / rate if rate else 0.0


def _heights(samples: "array[int]") -> list[float]:
    if not samples:
        return [0.0] * BINS
    loudest = max(1, max(map(abs, samples[:: max(1, len(samples) // 50_000)])))
    size = len(samples) / BINS
    found = []
    for at in range(BINS):
        piece = samples[int(at * size) : max(int(at * size) + 1, int((at + 1) * size))]
        step = max(1, len(piece) // _LOOKED_AT)
        found.append(round(min(1.0, max(map(abs, piece[::step]), default=0) / loudest), 3))
    return found
