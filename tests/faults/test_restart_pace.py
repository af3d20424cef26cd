"""A server that is started again goes on at its carrier's pace where it was."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.faults.processes import Process, until_true

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]


async def test_a_restart_gives_no_turn_away(tmp_path: Path) -> None:
    server = Process(tmp_path, "serve", "--port", "0")
    await server.start()
    key = (tmp_path / "ringback-data" / "first-key").read_text().strip()

    async def call(method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {key}"}
        async with aiohttp.request(method, f"{server.url}{path}", json=body, headers=headers) as answer:
            assert answer.status in (200, 201), await answer.text()
            return await answer.json()

    async def send(body: str) -> Any:
        return await call(
            "POST", "/v1/messages", {"number_id": number["id"], "to_number": "+14155550123", "body": body}
        )

    async def depth() -> int:
        return int((await call("GET", "/v1/usage"))["ringback"]["queue"]["depth"])

    try:
        number = await call("POST", "/v1/numbers", {})
        await call("POST", "/sim/v1/clock", {"freeze": True})
        await call("PATCH", "/sim/v1/network", {"campaign": "sole_proprietor"})
        await send("first")

        async def gone() -> bool:
            return await depth() == 0

        assert await until_true(gone, 10)
        told = (await send("second"))["ringback"]["estimatedSendAt"]
        assert server.stop() == 0
        await server.start()
        again = (await send("third"))["ringback"]["estimatedSendAt"]
        assert again > told
        assert (await call("POST", "/sim/v1/clock", {"advanceSeconds": 0.44}))["settled"] is True
        assert await depth() == 2, "both wait for their turns, 0.445 s apart"
        await call("POST", "/sim/v1/clock", {"advanceSeconds": 0.006})
        assert await depth() == 1
    finally:
        server.stop()
