"""Handing an open connection to another process of this machine, over a Unix socket (SCM_RIGHTS, unix(7))."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

_WAIT_S = 2.0
_MAX_LINE = 4_096
_TAKEN = b"\n"

Take = Callable[[dict[str, Any], socket.socket], None]


def give(path: Path, told: dict[str, Any], connection: socket.socket) -> None:
    """Give `connection` to the process that listens at `path`, with a word on what it is; ours is left to be closed.

    Blocks for two seconds at most. Raises `OSError` where nobody takes it.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_WAIT_S)
        line.connect(str(path))
        words = json.dumps(told, separators=(",", ":")).encode()
        socket.send_fds(line, [words], [connection.fileno()])
        if line.recv(1) != _TAKEN:
            raise ConnectionError("the connection was not taken")


class Taker:
    """Listens at `path` from `open` on; `take(told, connection)` gets each connection, whose owner it then is."""

    def __init__(self, path: Path, take: Take) -> None:
        self._path, self._take = path, take
        self._listener: socket.socket | None = None
        self._serving: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._path.unlink(missing_ok=True)
        self._listener = listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._path))
        self._path.chmod(0o600)
        listener.listen(64)
        listener.setblocking(False)
        self._serving = asyncio.create_task(self._serve(listener))

    def close(self) -> None:
        if self._serving is not None:
            self._serving.cancel()
        if self._listener is not None:
            self._listener.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            line, _ = await loop.sock_accept(listener)
            with contextlib.suppress(OSError, ValueError):
                told, connection = await asyncio.to_thread(_receive, line)
                self._take(told, connection)


def _receive(line: socket.socket) -> tuple[dict[str, Any], socket.socket]:
    """What was given. Raises `OSError` and `ValueError`."""
    with line:
        line.settimeout(_WAIT_S)
        words, given, _, _ = socket.recv_fds(line, _MAX_LINE, 1)
        if not given:
            raise ValueError("nothing was given")
        try:
            told = json.loads(words)
            line.sendall(_TAKEN)
            return told, socket.socket(fileno=given[0])
        except BaseException:
            os.close(given[0])
            raise
