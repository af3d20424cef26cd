"""Starting and stopping `ringback serve` as an operator does, also where the machine is in the way."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from ringback.live.inprocess import InProcess
from tests.faults.endpoint import Endpoint, endpoint
from tests.faults.processes import RINGBACK, Process, environment

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]


class Ran(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str


def ringback(folder: Path, *args: str, **settings: object) -> Ran:
    """Run a command to its end."""
    done = subprocess.run(
        [*RINGBACK, *args],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


class Client:
    """Requests to a server that comes and goes."""

    def __init__(self, http: aiohttp.ClientSession, server: Process, folder: Path) -> None:
        self._http = http
        self._server = server
        self._key_file = folder / "ringback-data" / "first-key"
        self.key = ""

    async def status(self, path: str, key: str) -> int:
        async with self._http.get(
            self._server.url + path, headers={"Authorization": f"Bearer {key}"}
        ) as answer:
            return answer.status

    async def ask(self, method: str, path: str, **request: Any) -> Any:
        self.key = self.key or self._key_file.read_text().strip()
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self._http.request(method, self._server.url + path, headers=headers, **request) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Process]:
    """A server in `ringback-data` of the test's folder, not yet started."""
    process = Process(tmp_path, "serve", "--port", "0")
    yield process
    process.kill()


@pytest.fixture
async def client(server: Process, tmp_path: Path) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(http, server, tmp_path)


@pytest.fixture
async def hook() -> AsyncIterator[Endpoint]:
    async with endpoint() as taker:
        yield taker


async def test_sigterm_lets_a_request_end(server: Process, client: Client, hook: Endpoint) -> None:
    hook.delay_s = 1.5
    await server.start()
    await client.ask("POST", "/v1/webhooks", json={"url": hook.url})
    test = asyncio.create_task(client.ask("POST", "/v1/webhooks/test"))
    while not hook.attempts:
        await asyncio.sleep(0.01)
    stopped = asyncio.create_task(asyncio.to_thread(server.stop))
    assert (await test)["success"] is True
    assert await stopped == 0
    assert "Traceback" not in server.log.read_text()


async def test_sigterm_under_load_loses_nothing(server: Process, client: Client) -> None:
    await server.start()
    number = await client.ask("POST", "/v1/numbers")
    acknowledged: list[str] = []

    async def send(n: int) -> None:
        try:
            while True:
                asked = {"number_id": number["id"], "to_number": f"+1415555{n:04d}", "body": "on the way"}
                acknowledged.append((await client.ask("POST", "/v1/messages", json=asked))["id"])
        except (aiohttp.ClientError, OSError):
            return

    senders = [asyncio.create_task(send(100 + n)) for n in range(16)]
    while len(acknowledged) < 50:
        await asyncio.sleep(0.01)
    assert await asyncio.to_thread(server.stop) == 0
    await asyncio.gather(*senders)
    assert "Traceback" not in server.log.read_text()
    await server.start()
    stored: dict[str, str] = {}
    params: dict[str, Any] = {"limit": 200}
    while True:
        page = await client.ask("GET", f"/v1/numbers/{number['id']}/messages", params=params)
        stored |= {message["id"]: message["status"] for message in page["data"]}
        if not page["hasMore"]:
            break
        params["before"] = page["data"][-1]["id"]
    assert set(acknowledged) <= stored.keys()
    assert "unconfirmed" not in stored.values()


async def test_sigterm_ends_streams_and_waits(server: Process, client: Client) -> None:
    await server.start()
    [phone] = (await client.ask("GET", "/sim/v1/handsets"))["data"]
    waiting = asyncio.create_task(client.ask("GET", f"/sim/v1/handsets/{phone['id']}/messages?wait=60"))
    await asyncio.sleep(0.2)
    begin = time.monotonic()
    assert await asyncio.to_thread(server.stop) == 0
    assert (await waiting)["data"] == []
    assert time.monotonic() - begin < 8


