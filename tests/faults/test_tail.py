"""`ringback tail` beside a server that is killed and started again: every event once, and Ctrl-C ends it cleanly."""

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path

import aiohttp
import pytest

from tests.faults.processes import RINGBACK, Process, environment

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]
ROUNDS, EACH = 3, 5


async def lines(file: Path, count: int) -> None:
    """Wait until that many are there."""
    async with asyncio.timeout(30):
        while file.read_bytes().count(b"\n") < count:
            await asyncio.sleep(0.1)


async def test_it_misses_nothing_over_kills_and_ends_cleanly(tmp_path: Path) -> None:
    server = Process(tmp_path, "serve", "--port", "0")
    await server.start()
    told = tmp_path / "told"
    with told.open("wb") as out, (tmp_path / "err").open("wb") as err:
        follower = subprocess.Popen(
            [*RINGBACK, "tail", "--after", "0", "--json"],
            cwd=tmp_path,
            env=environment(),
            stdout=out,
            stderr=err,
        )
    key = (tmp_path / "ringback-data" / "first-key").read_text().strip()
    try:
        await lines(told, 1)
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as client:
            for n in range(ROUNDS):
                if n:
                    server.kill()
                    await asyncio.sleep(1.5)
                    await server.start()
                for k in range(EACH):
                    async with client.post(f"{server.url}/v1/agents", json={"name": f"{n} {k}"}) as answer:
                        assert answer.status == 200
            total = 1 + ROUNDS * EACH  # the first is that of the key
            async with asyncio.timeout(30):
                while told.read_bytes().count(b"\n") < total:
                    await asyncio.sleep(0.1)
        follower.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(follower.wait, 10) == 0
    finally:
        if follower.poll() is None:
            os.kill(follower.pid, signal.SIGKILL)
        server.kill()
    seen = [json.loads(line) for line in told.read_text().splitlines()]
    assert [event["seq"] for event in seen] == list(range(1, total + 1))
    said = (tmp_path / "err").read_text()
    assert "Traceback" not in said
    assert 1 <= said.count("waiting for it") == said.count("the server answers again") < ROUNDS
