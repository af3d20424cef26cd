"""Connections that go from one process to another."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from ringback.kit.hand_over import Taker, give

pytestmark = pytest.mark.unit


async def test_a_connection_goes_on_at_whoever_takes_it(tmp_path: Path) -> None:
    taken: asyncio.Queue[tuple[dict[str, Any], socket.socket]] = asyncio.Queue()
    taker = Taker(tmp_path / "s", lambda told, connection: taken.put_nowait((told, connection)))
    taker.open()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        await asyncio.to_thread(give, tmp_path / "s", {"call": "call_1"}, theirs)
        theirs.close()
        told, connection = await taken.get()
        with connection:
            assert told == {"call": "call_1"}
            ours.sendall(b"hello")
            assert connection.recv(5) == b"hello"
        assert ours.recv(1) == b"", "nobody else holds it"
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
    taker.close()
    assert not (tmp_path / "s").exists()


async def test_nobody_takes_it(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(OSError, match="No such file"):
            await asyncio.to_thread(give, tmp_path / "s", {}, theirs)
        assert theirs.fileno() >= 0, "it is ours still"


async def test_who_gives_nothing_is_left_out(tmp_path: Path) -> None:
    taken: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def take(told: dict[str, Any], connection: socket.socket) -> None:
        taken.put_nowait(told)
        connection.close()

    taker = Taker(tmp_path / "s", take)
    taker.open()
    ours, theirs = socket.socketpair()

    def knock() -> None:
        for words in (b"{}", b"nonsense"):
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(tmp_path / "s"))
                line.sendall(words)
                line.recv(1)
        give(tmp_path / "s", {"n": 1}, theirs)

    with ours, theirs:
        await asyncio.to_thread(knock)
        assert await taken.get() == {"n": 1}
    taker.close()
