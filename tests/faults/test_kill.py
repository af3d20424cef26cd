"""kill -9 at random moments under load: what was acknowledged exists, once, here and at the network.

`RINGBACK_TEST_SEED` repeats a run; without it each run is another.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ringback.kit import sqlite
from tests.faults import oracle
from tests.faults.endpoint import Endpoint, endpoint
from tests.faults.load import kill_at_random, send_all, settle_in, text_in
from tests.faults.processes import RINGBACK, until_true
from tests.faults.world import World, world_of

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]


QUIET_S = 45


async def quiet(world: World, folder: Path) -> bool:
    """Whether all that was acknowledged came to its end, here and at the network."""
    looks = 0

    async def rests() -> bool:
        nonlocal looks
        here = oracle.rows(folder / "data" / "ringback.db", "SELECT count(*) FROM outbox")
        there = oracle.rows(folder / "sim-data" / "network.db", "SELECT count(*) FROM carrier_events")
        looks = looks + 1 if here == there == [(0,)] else 0
        return looks > 1

    return await until_true(rests, QUIET_S)


async def run_load(
    world: World, hook: Endpoint, folder: Path, *, sends: int, kills: int, command: Sequence[str] = RINGBACK
) -> list[str]:
    """The load with its kills, then everything that is wrong. `command` serves while the load lasts."""
    await settle_in(world, hook.url, numbers=8, handsets=32)
    assert world.server.stop() == 0
    world.server.become(command)
    await world.server.start()
    begin = time.monotonic()
    killer = asyncio.create_task(kill_at_random(world, sends, kills))
    await asyncio.gather(send_all(world, sends), text_in(world, sends // 10, every_s=0.02))
    await killer
    loaded = time.monotonic()
    problems = [] if await quiet(world, folder) else ["it never came to rest"]
    problems += await oracle.judge_by_api(world, hook)
    code = world.server.stop()
    if code != 0:
        problems.append(f"the stop ended with {code}: {world.server.tail()}")
    problems += oracle.judge_store(folder / "data" / "ringback.db")
    world.figures = (
        f"{world.kills} kills, {len(world.acknowledged)} of {sends} acknowledged, {len(hook.attempts)} events,"
        f" load {loaded - begin:.0f} s, in all {time.monotonic() - begin:.0f} s"
    )
    return problems


async def test_nothing_acknowledged_is_lost_or_sent_twice(tmp_path: Path, seed: int) -> None:
    async with world_of(tmp_path, seed) as world, endpoint() as hook:
        problems = await run_load(world, hook, tmp_path, sends=5_000, kills=20)
    assert problems == [], world.figures
    assert world.kills >= 20
    assert "Traceback" not in world.server.log.read_text()
    assert len(world.acknowledged) > 4_000
    assert len(hook.attempts) > 1_000


async def test_acknowledging_before_commit_is_found(tmp_path: Path, seed: int) -> None:
    mutant = (sys.executable, "-m", "tests.faults.early_ack")
    async with world_of(tmp_path, seed) as world, endpoint() as hook:
        problems = await run_load(world, hook, tmp_path, sends=300, kills=3, command=mutant)
    assert [problem for problem in problems if problem.startswith("lost")], problems


def test_commits_reach_the_disk(tmp_path: Path) -> None:
    """The page cache outlives a process, so kills can't tell whether a COMMIT was synced; the setting can."""
    conn = sqlite.connect(tmp_path / "any.db")
    try:
        assert conn.execute("PRAGMA synchronous").fetchone() == {"synchronous": 2}
        assert conn.execute("PRAGMA journal_mode").fetchone() == {"journal_mode": "wal"}
    finally:
        conn.close()
