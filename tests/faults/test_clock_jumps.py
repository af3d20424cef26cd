"""A machine whose calendar is set back an hour, and forth, while everything is under way: it takes longer, and no more."""

import asyncio
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from ringback.carriers.protocol import OutboundText
from ringback.kit.clock import real_ms
from ringback.storage import worker
from ringback.testing import Handsets, Ringback
from tests.faults import oracle
from tests.faults.endpoint import endpoint
from tests.faults.load import read_on, send_all, settle_in, text_in
from tests.faults.processes import until_true
from tests.faults.world import World, world_of
from tests.phones import until
from tests.scenarios.lines import Line

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

SENDS = 1_500
BACK, FORTH = signal.SIGUSR1, signal.SIGUSR2
JUMPS = [BACK, FORTH, FORTH, BACK, BACK, FORTH]
"""An hour each; all in all none. The second FORTH lies ahead of the truth, where every lease is over."""


async def jump(world: World, done: asyncio.Event) -> int:
    """Set the calendar again and again, also right after each other; how often. It is right in the end."""
    chance, count = random.Random(world.seed), 0
    while not done.is_set():
        for each in JUMPS:
            os.kill(world.server.pid, each)
            count += 1
            await asyncio.sleep(chance.choice([0, 0.05, 0.4]))
    return count


async def test_nothing_is_lost_or_sent_twice(tmp_path: Path, seed: int) -> None:
    async with world_of(tmp_path, seed) as world, endpoint() as hook:
        await settle_in(world, hook.url, numbers=4, handsets=16)
        assert world.server.stop() == 0
        world.server.become((sys.executable, "-m", "tests.faults.other_time", "--jumps"))
        await world.server.start()
        fault = await world.network("POST", "/faults", json={"kind": "connection-lost", "count": 20})
        reader = asyncio.create_task(read_on(world))
        done = asyncio.Event()
        jumping = asyncio.create_task(jump(world, done))
        await asyncio.gather(send_all(world, SENDS), text_in(world, SENDS // 10, every_s=0.02))
        await world.network("DELETE", f"/faults/{fault['id']}")
        done.set()
        jumps = await jumping

        async def rests() -> bool:
            here = world.rows("SELECT count(*) FROM outbox")
            return here == world.far("SELECT count(*) FROM carrier_events") == [(0,)]

        assert await until_true(rests, 60)
        await asyncio.sleep(1)
        problems = await oracle.judge_by_api(world, hook)
        reader.cancel()
        assert world.server.stop() == 0
        problems += oracle.judge_store(world)
        times = world.rows("SELECT at FROM events ORDER BY seq")
    assert problems == []
    assert len(world.acknowledged) == SENDS
    assert jumps >= 6
    assert times == sorted(times), "the clock never went back"
    assert "Traceback" not in world.server.log.read_text()


def test_what_is_under_way_is_not_given_up(
    ringback: Ringback, handset: Handsets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease that is over only by the calendar, in the very process that works on it: no carrier is asked again."""
    carrier, answers = ringback.server.line.carrier, threading.Event()
    submit, asked = carrier.submit, list[str]()

    async def slowly(text: OutboundText) -> str:
        asked.append(text.reference)
        await asyncio.to_thread(answers.wait)
        return await submit(text)

    monkeypatch.setattr(carrier, "submit", slowly)
    monkeypatch.setattr(type(carrier), "takes_our_id", False)
    line = Line(ringback, handset)
    message = line.send("patience")["id"]
    until(lambda: asked)
    monkeypatch.setattr(worker, "real_ms", lambda: real_ms() + 3_600_000)
    time.sleep(2.5)  # it looks at leases each second
    answers.set()
    until(lambda: line.ask("GET", f"/v1/messages/{message}")["status"] == "delivered")
    steps = line.ask("GET", f"/v1/messages/{message}")["ringback"]["steps"]
    assert [step["kind"] for step in steps] == ["queued", "sent", "delivered"]
    assert len(asked) == 1
