"""kill -9 between the carrier's yes and our commit, while 64 clients ask for one thing: it is done once, and all get one answer."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.faults import oracle
from tests.faults.processes import RINGBACK, until_true
from tests.faults.world import Database, World, database, world_of

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]

RACERS = 64
WAIT_S = 40
LATER = (sys.executable, "-m", "tests.faults.other_time", "--ahead=300")
"""So much later, that all leases are over: on PostgreSQL nobody knows before that a worker is dead."""
_LOST = (aiohttp.ClientError, OSError, TimeoutError)


@pytest.fixture(params=["sqlite", "postgres"])
def own(request: pytest.FixtureRequest) -> Iterator[Database | None]:
    """Where the server stores."""
    with database("fsync=off") if request.param == "postgres" else nullcontext() as found:
        yield found


async def will_die_of(world: World, what: str) -> None:
    """From now on the server dies of the carrier's first yes of this kind."""
    assert world.server.stop() == 0
    world.server.become((sys.executable, "-m", "tests.faults.carrier_death", what))
    await world.server.start()


async def die_and_rise(world: World, what: str) -> None:
    """Wait until it has died of it, and start it again as it should be."""
    marker = world.folder / f"died of {what}"
    async with asyncio.timeout(WAIT_S):
        while not marker.exists():
            await asyncio.sleep(0.005)
    world.server.kill()
    world.server.become(RINGBACK if world.database is None else LATER)
    await world.server.start()


async def race(world: World, what: str, method: str, path: str, **request: Any) -> list[tuple[int, bytes]]:
    """All ask at once, the server dies of it, and each asks again until it is answered."""
    headers = {"Authorization": f"Bearer {world.key}", "Idempotency-Key": f"of all {what}"}

    async def racer() -> tuple[int, bytes]:
        while True:
            await world.server.up.wait()
            try:
                async with world.http.request(
                    method, world.server.url + path, headers=headers, **request
                ) as answer:
                    told = answer.status, await answer.read()
            except _LOST:
                await asyncio.sleep(0.01)
            else:
                if b"IDEMPOTENCY_IN_PROGRESS" not in told[1]:
                    return told

    racers = asyncio.gather(*[racer() for _ in range(RACERS)])
    await die_and_rise(world, what)
    told = await racers
    # Whoever was answered before asks again as well, and so does somebody who comes late.
    again = await asyncio.gather(*[racer() for _ in range(RACERS)])
    return [*told, *again]


async def types(world: World) -> list[str]:
    """The types of all events, whose sequence has no gap."""
    found = (await world.ask("GET", "/v1/events", params={"after": 0, "limit": 1000}))["data"]
    assert [event["seq"] for event in found] == list(range(1, len(found) + 1))
    return [event["type"] for event in found]


async def test_a_text(tmp_path: Path, seed: int, own: Database | None) -> None:
    async with world_of(tmp_path, seed, own) as world:
        number = await world.ask("POST", "/v1/numbers", json={})
        phone = await world.network("POST", "/handsets", json={})
        await will_die_of(world, "submit")
        text = {"number_id": number["id"], "to_number": phone["phoneNumber"], "body": "once"}
        told = await race(world, "submit", "POST", "/v1/messages", json=text)
        assert {status for status, _ in told} == {200}
        assert len({body for _, body in told}) == 1
        [stored] = (await world.ask("GET", f"/v1/numbers/{number['id']}/messages"))["data"]

        async def delivered() -> bool:
            message = await world.ask("GET", f"/v1/messages/{stored['id']}")
            return bool(message["status"] == "delivered")

        assert await until_true(delivered, WAIT_S)
        steps = (await world.ask("GET", f"/v1/messages/{stored['id']}"))["ringback"]["steps"]
        [arrived] = (await world.network("GET", f"/handsets/{phone['id']}/messages"))["data"]
        counted = Counter(each for each in await types(world) if each.startswith("message."))
        assert world.server.stop() == 0
        assert oracle.judge_store(world) == []
    assert stored["id"].encode() in told[0][1]
    assert arrived["body"] == "once"
    assert counted == {"message.queued": 1, "message.sent": 1, "message.delivered": 1}
    assert [step["kind"] for step in steps] == ["queued", "begun-again", "sent", "delivered"]


async def test_a_number(tmp_path: Path, seed: int, own: Database | None) -> None:
    async with world_of(tmp_path, seed, own) as world:
        await will_die_of(world, "buy")
        told = await race(world, "buy", "POST", "/v1/numbers", json={"country": "US"})
        assert {status for status, _ in told} == {200}
        assert len({body for _, body in told}) == 1
        [held] = (await world.ask("GET", "/v1/numbers"))["data"]
        assert (await types(world)).count("number.bought") == 1
        sold = world.far("SELECT e164 FROM lines WHERE state = 'held'")
        assert world.server.stop() == 0
        assert oracle.judge_store(world) == []
    assert held["id"].encode() in told[0][1]
    assert sold == [(held["phoneNumber"],)]


async def test_a_release(tmp_path: Path, seed: int, own: Database | None) -> None:
    """A DELETE has no key: who comes second is told that it is released."""
    async with world_of(tmp_path, seed, own) as world:
        number = await world.ask("POST", "/v1/numbers", json={})
        await will_die_of(world, "release")
        told = await race(world, "release", "DELETE", f"/v1/numbers/{number['id']}")
        assert {status for status, _ in told} == {400}
        assert all(b"NUMBER_RELEASED" in body for _, body in told)

        async def settled() -> bool:
            return world.rows("SELECT id FROM number_orders WHERE state = 'open'") == []

        assert await until_true(settled, WAIT_S)
        assert (await world.ask("GET", "/v1/numbers"))["data"] == []
        assert (await types(world)).count("number.released") == 1
        sold = world.far("SELECT e164 FROM lines WHERE state = 'held'")
        assert world.server.stop() == 0
        assert oracle.judge_store(world) == []
    assert sold == []
