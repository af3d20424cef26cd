"""How a command finds the server on a data folder: `server.json`, and a lock that says the folder is in use."""

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ringback.operator_error import OperatorError

FILE = "server.json"
STORE = "ringback.db"
"""The store's file, where it is SQLite."""
_LOCK = "server.lock"


class Running(NamedTuple):
    """A running server: its address on this machine, the token it takes from commands, and its process."""

    url: str
    token: str
    pid: int


def make_data_folder(data: Path) -> None:
    """Make the data folder, for the operator's eyes only, unless it is there and can be written to.

    What this process writes from now on is the operator's alone too, also in a folder that others can read.
    """
    os.umask(0o077)
    try:
        if not data.is_dir():
            data.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise OperatorError(
            f"data folder {data} can't be made ({error.strerror}): choose another with --data or RINGBACK_DATA"
        ) from None
    if not os.access(data, os.W_OK | os.X_OK):
        raise OperatorError(
            f"data folder {data} can't be written to: change its owner or choose another with --data or RINGBACK_DATA"
        )


def write(data: Path, running: Running) -> None:
    """Tell commands where the server is; only the operator may read it."""
    path = data / FILE
    fresh = path.with_name(f".{FILE}.{running.pid}")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(running._asdict(), file)
    fresh.replace(path)


def read(data: Path) -> Running | None:
    """What `server.json` says, true or not; None without it."""
    path = data / FILE
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        return Running(str(content["url"]), str(content["token"]), int(content["pid"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise OperatorError(f"{path} can't be read: run this as the user who runs the server") from None
    except (ValueError, KeyError, TypeError):
        return None


def remove(data: Path) -> None:
    """Take back this process's own `server.json`; another process's stays."""
    found = read(data)
    if found is not None and found.pid == os.getpid():
        (data / FILE).unlink(missing_ok=True)


def find(data: Path) -> Running | None:
    """The server that runs on the folder; None when its process is gone or nothing listens there."""
    found = read(data)
    if found is None or not _alive(found.pid):
        return None
    parts = urlsplit(found.url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=2).close()
    except OSError:
        return None
    return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def hold(data: Path) -> Iterator[None]:
    """Own the data folder while inside: SQLite's file belongs to one process. `OperatorError` if it is taken."""
    import fcntl

    with open(os.open(data / _LOCK, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperatorError(_taken(data)) from None
        yield


def _taken(data: Path) -> str:
    found = find(data)
    if found is None:
        return f"data folder {data} is in use by a server or command that is starting or stopping: try again"
    return (
        f"data folder {data} is in use by the server at {found.url} (process {found.pid}):"
        " stop it, or choose another folder with --data or RINGBACK_DATA"
    )
