"""Recordings: stereo WAV, signed 16-bit at 8 kHz, the other end left and the agent right, written as the call goes.

The header is right at every second (RIFF/WAVE, `fmt ` and `data`): a process that dies takes no more than that with it.
"""

import array
import os
import struct
from pathlib import Path
from typing import BinaryIO

from ringback.voice.legs.base import FRAME_MS, RATE, Frame

_HEADER = 44
_EVERY = 1000 // FRAME_MS
_LONGEST_GAP_MS = 60_000
_BLOCK = 4
"""Bytes of one sample of both sides."""


class Recording:
    """The file at `path`, made readable by the operator alone. One that is there already goes on.

    `begun_ms` is how long the call has been up: what is missing of it is silence."""

    def __init__(self, path: Path, *, begun_ms: int = 0) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._file: BinaryIO = os.fdopen(file, "r+b", buffering=0)
        self._samples = max(0, os.fstat(file).st_size - _HEADER) // _BLOCK
        self._file.truncate(_HEADER + self._samples * _BLOCK)
        missing_ms = min(max(0, begun_ms - self._samples * 1000 // RATE), _LONGEST_GAP_MS)
        self._pending = bytearray(missing_ms * RATE // 1000 * _BLOCK)
        self._frames = 0
        self._path = path
        try:
            self._settle()
        except OSError:
            self._drop_empty()
            raise

    @property
    def ms(self) -> int:
        """How long the recording is."""
        return (self._samples + len(self._pending) // _BLOCK) * 1000 // RATE

    def write(self, frame: Frame) -> None:
        """Twenty milliseconds of both sides. Raises `OSError`, such as for a full disk; the call goes on without."""
        both = array.array("h", bytes(2 * len(frame.heard)))
        left, right = array.array("h", frame.heard), array.array("h", frame.spoken)
        both[0::2], both[1::2] = left, right
        self._pending += both.tobytes()
        self._frames += 1
        if self._frames % _EVERY == 0:
            self._settle()

    def close(self) -> int:
        """Finish the file; answers its milliseconds. One that holds nothing is removed."""
        if not self._file.closed:
            try:
                self._settle()
            finally:
                self._file.close()
                self._drop_empty()
        return self.ms

    def _drop_empty(self) -> None:
        if not self.ms:
            self._file.close()
            self._path.unlink(missing_ok=True)

    def _settle(self) -> None:
        """Put down what is pending, then what the header says of it: never the other way round."""
        self._file.seek(_HEADER + self._samples * _BLOCK)
        try:
            while self._pending:
                # A disk that fills up takes a part, and refuses the next.
                del self._pending[: self._file.write(self._pending)]
        except OSError:
            self._pending.clear()
            raise
        finally:
            self._samples = max(0, self._file.tell() - _HEADER) // _BLOCK
            self._head()

    def _head(self) -> None:
        data = self._samples * _BLOCK
        self._file.seek(0)
        self._file.write(
            struct.pack(
                "<4sI4s4sIHHIIHH4sI",
                b"RIFF",
                _HEADER - 8 + data,
                b"WAVE",
                b"fmt ",
                16,
                1,
                2,
                RATE,
                RATE * _BLOCK,
                _BLOCK,
                16,
                b"data",
                data,
            )
        )


def salvaged_ms(path: Path) -> int:
    """How much a recording that nobody finished holds; 0 where there is none. One that holds nothing is removed."""
    try:
        ms = max(0, path.stat().st_size - _HEADER) // _BLOCK * 1000 // RATE
        if not ms:
            path.unlink()
    except OSError:
        return 0
    return ms
