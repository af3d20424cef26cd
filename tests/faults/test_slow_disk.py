"""A disk that takes 300 ms for each commit, under 64 connections: slow, and nothing else."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import oracle
from tests.faults.endpoint import endpoint
from tests.faults.load import read_on, settle_in, text_in
from tests.faults.processes import until_true
from tests.faults.world import World, world_of

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

COMMIT_MS = 300
CLIENTS, EACH = 64, 5
PACED, CAMPAIGN, A_SECOND = 12, "high_low_trust", 3.75
"""Texts by a number whose campaign may send so many a second."""


async def send(world: World, n: int, k: int) -> None:
    """One text; an answer other than 200 is kept as refused."""
    number, handset = world.numbers[n % len(world.numbers)], world.handsets[(n + k) % len(world.handsets)]
    body = f"out {n} {k}"
    request = {"number_id": number["id"], "to_number": handset["phoneNumber"], "body": body}
    headers = {"Authorization": f"Bearer {world.key}"}
    async with world.http.post(f"{world.server.url}/v1/messages", json=request, headers=headers) as answer:
        told = await answer.json()
        world.asked[body] = (number["id"], handset["phoneNumber"])
        if answer.status == 200:
            world.acknowledged[body] = told
        else:
            world.refused.append(f"{answer.status} {told}")


async def look_at_health(world: World, slowest: list[float]) -> None:
    """Ask again and again how it is, and what was sent, which needs no commit."""
    while True:
        begun = time.monotonic()
        async with world.http.get(f"{world.server.url}/healthz") as answer:
            assert answer.status == 200
        await world.ask("GET", "/v1/conversations", params={"limit": 1})
        slowest.append(time.monotonic() - begun)
        await asyncio.sleep(0.05)


async def test_it_is_slow_and_nothing_else(tmp_path: Path, seed: int, tell: Callable[[str], None]) -> None:
    async with world_of(tmp_path, seed) as world, endpoint() as hook:
        await settle_in(world, hook.url, numbers=8, handsets=16)
        assert world.server.stop() == 0
        world.server.become((sys.executable, "-m", "tests.faults.slow_disk", str(COMMIT_MS)))
        await world.server.start()
        before = commits(tmp_path)
        looks: list[float] = []
        beside = [asyncio.create_task(each) for each in (look_at_health(world, looks), read_on(world))]

        async def client(n: int) -> None:
            for k in range(EACH):
                await send(world, n, k)

        begun = time.monotonic()
        await asyncio.gather(*[client(n) for n in range(CLIENTS)], text_in(world, 40, every_s=0.1))
        accepted_s = time.monotonic() - begun
        accepting = commits(tmp_path) - before

        async def rests() -> bool:
            here = world.rows("SELECT count(*) FROM outbox")
            return here == world.far("SELECT count(*) FROM carrier_events") == [(0,)]

        assert await until_true(rests, 60)
        # The reader hears of the last ones by itself.
        await asyncio.sleep(1)
        problems = await oracle.judge_by_api(world, hook)
        for task in beside:
            task.cancel()
        ended = await asyncio.gather(*beside, return_exceptions=True)
        failures = [error for error in ended if isinstance(error, Exception)]
        assert world.server.stop() == 0
        problems += oracle.judge_store(world)
    texts = CLIENTS * EACH
    assert (problems, failures) == ([], [])
    assert len(world.acknowledged) == texts
    assert "Traceback" not in world.server.log.read_text()
    assert sorted(looks)[len(looks) // 2] < COMMIT_MS / 1000, "what commits nothing waits for no disk"
    assert max(looks) < 3
    tell(
        f"{texts} texts accepted in {accepted_s:.1f} s and {accepting} commits; a look took {max(looks):.2f} s at most"
    )
    assert texts / accepting > 8
    assert accepted_s < texts * COMMIT_MS / 1000 / 8


async def test_its_pace_is_kept(tmp_path: Path, seed: int) -> None:
    """Neither faster than the campaign may send, nor much slower because each text waits for a few commits."""
    async with world_of(tmp_path, seed) as world:
        number = await world.ask("POST", "/v1/numbers", json={})
        world.numbers.append(number)
        phones = [await world.network("POST", "/handsets", json={}) for _ in range(PACED)]
        await world.network("PATCH", "/network", json={"campaign": CAMPAIGN})
        assert world.server.stop() == 0
        world.server.become((sys.executable, "-m", "tests.faults.slow_disk", str(COMMIT_MS)))
        await world.server.start()
        texts = [
            {"number_id": number["id"], "to_number": phone["phoneNumber"], "body": "paced"}
            for phone in phones
        ]
        await asyncio.gather(*[world.ask("POST", "/v1/messages", json=text) for text in texts])

        async def arrived() -> bool:
            return {message["status"] for message in await oracle.messages_by_api(world)} == {"delivered"}

        assert await until_true(arrived, 60)
        assert world.server.stop() == 0
        sent = [at for (at,) in world.far("SELECT at_ms FROM texts WHERE direction = 'in' ORDER BY at_ms")]
    assert len(sent) == PACED
    took_s, least_s = (sent[-1] - sent[0]) / 1000, (PACED - 1) / A_SECOND
    assert least_s - 0.5 < took_s < 2 * least_s + 2, sent


def commits(folder: Path) -> int:
    """How often it has committed."""
    return int((folder / "commits").read_text() or 0)
