"""kill -9 between the commit and the answer: the client that asks again under its key gets the first answer."""

import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.faults.processes import until_true
from tests.faults.world import World, world_of

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]


async def died_and_asked_again(world: World, path: str, body: dict[str, Any], key: str) -> Any:
    """POST, let the server die of it, start it and POST again twice; the answer, which is the same both times."""
    headers = {"Authorization": f"Bearer {world.key}", "Idempotency-Key": f"die of {key}"}
    with pytest.raises((aiohttp.ClientError, OSError)):
        async with world.http.post(world.server.url + path, json=body, headers=headers):
            pass
    world.server.kill()
    await world.server.start()
    told = []
    for _ in range(2):
        async with world.http.post(world.server.url + path, json=body, headers=headers) as answer:
            assert answer.status in (200, 201), await answer.text()
            told.append((answer.status, await answer.read()))
            found = await answer.json()
    assert told[0] == told[1]
    return found


async def test_what_was_committed_is_answered_later(tmp_path: Path, seed: int) -> None:
    async with world_of(tmp_path, seed) as world:
        assert world.server.stop() == 0
        world.server.become((sys.executable, "-m", "tests.faults.late_death"))
        await world.server.start()
        agent = await died_and_asked_again(world, "/v1/agents", {"name": "A"}, "agent")
        number = await died_and_asked_again(world, "/v1/numbers", {"agentId": agent["id"]}, "number")
        phone = await died_and_asked_again(world, "/sim/v1/handsets", {}, "phone")
        text = {"number_id": number["id"], "to_number": phone["phoneNumber"], "body": "out"}
        sent = await died_and_asked_again(world, "/v1/messages", text, "text")
        reply = {"to": number["phoneNumber"], "body": "in"}
        await died_and_asked_again(world, f"/sim/v1/handsets/{phone['id']}/messages", reply, "reply")
        contact = {"phoneNumber": "+14155550112", "name": "Ann"}
        await died_and_asked_again(world, "/v1/contacts", contact, "contact")
        await died_and_asked_again(world, "/v1/sub-accounts", {"name": "S"}, "sub-account")
        webhook = await died_and_asked_again(world, "/v1/webhooks", {"url": "http://127.0.0.1:9/"}, "webhook")

        async def both_are_here() -> bool:
            page = await world.ask("GET", f"/v1/numbers/{number['id']}/messages")
            return len(page["data"]) == 2

        assert await until_true(both_are_here, 20)
        for path, total in (("agents", 1), ("numbers", 1), ("contacts", 1), ("sub-accounts", 1)):
            assert (await world.ask("GET", f"/v1/{path}"))["total"] == total, path
        page = await world.ask("GET", f"/v1/numbers/{number['id']}/messages")
        assert sent["id"] in {message["id"] for message in page["data"]}
        texts = await world.network("GET", f"/handsets/{phone['id']}/messages")
        assert sorted(one["body"] for one in texts["data"]) == ["in", "out"]
        assert (await world.ask("GET", "/v1/webhooks"))["secret"] == webhook["secret"]
        assert world.server.stop() == 0
