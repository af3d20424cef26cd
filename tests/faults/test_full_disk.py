"""A disk that is full while the server runs: it says so, loses nothing that it acknowledged, and goes on when there is room.

A limit on the size of files stands for the disk.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

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

    # What could not be settled meanwhile has a lease of a minute, which a restart ends.
    assert server.stop() == 0
    assert server.log.read_text().count("make room on the disk") == 1
    assert server.log.read_text().count("can be written again") == 1
    await server.start()

    async def arrived() -> bool:
        url = f"{server.url}/sim/v1/handsets/{phone['id']}/messages?limit=200"
        async with aiohttp.request("GET", url, headers=dict(http.headers)) as answer:
            bodies = [message["body"] for message in (await answer.json())["data"]][::-1]
        assert len(set(bodies)) == len(bodies)
        return bodies == [*acknowledged, "text 999"]

    assert await until_true(arrived, 20)
