"""A disk that is full while the server runs: it says so, loses nothing that it acknowledged, and goes on when there is room.

A limit on the size of files stands for the disk.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.faults.endpoint import endpoint
from tests.faults.processes import Process, until_true

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]

ROOM = 100_000
"""Bytes by which the largest file may still grow."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Process]:
    server = Process(tmp_path, "serve", "--port", "0")
    await server.start()
    yield server
    server.stop()


@pytest.fixture
async def http(server: Process, tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    key = (tmp_path / "ringback-data" / "first-key").read_text().strip()
    async with aiohttp.ClientSession(server.url, headers={"Authorization": f"Bearer {key}"}) as http:
        yield http


async def post(http: aiohttp.ClientSession, path: str, body: Any) -> tuple[int, Any, Any]:
    async with http.post(path, json=body) as answer:
        return answer.status, await answer.json(), answer.headers


async def test_full_and_emptied_again(server: Process, http: aiohttp.ClientSession, tmp_path: Path) -> None:
    _, number, _ = await post(http, "/v1/numbers", {})
    _, phone, _ = await post(http, "/sim/v1/handsets", {})

    def text(n: int) -> dict[str, str]:
        return {"number_id": number["id"], "to_number": phone["phoneNumber"], "body": f"text {n}"}

    files = (tmp_path / "ringback-data").iterdir()
    server.limit_files(max(file.stat().st_size for file in files) + ROOM)
    acknowledged: list[str] = []
    refused = 0
    for n in range(200):
        status, told, headers = await post(http, "/v1/messages", text(n))
        if status == 200:
            acknowledged.append(f"text {n}")
            continue
        refused += 1
        assert (status, told["error"]["code"]) == (503, "DATABASE_UNAVAILABLE"), told
        assert headers["Retry-After"].isdecimal()
        if refused == 10:
            break
    assert refused == 10
    assert acknowledged
    async with http.get("/v1/numbers") as answer:
        assert (await answer.json())["total"] == 1

    async def ready() -> tuple[int, Any]:
        async with http.get("/readyz") as answer:
            return answer.status, await answer.json()

    await asyncio.sleep(3)  # in which workers look at the store without a change
    status, told = await ready()
    assert (status, told["error"]["code"]) == (503, "NOT_READY")
    assert "can't be written: " in told["detail"]
    async with http.get("/healthz") as answer:
        assert answer.status == 200
    server.limit_files()
    assert (await ready())[0] == 200, "nobody else has to write first"

    async def takes() -> bool:
        return (await post(http, "/v1/messages", text(999)))[0] == 200

    assert await until_true(takes, 20)

    # What the carrier answered meanwhile is known nowhere else: it is stored now, and not when its lease is over.
    async def settled() -> bool:
        _, moved, _ = await post(http, "/sim/v1/clock", {"advanceSeconds": 0})
        async with http.get("/v1/usage") as answer:
            queue = (await answer.json())["ringback"]["queue"]
        return bool(moved["settled"]) and queue["depth"] == 0

    assert await until_true(settled, 20)
    assert server.log.read_text().count("make room on the disk") == 1

    async def arrived() -> bool:
        url = f"{server.url}/sim/v1/handsets/{phone['id']}/messages?limit=200"
        async with aiohttp.request("GET", url, headers=dict(http.headers)) as answer:
            bodies = [message["body"] for message in (await answer.json())["data"]][::-1]
        assert len(set(bodies)) == len(bodies)
        return bodies == [*acknowledged, "text 999"]

    assert await until_true(arrived, 20)


async def test_what_an_endpoint_answered_is_stored_when_there_is_room(
    server: Process, http: aiohttp.ClientSession
) -> None:
    """Nobody is asked a second time for what is known; and a stop doesn't wait for room."""
    async with endpoint() as hook:
        hook.delay_s = 1.5
        _, number, _ = await post(http, "/v1/numbers", {})
        _, phone, _ = await post(http, "/sim/v1/handsets", {})
        await post(http, "/v1/webhooks", {"url": hook.url})

        async def told(times: int) -> None:
            """The endpoint has so many requests, and answers while the disk is full."""
            text = {"to": number["phoneNumber"], "body": "x"}
            status, _, _ = await post(http, f"/sim/v1/handsets/{phone['id']}/messages", text)
            assert status < 300

            async def asked() -> bool:
                return len(hook.attempts) == times

            assert await until_true(asked, 10, every_s=0.02)
            server.limit_files(64_000)  # the log goes on, the store is larger
            await asyncio.sleep(3)
            assert server.log.read_text().count("what came of work can't be stored") == times

        async def delivered() -> bool:
            async with http.get("/v1/webhooks/deliveries") as answer:
                (delivery,) = (await answer.json())["data"]
            return (delivery["status"], delivery["attemptCount"]) == ("delivered", 1)

        await told(1)
        server.limit_files()
        assert await until_true(delivered, 10)
        assert [len(attempts) for attempts in hook.attempts.values()] == [1]
        await told(2)
        server.limit_files(1)  # no room for the log either
        assert server.stop() == 0
