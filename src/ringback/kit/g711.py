"""G.711 (ITU-T G.711, 11/1988): 8 kHz speech as one byte a sample, mu-law in North America and Japan, A-law elsewhere.

PCM is signed 16 bits little endian. Tables do the work: with numpy where it is installed, else with `array` and
`bytes.translate`, which cost some 10 microseconds a frame of 20 ms.
"""

import importlib
import importlib.util
import sys
from array import array
from functools import cache
from typing import Any, Final

ULAW_SILENCE: Final = 0xFF
ALAW_SILENCE: Final = 0xD5
_BIAS = 0x84
_CLIP = 32_635


def encode_ulaw(pcm: bytes) -> bytes:
    """PCM as mu-law, one byte for each sample; a last odd byte is dropped."""
    return _encode(pcm, *_encoders("ulaw"))


def decode_ulaw(coded: bytes) -> bytes:
    """Mu-law as PCM, two bytes for each one."""
    return _decode(coded, *_decoders("ulaw"))


def encode_alaw(pcm: bytes) -> bytes:
    """PCM as A-law, one byte for each sample; a last odd byte is dropped."""
    return _encode(pcm, *_encoders("alaw"))


def decode_alaw(coded: bytes) -> bytes:
    """A-law as PCM, two bytes for each one."""
    return _decode(coded, *_decoders("alaw"))


def loudness(coded: bytes) -> int:
    """The mean magnitude of mu-law speech as a 16-bit sample, in steps of 128: 0 for silence and faint hum."""
    return sum(coded.translate(_magnitudes())) * 128 // len(coded) if coded else 0


def _encode(pcm: bytes, table: bytes, fast: Any) -> bytes:
    if len(pcm) % 2:
        pcm = pcm[:-1]
    if fast is not None:
        numpy, taken = fast
        coded: bytes = taken[numpy.frombuffer(pcm, "<u2")].tobytes()
        return coded
    samples = array("H", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return bytes(map(table.__getitem__, samples))


def _decode(coded: bytes, low: bytes, high: bytes) -> bytes:
    pcm = bytearray(2 * len(coded))
    pcm[0::2] = coded.translate(low)
    pcm[1::2] = coded.translate(high)
    return bytes(pcm)


@cache
def _encoders(law: str) -> tuple[bytes, Any]:
    encode = _ulaw_of if law == "ulaw" else _alaw_of
    table = bytes(encode(value - 65_536 if value > 32_767 else value) for value in range(65_536))
    if importlib.util.find_spec("numpy") is None:
        return table, None
    numpy = importlib.import_module("numpy")
    return table, (numpy, numpy.frombuffer(table, "u1"))


@cache
def _decoders(law: str) -> tuple[bytes, bytes]:
    decode = _of_ulaw if law == "ulaw" else _of_alaw
    values = [decode(code) & 0xFFFF for code in range(256)]
    return bytes(value & 0xFF for value in values), bytes(value >> 8 for value in values)


@cache
def _magnitudes() -> bytes:
    return bytes(min(255, abs(_of_ulaw(code)) >> 7) for code in range(256))


def _ulaw_of(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), _CLIP) + _BIAS
    segment = magnitude.bit_length() - 8
    return ~(sign | segment << 4 | magnitude >> (segment + 3) & 0x0F) & 0xFF


def _of_ulaw(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + _BIAS << (code >> 4 & 7)) - _BIAS
    return -magnitude if code & 0x80 else magnitude


def _alaw_of(sample: int) -> int:
    # Thirteen bits are coded, and the negative half is shifted by one so that both have a smallest step.
    sign, magnitude = (0x80, sample >> 3) if sample >= 0 else (0, ~sample >> 3)
    segment = max(0, magnitude.bit_length() - 5)
    step = magnitude >> (max(1, segment)) & 0x0F
    return (sign | segment << 4 | step) ^ 0x55


def _of_alaw(code: int) -> int:
    code ^= 0x55
    segment = code >> 4 & 7
    magnitude = ((code & 0x0F) << 4) + 8
    if segment:
        magnitude = magnitude + 0x100 << segment - 1
    return magnitude if code & 0x80 else -magnitude