@pytest.mark.parametrize(
    "after_s",
    [
        0.3,
        1.5,
        2.5,
        None,
    ],
)
def test_ctrl_c_shows_no_traceback(tmp_path: Path, after_s: float | None) -> None:
    """The terminal sends SIGINT to make, its shell and the server alike; at any moment of the start, or after it."""
    process = subprocess.Popen(
        ["sh", "-c", '"$@"; exit $?', "sh", *RINGBACK, "serve", "--port", "0"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    if after_s is None:
        assert "answers at" in process.stdout.readline()
    else:
        time.sleep(after_s)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert "Traceback" not in err
    assert not (tmp_path / "ringback-data" / "server.json").exists()


async def test_second_start_keeps_everything_and_is_quick(server: Process, client: Client) -> None:
    await server.start()
    bought = await client.ask("POST", "/v1/numbers")
    texted = await client.ask(
        "POST", "/v1/messages", json={"number_id": bought["id"], "to_number": "+14155550123", "body": "first"}
    )
    times = []
    for _ in range(3):
        assert server.stop() == 0
        await server.start()
        await client.ask("GET", "/v1/numbers")
        times.append(server.cpu_s())
    assert min(times) < 3
    [number] = (await client.ask("GET", "/v1/numbers"))["data"]
    assert number["id"] == bought["id"]
    [message] = (await client.ask("GET", f"/v1/numbers/{bought['id']}/messages"))["data"]
    assert (message["id"], message["status"]) == (texted["id"], "delivered")


async def test_keys_from_the_command_line(server: Process, client: Client, tmp_path: Path) -> None:
    await server.start()
    first = (tmp_path / "ringback-data" / "first-key").read_text().strip()
    made = ringback(tmp_path, "keys", "create", "--json")
    assert made.code == 0, made.err
    assert made.out.count("\n") == 1
    fresh = json.loads(made.out)
    assert fresh.keys() == {"id", "key", "accountId"}
    assert await client.status("/v1/numbers", fresh["key"]) == 200
    assert ringback(tmp_path, "keys", "revoke", fresh["id"]).code == 0
    assert await client.status("/v1/numbers", fresh["key"]) == 401
    listed = ringback(tmp_path, "keys", "list")
    assert fresh["id"] in listed.out
    assert fresh["key"] not in listed.out
    assert ringback(tmp_path, "keys", "revoke", "key_nobody").code == 2
    nobodys = ringback(tmp_path, "keys", "create", "--account", "sub_nobody")
    assert (nobodys.code, nobodys.err) == (2, "ringback: there is no account sub_nobody\n")

    assert ringback(tmp_path, "keys", "hide").code == 0
    assert not (tmp_path / "ringback-data" / "first-key").exists()
    assert await client.status("/v1/numbers", first) == 200
    assert server.stop() == 0
    await server.start()
    assert not (tmp_path / "ringback-data" / "first-key").exists()
    assert await client.status("/v1/numbers", first) == 200
    assert await client.status("/v1/numbers", fresh["key"]) == 401


async def test_keys_without_a_server(server: Process, client: Client, tmp_path: Path) -> None:
    made = ringback(tmp_path, "keys", "create", "--json")
    assert made.code == 0, made.err
    key, key_id = (json.loads(made.out)[name] for name in ("key", "id"))
    nobodys = ringback(tmp_path, "keys", "create", "--account", "sub_nobody")
    assert (nobodys.code, nobodys.err) == (2, "ringback: there is no account sub_nobody\n")
    await server.start()
    assert await client.status("/v1/numbers", key) == 200
    server.kill()
    # A killed server leaves its server.json behind; commands must not fall for it.
    assert (tmp_path / "ringback-data" / "server.json").exists()
    assert ringback(tmp_path, "keys", "revoke", key_id).code == 0
    await server.start()
    assert await client.status("/v1/numbers", key) == 401


def _one_line(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran
    assert ran.out == ""
    lines = ran.err.splitlines()
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("ringback: ")
    for word in words:
        assert word in lines[0]


def test_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        _one_line(ringback(tmp_path, "serve", "--port", port), 2, port, "taken", "RINGBACK_PORT")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"port": "many"}, ("RINGBACK_PORT", "many")),
        ({"port": "65536"}, ("RINGBACK_PORT", "65536")),
        ({"log_level": "loud"}, ("RINGBACK_LOG_LEVEL", "loud")),
        ({"sim_url": "no url"}, ("RINGBACK_SIM_URL",)),
        ({"database_url": "mysql://secret@x/y"}, ("RINGBACK_DATABASE_URL",)),
        ({"role": "api"}, ("PostgreSQL",)),
        ({"submit_timeout_s": "nan"}, ("RINGBACK_SUBMIT_TIMEOUT_S",)),
        ({"secret_key": "short"}, ("RINGBACK_SECRET_KEY",)),
        ({"max_body_bytes": "-1"}, ("RINGBACK_MAX_BODY_BYTES",)),
    ],
)
def test_bad_setting(tmp_path: Path, settings: dict[str, str], words: tuple[str, ...]) -> None:
    ran = (
        ringback(tmp_path, "serve", "--port", "0", **settings)
        if "port" not in settings
        else ringback(tmp_path, "serve", **settings)
    )
    _one_line(ran, 2, *words)
    assert "secret@" not in ran.err
    assert list(tmp_path.iterdir()) == []


