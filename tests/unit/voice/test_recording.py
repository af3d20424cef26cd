"""Recordings: whole at every second, with both sides in their time."""

import stat
import wave
from array import array
from pathlib import Path

import pytest

from ringback.voice.legs.base import FRAME, Frame
from ringback.voice.recording import Recording, salvaged_ms

pytestmark = pytest.mark.unit

HEARD = array("h", [100] * (FRAME // 2)).tobytes()
SPOKEN = array("h", [-200] * (FRAME // 2)).tobytes()


def read(path: Path) -> "tuple[array[int], array[int]]":
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8_000)
        both = array("h", file.readframes(file.getnframes()))
    return both[0::2], both[1::2]


def test_the_caller_is_left_and_the_agent_right(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "call.wav"
    recording = Recording(path)
    for _ in range(75):
        recording.write(Frame(HEARD, SPOKEN))
    assert recording.close() == 1_500
    left, right = read(path)
    assert (set(left), set(right)) == ({100}, {-200})
    assert len(left) == len(right) == 12_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_process_that_dies_takes_a_second_at_most(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    recording = Recording(path)
    for _ in range(99):
        recording.write(Frame(HEARD, SPOKEN))
    left, _ = read(path)
    assert len(left) == 8_000
    assert salvaged_ms(path) == 1_000
    recording.close()


def test_one_that_goes_on_has_the_silence_between(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    recording = Recording(path)
    for _ in range(50):
        recording.write(Frame(HEARD, SPOKEN))
    recording.close()
    with path.open("ab") as file:
        file.write(b"half")  # what a death may leave beyond the header's word
        file.write(b"x")
    again = Recording(path, begun_ms=3_000)
    again.write(Frame(HEARD, SPOKEN))
    assert again.close() == 3_020
    left, _ = read(path)
    assert (left[0], left[12_000], left[-1]) == (100, 0, 100)


def test_one_whose_process_died_in_its_first_second(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    died = Recording(path)
    assert path.stat().st_size == 44
    died._file.close()
    assert Recording(path, begun_ms=900).close() == 900


def test_what_holds_nothing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "call.wav"
    assert Recording(path).close() == 0
    assert not path.exists()
    path.write_bytes(bytes(44))  # its process died
    assert salvaged_ms(path) == 0
    assert not path.exists()

    def full(_: Recording) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Recording, "_head", full)
    with pytest.raises(OSError, match="No space"):
        Recording(path)
    assert not path.exists(), "not even a header had room"


def test_nothing_there(tmp_path: Path) -> None:
    assert salvaged_ms(tmp_path / "none.wav") == 0


def test_a_full_disk_leaves_what_fits_and_a_header_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "call.wav"
    recording = Recording(path)
    whole = recording._file

    class Full:
        """The file of a disk with room for a thousand bytes more."""

        room = 1_001

        def write(self, data: bytes) -> int:
            if self.room <= 0 and whole.tell() >= 44:
                raise OSError(28, "No space left on device")
            if whole.tell() < 44:
                return whole.write(data)
            taken = whole.write(bytes(data)[: self.room])
            self.room -= taken
            return taken

        def __getattr__(self, name: str) -> object:
            return getattr(whole, name)

    monkeypatch.setattr(recording, "_file", Full())
    for _ in range(49):
        recording.write(Frame(HEARD, SPOKEN))
    with pytest.raises(OSError, match="No space"):
        recording.write(Frame(HEARD, SPOKEN))
    assert recording.close() == 1_000 // 4 * 1_000 // 8_000
    left, _ = read(path)
    assert len(left) == 250
