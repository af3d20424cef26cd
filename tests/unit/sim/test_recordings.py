"""How many recordings of handsets are kept."""

import os
from pathlib import Path

import pytest

from ringback.sim.voice import _keep_newest

pytestmark = pytest.mark.unit


def test_the_oldest_go_first(tmp_path: Path) -> None:
    for number in range(5):
        path = tmp_path / f"hsc_{number}.wav"
        path.write_bytes(bytes(100))
        os.utime(path, (number, number))
    _keep_newest(tmp_path, 300)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hsc_2.wav", "hsc_3.wav", "hsc_4.wav"]
    _keep_newest(tmp_path, 300)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    _keep_newest(tmp_path / "none")
