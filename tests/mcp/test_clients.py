"""The official client as judge, over both transports and in both eras of the protocol; and the doors' own rules."""

import asyncio
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError

from mcp import Client, StdioServerParameters
from ringback.carriers.simulated.local import SimulatedCarrier
from ringback.running import Running, write
from ringback.testing import Ringback, WebhookInbox
from tests.mcp.rpc import ACCEPT, Tools
from tests.phones import until
from tests.scenarios.pages import Desk, lines_to, stopping
from tests.switchboard import Exchange

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]

COMMAND = [sys.executable, "-c", "import sys; from ringback.entry import main; sys.exit(main())", "mcp"]
DOORS = ("http", "stdio")
ERAS = ("auto", "legacy")


def connected(ringback: Ringback, door: str, era: Any) -> AbstractAsyncContextManager[Client]:
    """The official client at one door of this server."""
    return reaching(ringback.base_url, ringback.api_key, door, era)


@asynccontextmanager
async def reaching(url: str, key: str, door: str, era: Any) -> AsyncIterator[Client]:
    async with AsyncExitStack() as stack:
        if door == "http":
            session = create_mcp_http_client({"Authorization": f"Bearer {key}"})
            await stack.enter_async_context(session)
            transport: Any = streamable_http_client(f"{url}/mcp", http_client=session)
        else:
            transport = StdioServerParameters(
                command=COMMAND[0],
                args=[*COMMAND[1:], "--url", url],
                env={**os.environ, "RINGBACK_API_KEY": key},
            )
        yield await stack.enter_async_context(Client(transport, mode=era))


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("door", DOORS)
async def test_the_official_client(ringback: Ringback, door: str, era: str) -> None:
    async with connected(ringback, door, era) as client:
        names = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert len(names) > 35
        assert names["buy_number"].input_schema["properties"]["confirm"]["default"] is False
        assert "account_overview" in str(client.instructions)
        bought = await client.call_tool("buy_number", {"confirm": True, "area_code": "415", "agent_id": None})
        number = json.loads(bought.content[0].text)["number"]  # type: ignore[union-attr]
        assert not bought.is_error
        sent = await client.call_tool(
            "send_message", {"number_id": number["id"], "to_number": "+14155550123", "body": "Hello"}
        )
        assert not sent.is_error
        refused = await client.call_tool(
            "send_message", {"number_id": number["id"], "to_number": "911", "body": "Hello"}
        )
        assert refused.is_error
        assert "NUMBER_BLOCKED" in refused.content[0].text  # type: ignore[union-attr]
        wrong = await client.call_tool("list_numbers", {"limit": 1_000})
        assert wrong.is_error
        [resource] = (await client.list_resources()).resources
        [content] = (await client.read_resource(resource.uri)).contents
        assert json.loads(content.text)["messages"][0]["body"] == "Hello"  # type: ignore[union-attr]
        assert len((await client.list_resource_templates()).resource_templates) == 2
        with pytest.raises(MCPError, match="there is no tool"):
            await client.call_tool("sell_number", {})
        with pytest.raises(MCPError, match="CONVERSATION_NOT_FOUND"):
            await client.read_resource("ringback://conversations/conv_nowhere")


async def test_many_clients_at_once(ringback: Ringback) -> None:
    """One that waits holds up nobody."""
    async with connected(ringback, "http", "auto") as client:
        newest = json.loads((await client.call_tool("list_events", {})).content[0].text)["next"]  # type: ignore[union-attr]
        waiting = [
            asyncio.create_task(client.call_tool("list_events", {**newest, "wait": 4})) for _ in range(5)
        ]
        async with asyncio.timeout(3.5):
            told = await asyncio.gather(*(client.call_tool("account_overview", {}) for _ in range(20)))
        assert not any(one.is_error for one in told)
        assert not any(task.done() for task in waiting)
        assert not any(one.is_error for one in await asyncio.gather(*waiting))


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("door", DOORS)
async def test_who_waits_for_long_is_told_that_it_goes_on(
    ringback: Ringback, door: str, era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringback.doors.mcp.told.EVERY_S", 0.3)
    told: list[str | None] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async with connected(ringback, door, era) as client:
        newest = json.loads((await client.call_tool("list_events", {})).content[0].text)["next"]  # type: ignore[union-attr]
        wait = 2 if door == "http" else 6
        done = await client.call_tool("list_events", {**newest, "wait": wait}, progress_callback=note)
    assert not done.is_error
    assert told
    assert set(told) == {"list_events is still at work"}


def test_who_has_no_key_is_told_nothing(ringback: Ringback) -> None:
    tools = Tools(ringback)
    for key in (None, "sk_live_nobody", ringback.api_key[:-1]):
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        refused = ringback.request("POST", "/mcp", json=asked, api_key=key)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert b"account_overview" not in refused.content
    number = tools.call("buy_number", confirm=True)["number"]
    tools.call("send_message", number_id=number["id"], to_number="+14155550123", body="Mine")
    [mine] = tools.result("resources/list")["resources"]
    other = ringback.new_account()
    assert Tools(ringback, key=other).call("list_numbers")["total"] == 0
    assert Tools(ringback, key=other).result("resources/list")["resources"] == []
    read = Tools(ringback, key=other).post("resources/read", {"uri": mine["uri"]})
    assert "CONVERSATION_NOT_FOUND" in read.json["error"]["message"]
    ringback.revoke_key(other)
    assert Tools(ringback, key=other).post("tools/list").status == 401
    assert tools.post("tools/list").status == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", "x"]
)
def test_pages_of_other_origins_stay_out(ringback: Ringback, origin: str) -> None:
    """MCP, Streamable HTTP: the Origin is judged, and a wrong one answered with 403."""
    tools = Tools(ringback)
    refused = tools.post("tools/list", headers={"Origin": origin})
    assert (refused.status, refused.json["error"]["code"]) == (403, "ORIGIN_NOT_ALLOWED")
    assert tools.post("tools/list", headers={"Origin": ringback.base_url}).status == 200
    rebound = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert tools.post("tools/list", headers={"Host": "evil.example"}).status == 403
    assert tools.post("tools/list", headers=rebound).status == 403


