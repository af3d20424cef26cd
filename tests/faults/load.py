"""Clients that text through a server while it is killed, and phones that text it."""

import asyncio
import itertools
import random

import aiohttp

from tests.faults.world import World

CLIENTS = 32
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
                said = await response.read()
                if response.status == 200:
                    world.acknowledged[body] = await response.json()
                else:
                    world.refused.append(f"{response.status} {said[:200]!r}")
                return
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


async def kill_at_random(world: World, total: int, kills: int) -> None:
    """Kill the server `kills` times, spread at random over `total` sends; one time in five also while it starts."""
    chance = random.Random(world.seed + 2)
    moments = sorted(chance.sample(range(total // 50, total - total // 50), kills))
    for moment in moments:
        while world.settled < moment:
            await asyncio.sleep(0.001)
        await asyncio.sleep(chance.uniform(0, 0.05))
        world.server.kill()
        world.kills += 1
        if chance.random() < 0.2:
            world.server.begin()
            await asyncio.sleep(chance.uniform(0.1, 1.0))
            world.server.kill()
            world.kills += 1
        await world.server.start()
