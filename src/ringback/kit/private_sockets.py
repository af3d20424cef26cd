"""Unix sockets that the processes of one data folder speak over: in its folder `voice`, which is the operator's alone.

A socket's path may hold about a hundred bytes (`sun_path`, unix(7): 108 on Linux, 104 on macOS). Where the data folder lies
deeper, a private folder in the system's temporary one takes its place, and `voice/where` says which.
"""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

MAX_PATH_BYTES = 100
_LONGEST_NAME = 24
"""Bytes of a socket's name at most: whether the folder will do hangs on no single one, so that all are together."""
FOLDER = "voice"
_WHERE = "where"


def private_folder(data: Path) -> Path:
    """`<data>/voice`, made if it isn't there; only the operator may enter. `OSError` where it can't be made."""
    folder = data / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        folder.chmod(0o700)
    return folder


def socket_path(data: Path, name: str) -> Path:
    """Where the socket `name` (such as `speech.sock`) of a data folder is: the same for every process that asks."""
    folder = private_folder(data)
    path = folder / name
    return path if _fits(folder) else _elsewhere(folder) / name


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder)) + 1 + _LONGEST_NAME <= MAX_PATH_BYTES


def _elsewhere(folder: Path) -> Path:
    """The folder that `where` names, or a new one. Of two processes that make one, the first to write `where` is right."""
    where = folder / _WHERE
    while True:
        known = _read(where)
        if known is not None:
            return known
        made = Path(tempfile.mkdtemp(prefix="ringback-"))
        fresh = folder / f".{_WHERE}.{os.getpid()}"
        fresh.write_text(str(made), encoding="utf-8")
        try:
            os.link(fresh, where)
        except FileExistsError:
            made.rmdir()
        finally:
            fresh.unlink()


def _read(where: Path) -> Path | None:
    """What `where` says, as long as that is a private folder of ours; else it is forgotten (a restart empties /tmp)."""
    try:
        known = Path(where.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    with contextlib.suppress(OSError):
        found = known.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
            return known
    where.unlink(missing_ok=True)
    return None
