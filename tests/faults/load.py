"""Clients that text through a server while it is killed, and phones that text it."""

import asyncio
import itertools
import random
import signal

import aiohttp

from tests.faults.world import World

CLIENTS = 32
_AWAY = {"DATABASE_UNAVAILABLE", "OUTCOME_UNKNOWN"}
_LOST = (aiohttp.ClientError, OSError, TimeoutError)


async def settle_in(world: World, hook_url: str, *, numbers: int, handsets: int) -> None:
    """Agents with numbers, an endpoint, and handsets of which every second one texts back what it gets."""
    await world.ask("POST", "/v1/webhooks", json={"url": hook_url, "contextLimit": 3})
    for n in range(numbers):
        agent = await world.ask("POST", "/v1/agents", json={"name": f"agent {n}"})
        world.numbers.append(
            await world.ask("POST", "/v1/numbers", json={"country": "US", "agentId": agent["id"]})
        )
    for n in range(handsets):
        personality = "echo" if n % 2 else "answers"
        world.handsets.append(await world.network("POST", "/handsets", json={"personality": personality}))


async def send_all(world: World, total: int) -> None:
    """`total` texts with unique bodies from many clients at once.

    Every second one carries an Idempotency-Key and is repeated until it is answered; the others are sent once.
    """
    ordinals = iter(range(total))
    chance = random.Random(world.seed)
    pairs = list(itertools.product(world.numbers, world.handsets))

    async def client() -> None:
        for n in ordinals:
            number, handset = chance.choice(pairs)
            body = f"out {world.seed} {n}"
            await _send(world, body, number["id"], handset["phoneNumber"], keyed=n % 2 == 0)
            world.asked[body] = (number["id"], handset["phoneNumber"])

    await asyncio.gather(*[client() for _ in range(CLIENTS)])


async def _send(world: World, body: str, number_id: str, to: str, *, keyed: bool) -> None:
    headers = {"Authorization": f"Bearer {world.key}"} | ({"Idempotency-Key": body} if keyed else {})
    request = {"number_id": number_id, "to_number": to, "body": body}
    while True:
        await world.server.up.wait()
        try:
            async with world.http.post(
                f"{world.server.url}/v1/messages", json=request, headers=headers
            ) as response:
                said = await response.json()
                if response.status == 200:
                    world.acknowledged[body] = said
                    return
            code = said["error"]["code"]
            if world.database is None or response.status != 503 or code not in _AWAY:
                world.refused.append(f"{response.status} {said}")
                return
            world.away[code] += 1
            if not keyed:
                if code == "DATABASE_UNAVAILABLE":
                    world.denied.add(body)
                return
            await asyncio.sleep(0.2)
        except _LOST:
            if not keyed:
                return
            await asyncio.sleep(0.01)


async def text_in(world: World, total: int, *, every_s: float) -> None:
    """Handsets text the numbers, also while the server is dead."""
    chance = random.Random(world.seed + 1)
    for n in range(total):
        handset, number = chance.choice(world.handsets), chance.choice(world.numbers)
        sent = await world.network(
            "POST",
            f"/handsets/{handset['id']}/messages",
            json={"to": number["phoneNumber"], "body": f"in {world.seed} {n}"},
        )
        world.texted.append((sent["from"], sent["to"], sent["body"]))
        await asyncio.sleep(every_s)


async def read_on(world: World) -> None:
    """An agent without a public URL reads the log, on from where it broke off, until it is cancelled."""
    while True:
        await world.server.up.wait()
        try:
            async with world.http.get(
                f"{world.server.url}/v1/events",
                params={"after": world.read[-1] if world.read else 0, "wait": 5, "limit": 1000},
                headers={"Authorization": f"Bearer {world.key}"},
            ) as response:
                told = await response.json() if response.status == 200 else {"data": []}
            world.read += [event["seq"] for event in told["data"]]
        except _LOST:
            await asyncio.sleep(0.05)


async def kill_at_random(world: World, total: int, kills: int, restarts: int = 0) -> None:
    """Kill the server `kills` times, spread at random over `total` sends; one time in five also while it starts.

    Between them PostgreSQL is killed and started again `restarts` times, at once or by kill -9 of its first process,
    and one time in four the server with it.
    """
    chance = random.Random(world.seed + 2)
    moments = sorted(chance.sample(range(total // 50, total - total // 50), kills + restarts))
    whom = ["server"] * kills + ["database"] * restarts
    chance.shuffle(whom)
    for moment, victim in zip(moments, whom, strict=True):
        while world.settled < moment:
            await asyncio.sleep(0.001)
        await asyncio.sleep(chance.uniform(0, 0.05))
        if victim == "server":
            await _kill_server(world, chance)
        else:
            await _kill_database(world, chance)


async def _kill_server(world: World, chance: random.Random) -> None:
    world.server.kill()
    world.kills += 1
    if chance.random() < 0.2:
        world.server.begin()
        await asyncio.sleep(chance.uniform(0.1, 1.0))
        world.server.kill()
        world.kills += 1
    await world.server.start()


async def _kill_database(world: World, chance: random.Random) -> None:
    assert world.database is not None
    world.database.cluster.kill(chance.choice([signal.SIGKILL, signal.SIGQUIT]))
    world.restarts += 1
    both = chance.random() < 0.25
    if both:
        world.server.kill()
        world.kills += 1
    # Now and then for longer than a request waits for its connection.
    await asyncio.sleep(7 if chance.random() < 0.1 else chance.uniform(0, 1))
    await world.database.start()
    if both:
        await world.server.start()