def _a_file(folder: Path) -> str:
    (folder / "in-the-way").write_text("")
    return "in-the-way"


def _below_a_file(folder: Path) -> str:
    return f"{_a_file(folder)}/data"


def _kernel_s(folder: Path) -> str:
    return "/proc/ringback"


@pytest.mark.parametrize("place", [_a_file, _below_a_file, _kernel_s])
def test_folder_that_can_not_be(tmp_path: Path, place: Callable[[Path], str]) -> None:
    data = place(tmp_path)
    _one_line(ringback(tmp_path, "serve", "--port", "0", "--data", data), 2, data, "--data")


@pytest.mark.parametrize("name", ["ringback.db", "network.db", "secret.key", "first-key"])
def test_folder_where_a_file_should_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "data" / name).mkdir(parents=True)
    ran = ringback(tmp_path, "serve", "--port", "0", "--data", "data")
    assert ran.code in (2, 3)
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("name", ["ringback.db", "network.db", "secret.key"])
def test_file_that_is_none_of_ours(tmp_path: Path, name: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_bytes(b"these are not the bytes you are looking for" * 500)
    ran = ringback(tmp_path, "serve", "--port", "0", "--data", "data")
    assert ran.code in (2, 3)
    assert "Traceback" not in ran.err
    assert name in ran.err


async def test_sealing_key_that_is_gone(server: Process, tmp_path: Path) -> None:
    """Without its key the store can't be read: say so, and make no new key over it."""
    await server.start()
    assert server.stop() == 0
    (tmp_path / "ringback-data" / "secret.key").unlink()
    ran = ringback(tmp_path, "serve", "--port", "0")
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert "secret.key" in ran.err or "RINGBACK_SECRET_KEY" in ran.err


async def test_disk_that_is_full(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    ran = subprocess.run(
        ["sh", "-c", 'ulimit -f 40; exec "$@"', "sh", *RINGBACK, "serve", "--port", "0"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode in (2, 3)
    assert "Traceback" not in ran.stderr


async def test_second_server_on_one_folder(server: Process, client: Client, tmp_path: Path) -> None:
    await server.start()
    _one_line(ringback(tmp_path, "serve", "--port", "0"), 2, server.url, "--data")
    await client.ask("GET", "/v1/numbers")
    server.kill()
    await server.start()
    await client.ask("GET", "/v1/numbers")


async def test_a_worker_that_is_woken_and_cancelled_ends() -> None:
    """Otherwise a stop under load waits for ever."""
    live = InProcess()
    waiter = live.subscribe("text")

    async def work() -> None:
        while True:
            await waiter.wait(5)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    live.wake("text")
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=1)
    task.cancel()
    assert done
