"""kill -9 at random moments under load: what was acknowledged exists, once, here and at the network.

`RINGBACK_TEST_SEED` repeats a run; without it each run is another. `make soak` runs it for longer.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ringback.kit import sqlite
from tests.faults import oracle
from tests.faults.endpoint import Endpoint, endpoint
from tests.faults.load import kill_at_random, read_on, send_all, settle_in, text_in
from tests.faults.processes import RINGBACK, until_true
from tests.faults.world import World, database, world_of

SOAK = int(os.environ.get("RINGBACK_TEST_SOAK_KILLS") or 0)
"""How often a long run kills; it sends fifty times as much."""
pytestmark = [pytest.mark.fault, pytest.mark.timeout(5_400 if SOAK else 600)]
QUIET_S = 120 if SOAK else 30
LATER_S = 300
"""Longer than the lease of anything: on PostgreSQL nobody knows of a worker that it is dead until that is over."""


async def quiet(world: World) -> bool:
    """Whether all that was acknowledged came to its end, here and at the network."""
    looks = 0

    async def rests() -> bool:
        nonlocal looks
        here = world.rows("SELECT count(*) FROM outbox")
        there = world.far("SELECT count(*) FROM carrier_events")
        looks = looks + 1 if here == there == [(0,)] else 0
        return looks > 1

    return await until_true(rests, QUIET_S)


async def run_load(
    world: World,
    hook: Endpoint,
    *,
    sends: int,
    kills: int,
    restarts: int = 0,
    command: Sequence[str] = RINGBACK,
) -> list[str]:
    """The load with its kills, then everything that is wrong. `command` serves while the load lasts."""
    await settle_in(world, hook.url, numbers=8, handsets=32)
    assert world.server.stop() == 0
    world.server.become(command)
    await world.server.start()
    begin = time.monotonic()
    reader = asyncio.create_task(read_on(world))
    killer = asyncio.create_task(kill_at_random(world, sends, kills, restarts))
    await asyncio.gather(send_all(world, sends), text_in(world, sends // 10, every_s=0.02))
    await killer
    loaded = time.monotonic()
    if world.database is not None:
        assert world.server.stop() == 0
        world.server.become((sys.executable, "-m", "tests.faults.other_time", f"--ahead={LATER_S}"))
        await world.server.start()
    problems = [] if await quiet(world) else ["it never came to rest"]
    await asyncio.sleep(0.5)
    problems += await oracle.judge_by_api(world, hook)
    reader.cancel()
    code = world.server.stop()
    if code != 0:
        problems.append(f"the stop ended with {code}: {world.server.tail()}")
    problems += oracle.judge_store(world)
    world.figures = (
        f"{world.kills} kills, {world.restarts} restarts of the database,"
        f" {len(world.acknowledged)} of {sends} acknowledged, {dict(world.away)} told,"
        f" {len(world.texted)} texted, {len(world.read)} events, {len(hook.attempts)} webhooks,"
        f" load {loaded - begin:.0f} s, in all {time.monotonic() - begin:.0f} s"
    )
    return problems


async def test_nothing_acknowledged_is_lost_or_sent_twice(
    tmp_path: Path, seed: int, tell: Callable[[str], None]
) -> None:
    sends, kills = SOAK * 50 or 5_000, SOAK or 20
    async with world_of(tmp_path, seed) as world, endpoint() as hook:
        problems = await run_load(world, hook, sends=sends, kills=kills)
    tell(world.figures)
    assert problems == []
    assert world.kills >= kills
    assert "Traceback" not in world.server.log.read_text()
    assert len(world.acknowledged) > sends * 0.6
    assert len(hook.attempts) > sends // 5


async def test_nor_when_postgresql_dies_as_well(
    tmp_path: Path, seed: int, tell: Callable[[str], None]
) -> None:
    sends, kills, restarts = SOAK * 50 or 800, SOAK or 3, SOAK // 5 or 2
    with database() as own:
        async with world_of(tmp_path, seed, own) as world, endpoint() as hook:
            problems = await run_load(world, hook, sends=sends, kills=kills, restarts=restarts)
    tell(world.figures)
    assert problems == []
    assert (world.kills >= kills, world.restarts) == (True, restarts)
    assert "Traceback" not in world.server.log.read_text()
    assert len(world.acknowledged) > sends * 0.6
    assert len(hook.attempts) > sends // 5


async def test_acknowledging_before_commit_is_found(tmp_path: Path, seed: int) -> None:
    mutant = (sys.executable, "-m", "tests.faults.early_ack")
    async with world_of(tmp_path, seed) as world, endpoint() as hook:
        problems = await run_load(world, hook, sends=300, kills=3, command=mutant)
    assert [problem for problem in problems if problem.startswith("lost")], problems


async def test_commits_that_postgresql_does_not_wait_for_are_found(tmp_path: Path, seed: int) -> None:
    # What a crash takes with it was written since the last page that was full: now and then that is nothing.
    problems: list[str] = []
    for turn in range(4):
        folder = tmp_path / str(turn)
        folder.mkdir()
        with database("synchronous_commit=off", "wal_writer_delay=10s") as own:
            async with world_of(folder, seed + turn, own) as world, endpoint() as hook:
                problems += await run_load(world, hook, sends=300, kills=0, restarts=2)
        if any(problem.startswith("lost") for problem in problems):
            return
    raise AssertionError(problems)


def test_commits_reach_the_disk(tmp_path: Path) -> None:
    """The page cache outlives a process, so kills can't tell whether a COMMIT was synced; the setting can."""
    conn = sqlite.connect(tmp_path / "any.db")
    try:
        assert conn.execute("PRAGMA synchronous").fetchone() == {"synchronous": 2}
        assert conn.execute("PRAGMA journal_mode").fetchone() == {"journal_mode": "wal"}
    finally:
        conn.close()
