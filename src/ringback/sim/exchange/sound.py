"""Sounds that are nobody's speech: a beep, a ringing tone, the noise of a street."""

import math
from array import array
from functools import cache
from typing import Final

from ringback.kit.chance import chance
from ringback.kit.g711 import ULAW_SILENCE, encode_ulaw
from ringback.kit.rtp import FRAME, RATE

SILENCE: Final = bytes([ULAW_SILENCE]) * FRAME
_NOISE_S = 4
_NOISE_AMPLITUDE = 500.0


@cache
def beep(hertz: int = 1_000, ms: int = 400) -> bytes:
    """A tone as PCM, such as a voicemail's."""
    count = RATE * ms // 1000
    return array(
        "h", (round(9_000 * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(count))
    ).tobytes()


@cache
def ringing() -> tuple[bytes, ...]:
    """What a caller hears in North America while it rings, in frames of mu-law: 440 and 480 Hz for two seconds of six."""
    times = (2 * math.pi * n / RATE for n in range(2 * RATE))
    tone = array("h", (round(3_000 * (math.sin(440 * at) + math.sin(480 * at))) for at in times))
    return frames(tone.tobytes()) + (SILENCE,) * 200


@cache
def noise() -> "array[int]":
    """Four seconds of a street that join at their ends: low-passed chance, some 20 dB below speech."""
    count = RATE * _NOISE_S
    drawn = [2 * chance(1, "street", n) - 1 for n in range(count)]
    samples, value = array("h"), sum(drawn[-50:]) / 8
    for sample in drawn:
        value += (sample - value) / 4
        samples.append(round(_NOISE_AMPLITUDE * value * 2))
    return samples


def with_noise(pcm: bytes) -> bytes:
    """Speech with the street behind it."""
    street, speech = noise(), array("h", pcm)
    mixed = (value + street[n % len(street)] for n, value in enumerate(speech))
    return array("h", (max(-32_768, min(32_767, value)) for value in mixed)).tobytes()


@cache
def noise_frames() -> tuple[bytes, ...]:
    """The noise alone, in frames of mu-law."""
    return frames(noise().tobytes())


def frames(pcm: bytes) -> tuple[bytes, ...]:
    """PCM as frames of 20 ms of mu-law, the last filled up with silence."""
    coded = encode_ulaw(pcm)
    return tuple(coded[at : at + FRAME].ljust(FRAME, SILENCE[:1]) for at in range(0, len(coded), FRAME))
