"""The recording of a handset: stereo, left what it said, right what it heard, as its ear had it."""

import struct
from pathlib import Path
from typing import BinaryIO

from ringback.kit.g711 import decode_ulaw
from ringback.kit.rtp import RATE

_HEAD = struct.Struct("<4sI4s4sIHHIIHH4sI")
_BYTES = 4  # of one sample of both channels


class Recording:
    """A WAV file (PCM of 16 bits, 8 kHz) that is whole after every second of the call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._left, self._right = bytearray(), bytearray()
        self._size = 0

    def add(self, said: bytes, heard: bytes) -> None:
        """Add as many samples of mu-law to the one channel as to the other."""
        self._left += said
        self._right += heard
        if len(self._left) >= RATE:
            self._flush()

    def close(self) -> None:
        """Write what is left; a recording without a sample leaves no file."""
        if self._left:
            self._flush()
        if self._file is not None:
            self._file.close()

    def _flush(self) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = self._path.open("wb", buffering=0)
        left, right = decode_ulaw(bytes(self._left)), decode_ulaw(bytes(self._right))
        both = bytearray(2 * len(left))
        for place, channel in enumerate((left[0::2], left[1::2], right[0::2], right[1::2])):
            both[place::_BYTES] = channel
        self._left.clear()
        self._right.clear()
        self._file.seek(_HEAD.size + self._size)
        self._file.write(both)
        self._size += len(both)
        self._file.seek(0)
        self._file.write(_head(self._size))


def _head(size: int) -> bytes:
    return _HEAD.pack(
        b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 2, RATE, RATE * _BYTES, _BYTES, 16, b"data", size
    )