def test_a_session_of_another_server_is_no_matter(ringback: Ringback) -> None:
    """None is kept, so none can be lost: what a client kept from before a restart is let be."""
    told = Tools(ringback).post("tools/list", headers={"Mcp-Session-Id": "of-yesterday"})
    assert (told.status, "result" in told.json) == (200, True)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("door", DOORS)
async def test_a_client_outlives_its_server(tmp_path: Path, door: str, era: Any) -> None:
    desk = Desk(tmp_path)
    serve = (".venv/bin/ringback", "serve", "--port", str(desk.port))
    async with AsyncExitStack() as stack:
        with stopping(desk.start(*serve)) as process:
            lines_to(process, "Next")
            url, key = desk.env["RINGBACK_URL"], (tmp_path / "ringback-data/first-key").read_text().strip()
            client = await stack.enter_async_context(reaching(url, key, door, era))
            made = await client.call_tool("create_agent", {"name": "Kept"})
            assert not made.is_error
        if door == "stdio":
            assert (await client.call_tool("list_agents", {})).is_error
        with stopping(desk.start(*serve)) as process:
            lines_to(process, "Next")
            told = await client.call_tool("list_agents", {})
            assert "Kept" in told.content[0].text  # type: ignore[union-attr]


@pytest.mark.parametrize("era", ERAS)
async def test_what_changes_something_is_done_though_the_client_left(
    ringback: Ringback, era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A purchase is not cut between the carrier and the store."""
    buy = SimulatedCarrier.buy

    async def slow(carrier: SimulatedCarrier, e164: str, reference: str) -> None:
        await buy(carrier, e164, reference)
        await asyncio.sleep(1.5)

    monkeypatch.setattr(SimulatedCarrier, "buy", slow)
    async with connected(ringback, "http", era) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await client.call_tool("buy_number", {"confirm": True, "idempotency_key": "k"})
        again = await client.call_tool("buy_number", {"confirm": True, "idempotency_key": "k"})
        assert json.loads(again.content[0].text)["bought"]  # type: ignore[union-attr]
        # The client's library breaks where the answer that nobody waits for comes while it closes.
        await asyncio.sleep(0.5)
    assert Tools(ringback).call("list_numbers")["total"] == 1


def test_a_wait_ends_with_the_client(ringback: Ringback) -> None:
    """Whoever goes away leaves nothing that waits on for it."""
    exchange = Exchange(ringback)
    tools = Tools(ringback)
    agent = tools.call("create_agent", name="Desk", voice_mode="hosted", system_prompt="Be kind.")["id"]
    tools.call("buy_number", agent_id=agent, confirm=True)
    call = tools.call("make_call", agent_id=agent, to_number="+14155550123")["id"]
    exchange.answered(call)

    def answered() -> list[str]:
        told = ringback.request("GET", "/metrics").content.decode()
        ours = 'route="/v1/calls/{call_id}",status="200"'
        return [line for line in told.splitlines() if ours in line]

    # What is counted is counted for all servers of a process.
    before = answered()
    params = {"name": "get_call", "arguments": {"call_id": call, "wait": True, "timeout": 300}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"Authorization": f"Bearer {ringback.api_key}", "Content-Type": "application/json", **ACCEPT}
    with closing(http.client.HTTPConnection(urlsplit(ringback.base_url).netloc)) as line:
        line.request("POST", "/mcp", json.dumps(asked), headers)
        time.sleep(1)
        assert answered() == before
        # Gone without a word. Who closes politely might still read, and is waited for a little longer.
        line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until(lambda: answered() != before)


def test_bodies_that_are_no_json_rpc(ringback: Ringback) -> None:
    nested = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_numbers","arguments":'
    for raw in (
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 20_000,
        nested + b'{"a":' * 20_000,
        b"\xff\xfe",
        b'{"jsonrpc":"2.0"}',
    ):
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        answer = ringback.request("POST", "/mcp", content=raw, headers=headers)
        assert answer.status in (400, 413), (raw[:20], answer)
    big = b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"' + b"x" * 2_000_000 + b'"}}'
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    assert ringback.request("POST", "/mcp", content=big, headers=headers).status == 413
    for method in ("GET", "DELETE"):
        assert ringback.request(method, "/mcp", headers={"Accept": "text/event-stream"}).status == 405
    told = ringback.request(
        "POST", "/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers
    )
    assert told.status == 202


def talk(lines: list[Any], *options: str, env: dict[str, str] | None = None) -> tuple[list[Any], str, int]:
    """What `ringback mcp` writes on both outputs when it reads these messages, and its exit code.

    Its input stays open until every request is answered, as a host keeps it.
    """
    with subprocess.Popen(
        [*COMMAND, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})},
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        for line in lines:
            process.stdin.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
        process.stdin.flush()
        asked = sum(1 for line in lines if isinstance(line, dict) and "id" in line)
        told = [json.loads(process.stdout.readline()) for _ in range(asked)]
        rest, error = process.communicate(timeout=30)
    told += [json.loads(line) for line in rest.splitlines()]
    return sorted(told, key=lambda message: message.get("id") or 0), error, process.returncode


def opening(*asked: tuple[str, Any]) -> list[Any]:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    calls = [{"jsonrpc": "2.0", "id": n, "method": m, "params": p} for n, (m, p) in enumerate(asked, 1)]
    return [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        *calls,
    ]


def test_mcp_stdout_is_the_wire(ringback: Ringback) -> None:
    """Every line of standard output is a JSON-RPC message, whatever is logged and whatever fails."""
    asked = opening(
        ("tools/list", {}),
        ("tools/call", {"name": "send_message", "arguments": {}}),
        ("tools/call", {"name": "nothing"}),
        ("resources/read", {"uri": "x"}),
    )
    told, _, code = talk(
        ["no message", *asked],
        "--url",
        ringback.base_url,
        env={
            "RINGBACK_API_KEY": ringback.api_key,
            "RINGBACK_LOG_LEVEL": "debug",
            "PYTHONWARNINGS": "default",
        },
    )
    assert code == 0
    assert all(message["jsonrpc"] == "2.0" for message in told)
    by_id = {message.get("id"): message for message in told}
    assert {0, 1, 2, 3, 4} <= by_id.keys()
    assert by_id[2]["result"]["isError"]
    assert "error" in by_id[3]


def test_the_command_finds_the_server_of_its_folder(ringback: Ringback, tmp_path: Path) -> None:
    token = "the-command-line-of-this-test"
    write(ringback.settings.data, Running(ringback.base_url, token, os.getpid()))
    call = ("tools/call", {"name": "list_numbers", "arguments": {}})
    told, _, _ = talk(opening(call), "--data", str(ringback.settings.data), env={"RINGBACK_API_KEY": ""})
    assert json.loads(told[1]["result"]["content"][0]["text"])["total"] == 0
    told, _, _ = talk(
        opening(call, ("tools/list", {})), "--data", str(tmp_path), env={"RINGBACK_API_KEY": ""}
    )
    by_id = {message["id"]: message for message in told}
    assert by_id[1]["result"]["isError"]
    assert "start it with `ringback serve`" in by_id[1]["result"]["content"][0]["text"]
    assert "start it with `ringback serve`" in by_id[2]["error"]["message"]


def test_the_command_says_what_it_lacks(ringback: Ringback, webhook_inbox: WebhookInbox) -> None:
    told, error, code = talk([], "--url", ringback.base_url, env={"RINGBACK_API_KEY": ""})
    assert (told, code) == ([], 2)
    assert "--url needs a key" in error
    call = ("tools/call", {"name": "list_numbers", "arguments": {}})
    for url, key, said in (
        (ringback.base_url, "sk_live_wrong", "a valid API key is needed"),
        ("http://127.0.0.1:9", ringback.api_key, "is it running?"),
        (webhook_inbox.url, ringback.api_key, "is its address right?"),
    ):
        told, _, _ = talk(opening(call), "--url", url, env={"RINGBACK_API_KEY": key})
        assert told[1]["result"]["isError"], told
        assert said in told[1]["result"]["content"][0]["text"]


@pytest.mark.parametrize("how", ["end of input", "SIGINT", "SIGTERM"])
def test_the_command_ends_when_its_host_goes(ringback: Ringback, how: str) -> None:
    """At once, without a word, whatever is being waited for."""
    newest = Tools(ringback).call("list_events", limit=1)["next"]
    asked = opening(("tools/call", {"name": "list_events", "arguments": {**newest, "wait": 60}}))
    with subprocess.Popen(
        [*COMMAND, "--url", ringback.base_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "RINGBACK_API_KEY": ringback.api_key},
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        for line in asked:
            process.stdin.write(json.dumps(line) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 0
        if how == "end of input":
            process.stdin.close()
        else:
            process.send_signal(getattr(signal, how))
        assert process.wait(10) == 0 or how == "SIGTERM"
        # A request that was still waiting may be told of its end.
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in process.stdout)
        assert process.stderr
        assert process.stderr.read() == ""
