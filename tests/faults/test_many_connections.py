"""`ringback serve` among more connections than it holds, and without some of what it needs."""

import resource
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.faults.processes import RINGBACK, Process, environment, until_true
from tests.faults.raw import HOST, Wire

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]

IDLE = 1_000


@pytest.fixture(autouse=True)
def _room_for_sockets() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4 * IDLE:
        pytest.skip(f"needs {4 * IDLE} open files, and this machine allows {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * IDLE), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(30)) as session:
        yield session


def port_of(server: Process) -> int:
    found = urlsplit(server.url).port
    assert found is not None
    return found


async def status(http: aiohttp.ClientSession, server: Process, path: str = "/healthz") -> int:
    async with http.get(server.url + path) as answer:
        await answer.read()
        return answer.status


@pytest.mark.parametrize(
    ("most", "head", "closed"),
    [
        pytest.param(4_000, b"", False, id="room for all"),
        pytest.param(300, b"", True, id="room for less"),
        pytest.param(300, b"GET /healthz HTTP/1.1\r\n", None, id="half a request on each"),
    ],
)
async def test_a_thousand_connections_that_do_nothing(
    tmp_path: Path, http: aiohttp.ClientSession, most: int, head: bytes, closed: bool | None
) -> None:
    """Others are answered; whoever holds a connection with half a request on it holds it for ten seconds at most."""
    server = Process(tmp_path, "serve", "--port", "0", env=environment(max_connections=most))
    await server.start()
    crowd: list[socket.socket] = []
    try:
        for _ in range(IDLE):
            one = socket.create_connection(("127.0.0.1", port_of(server)))
            crowd.append(one)
            if head:
                one.sendall(head)
        if closed is None:
            assert await until_true(lambda: _is(http, server, 200), 30)
        else:
            for _ in range(20):
                assert await status(http, server) == 200
            crowd[0].settimeout(0.2)
            try:
                assert (crowd[0].recv(1) == b"") is closed
            except TimeoutError:
                assert not closed
        assert server.files() < most + 300
    finally:
        for one in crowd:
            one.close()
        assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()


async def _is(http: aiohttp.ClientSession, server: Process, wanted: int) -> bool:
    try:
        return await status(http, server) == wanted
    except aiohttp.ClientError:
        return False


async def test_few_files_may_be_open(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    """Connections leave room for the files that the rest needs."""
    server = Process(tmp_path, "serve", "--port", "0")
    server.become(["sh", "-c", 'ulimit -n 600; exec "$0" "$@"', *RINGBACK])
    await server.start()
    crowd = [socket.create_connection(("127.0.0.1", port_of(server))) for _ in range(IDLE)]
    try:
        key = (tmp_path / "ringback-data" / "first-key").read_text().strip()
        auth = {"Authorization": f"Bearer {key}"}
        async with http.post(f"{server.url}/v1/agents", json={"name": "Ada"}, headers=auth) as answer:
            assert answer.status == 200
        async with http.post(f"{server.url}/v1/numbers", json={}, headers=auth) as answer:
            assert answer.status == 200
    finally:
        for one in crowd:
            one.close()
        assert server.stop() == 0
    log = server.log.read_text()
    assert "the limit of open files leaves room for fewer connections" in log
    assert "Traceback" not in log
    assert "Too many open files" not in log


async def test_the_time_for_a_request_is_a_setting(tmp_path: Path) -> None:
    server = Process(tmp_path, "serve", "--port", "0", env=environment(request_timeout_s=0.3))
    await server.start()
    try:
        with Wire(port_of(server)) as wire:
            wire.send(b"POST /v1/agents HTTP/1.1\r\n", HOST, b"Content-Length: 9\r\n\r\n{")
            wire.answer().check_refusal(408, "REQUEST_TIMEOUT")
    finally:
        assert server.stop() == 0


async def test_a_stop_waits_for_nobody_who_says_nothing(tmp_path: Path) -> None:
    server = Process(tmp_path, "serve", "--port", "0", env=environment(stop_timeout_s=60))
    await server.start()
    with Wire(port_of(server)) as silent, Wire(port_of(server)) as half, Wire(port_of(server)) as refused:
        half.send(b"GET /healthz HTTP/1.1\r\n")
        refused.send(b"nonsense\r\n\r\n")
        refused.answer().check_refusal(400, "BAD_REQUEST")
        begin = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begin < 20
        assert silent.rest() == b""
        assert half.rest() == b""


async def test_readiness_tells_of_a_network_elsewhere(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sim = Process(tmp_path, "sim", "--port", str(port))
    await sim.start()
    server = Process(tmp_path, "serve", "--port", "0", env=environment(sim_url=sim.url))
    try:
        await server.start()
        assert await status(http, server, "/readyz") == 200
        sim.kill()
        async with http.get(f"{server.url}/readyz") as answer:
            told = await answer.json()
            assert (answer.status, told["error"]["code"]) == (503, "NOT_READY")
            assert "the simulated network can't be reached" in told["error"]["message"]
            assert sim.url not in told["error"]["message"], "everybody may read it"
            assert answer.headers["Retry-After"] == "1"
        assert await status(http, server, "/healthz") == 200
        check = subprocess.run(
            [*RINGBACK, "check"], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
        )
        assert check.returncode != 0
        assert "the simulated network can't be reached" in check.stdout
        assert sim.url in check.stdout
        await sim.start()
        assert await until_true(lambda: _ready(http, server), 10)
    finally:
        assert server.stop() == 0
        sim.kill()


async def _ready(http: aiohttp.ClientSession, server: Process) -> bool:
    return await status(http, server, "/readyz") == 200
