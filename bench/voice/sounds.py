"""Sound in numpy: recordings and what is loud in them, noise, and what a handset can be made to play."""

import io
import wave
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.voice.stamped import PLAY

RATE = 8_000
_WINDOW = 80
"""Samples of 10 ms, the grain of every time here."""
_LOUD = 100.0
"""Root mean square of a window that is not silence: 50 dB below full scale, some 30 below speech."""
SPEECH_DB = -22.0
"""Of full scale, of a caller's speech where it is loud; Piper's handsets speak 3 dB louder."""


class Span(NamedTuple):
    """A loud stretch, in ms from the beginning."""

    start: int
    end: int


def sides(data: bytes) -> tuple[Any, Any]:
    """Left and right of a stereo WAV file at 8 kHz, as floats of 16-bit samples."""
    with wave.open(io.BytesIO(data)) as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (2, 2, RATE):
            raise ValueError("no stereo WAV of 16 bits at 8 kHz")
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
    return both[0::2], both[1::2]


def loud(samples: Any, *, join_ms: int, threshold: float = _LOUD) -> list[Span]:
    """The loud stretches; those with less than `join_ms` of silence between them are one."""
    count = len(samples) // _WINDOW
    level = np.sqrt((samples[: count * _WINDOW].reshape(count, _WINDOW) ** 2).mean(axis=1))
    found: list[Span] = []
    for place in np.flatnonzero(level > threshold):
        start, end = int(place) * 10, int(place) * 10 + 10
        if found and start - found[-1].end < join_ms:
            found[-1] = Span(found[-1].start, end)
        else:
            found.append(Span(start, end))
    return found


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of them is."""
    return float(np.percentile(values, share * 100)) if values else float("nan")


def level_db(samples: Any) -> float:
    """Of full scale, of what is loud in it."""
    peak = np.abs(samples).max()
    part = samples[np.abs(samples) > peak / 30]
    return float(20 * np.log10(np.sqrt((part**2).mean()) / 32_768))


def at_level(samples: Any, level: float) -> Any:
    """The same at so many dB of full scale."""
    return samples * 10 ** ((level - level_db(samples)) / 20)


def white(seconds: float, level: float, seed: int = 1) -> Any:
    """White noise whose power is that of a speaker at `level` dB."""
    return np.random.default_rng(seed).normal(scale=32_768 * 10 ** (level / 20), size=round(seconds * RATE))


def pink(seconds: float, level: float, seed: int = 1) -> Any:
    """Noise with as much power in every octave."""
    size = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=size))
    hertz = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 20.0)
    found = np.fft.irfft(spectrum / np.sqrt(hertz), size)
    return found * (32_768 * 10 ** (level / 20) / np.sqrt((found**2).mean()))


def clicks(seconds: float, level: float, seed: int = 1) -> Any:
    """Twice a second, at no beat, 4 ms of noise that die away, as loud as speech less 20 dB is on the mean of 20 ms."""
    random = np.random.default_rng(seed)
    found = np.zeros(round(seconds * RATE))
    shape = np.exp(-np.arange(32) / 8) * random.normal(size=32)
    shape *= 32_768 * 10 ** (level / 20) / np.sqrt((shape**2).sum() / 160)
    for place in np.cumsum(random.uniform(0.2, 0.8, size=int(seconds * 2.5)) * RATE).astype(int):
        if place + 32 < len(found):
            found[place : place + 32] += shape
    return found


def mixed(*parts: Any) -> Any:
    """All at the same time, from the beginning."""
    whole = np.zeros(max(len(part) for part in parts))
    for part in parts:
        whole[: len(part)] += part
    return whole


def keep(folder: Path, name: str, samples: Any) -> str:
    """Put the sound down, and answer what a handset has to say so that it plays it."""
    path = folder / f"{name}.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.clip(samples, -32_768, 32_767).astype("<i2").tobytes())
    return f"{PLAY}{path}"
