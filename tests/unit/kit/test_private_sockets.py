"""Where the processes of a data folder meet."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringback.kit.private_sockets import MAX_PATH_BYTES, private_folder, socket_path

pytestmark = pytest.mark.unit


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def shallow() -> Iterator[Path]:
    """A data folder with room for sockets, which pytest's own folders may lack."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_a_socket_lies_in_the_data_folder(shallow: Path) -> None:
    path = socket_path(shallow, "a.sock")
    assert path == shallow / "voice" / "a.sock"
    assert mode(path.parent) == 0o700


def test_a_folder_that_others_may_enter_is_closed(tmp_path: Path) -> None:
    (tmp_path / "voice").mkdir(mode=0o755)
    assert mode(private_folder(tmp_path)) == 0o700


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder too deep for a socket, with a temporary folder of the test's own."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    return tmp_path / ("d" * MAX_PATH_BYTES)


def test_too_deep_a_folder_has_its_sockets_elsewhere(deep: Path) -> None:
    path = socket_path(deep, "a.sock")
    assert path.parent.parent == deep.parent / "tmp"
    assert mode(path.parent) == 0o700
    assert socket_path(deep, "a.sock") == path
    assert socket_path(deep, "b.sock") == path.with_name("b.sock")


def test_a_place_that_is_gone_or_open_to_others_is_left(deep: Path) -> None:
    first = socket_path(deep, "a.sock")
    first.parent.rmdir()
    second = socket_path(deep, "a.sock")
    assert second.parent.is_dir()
    second.parent.chmod(0o755)
    third = socket_path(deep, "a.sock")
    assert third.parent != second.parent
    assert mode(third.parent) == 0o700


def test_the_first_to_say_where_is_right(deep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link
    other = deep.parent / "tmp" / "other"

    def late(source: Path, target: Path) -> None:
        if not other.exists():
            other.mkdir(mode=0o700)
            target.write_text(str(other))
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    assert socket_path(deep, "a.sock") == other / "a.sock"
    assert sorted((deep.parent / "tmp").iterdir()) == [other]


@pytest.mark.parametrize("length", range(60, 110, 3))
def test_all_sockets_are_in_one_folder(tmp_path: Path, length: int) -> None:
    """Whoever looks for the children that were left must look where they listen."""
    data = tmp_path / ("d" * max(1, length - len(str(tmp_path))))
    names = ("s", "media-", "speech.sock", "media-51899b46.sock", "media-51899b46.pages")
    assert len({socket_path(data, name).parent for name in names}) == 1
