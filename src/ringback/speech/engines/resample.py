"""Audio at another rate."""

from ringback.speech.engines.base import Pcm


def at_rate(pcm: Pcm, rate: int) -> Pcm:
    """The same sound at `rate` samples a second."""
    if pcm.rate == rate or not pcm.data:
        return Pcm(pcm.data, rate)
    import numpy as np
    import soxr

    samples = np.frombuffer(pcm.data, dtype="<i2")
    return Pcm(soxr.resample(samples, pcm.rate, rate, quality="HQ").astype("<i2").tobytes(), rate)
