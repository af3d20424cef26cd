"""A collector of traces that takes everything and answers nothing."""

import asyncio
import socket
import time
from pathlib import Path

import aiohttp
import pytest

from ringback import running
from ringback.operator_error import OperatorError
from tests.faults.processes import Process, environment

pytestmark = [pytest.mark.fault, pytest.mark.timeout(60)]


def is_free(data: Path) -> bool:
    try:
        with running.hold(data):
            return True
    except OperatorError:
        return False


async def test_it_holds_up_no_stop(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as collector:
        endpoint = f"http://127.0.0.1:{collector.getsockname()[1]}"
        server = Process(tmp_path, "serve", "--port", "0", env=environment(otel_endpoint=endpoint))
        await server.start()
        async with aiohttp.ClientSession() as http:
            for _ in range(20):
                async with http.get(f"{server.url}/healthz") as answer:
                    assert answer.status == 200
        asked = time.monotonic()
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        while not is_free(tmp_path / "ringback-data"):
            await asyncio.sleep(0.02)
        assert not stopping.done(), "the folder waited for the collector"
        assert await stopping == 0
        assert time.monotonic() - asked < 5
