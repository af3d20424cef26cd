"""Calls where each role is a process of its own: who answers requests holds none, and two others share them."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import WebhookInbox
from ringback.testing.api import Api
from tests.browsers import Page, web_call
from tests.callers import (
    FAKE,
    call_of,
    desk,
    dial,
    far_end,
    place,
    recording,
    turns,
    wait_for_end,
    wait_until,
    words_of,
)
from tests.faults.processes import Process, environment, until_true
from tests.postgres import databases, postgres_url
from tests.speech import need

__all__ = ["databases", "postgres_url"]
pytestmark = [pytest.mark.fault, pytest.mark.timeout(240), pytest.mark.realtime]


class Spread:
    """One process of each role, and two of the role voice; `api` asks the one that answers requests."""

    def __init__(self, folder: Path, postgres_url: str) -> None:
        self.folder = folder
        self._url = postgres_url
        self.processes: dict[str, Process] = {}
        self.api: Any = None

    async def start(self) -> None:
        sim = await self._begin("sim", "sim")
        await sim.ready()
        self._env = environment(
            database_url=self._url,
            secret_key=secrets.token_hex(32),
            sim_url=sim.url,
            recordings=self.folder / "recordings",
            **FAKE,
        )
        api = await self._begin("api", "serve", "--role", "api")
        await api.ready()
        key = (self.folder / "api" / "first-key").read_text().strip()
        host, port = api.url.removeprefix("http://").split(":")
        self.api = Api(host, int(port), key)

    async def add(self, *roles: str) -> None:
        for role in roles:
            await self._begin(role, "serve", "--role", role.partition("-")[0])
        for role in roles:
            await self.processes[role].ready()

    async def _begin(self, name: str, *command: str) -> Process:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        where = ("--port", "0", "--data", str(folder))
        env = environment(**FAKE) if name == "sim" else self._env
        process = self.processes[name] = Process(folder, command[0], *where, *command[1:], env=env)
        process.begin()
        return process

    def stop(self) -> None:
        for process in reversed(self.processes.values()):
            process.stop()


@pytest.fixture
async def spread(tmp_path: Path, postgres_url: str) -> AsyncIterator[Spread]:
    need("voice", "pipecat", "numpy", "websockets")
    spread = Spread(tmp_path, postgres_url)
    try:
        await spread.start()
        yield spread
    finally:
        await asyncio.to_thread(spread.stop)


async def test_calls_are_held_by_processes_of_the_role_voice(
    spread: Spread, webhook_inbox: WebhookInbox
) -> None:
    ask = spread.api
    webhook_inbox.answer(body={"text": "We open at nine. Goodbye.", "hangup": True})
    agent, number, number_id = desk(ask, webhook_inbox, beginMessage="Hello.")
    phone = ask.request("POST", "/sim/v1/handsets", json={}).json
    asked = {"agentId": agent, "toNumber": phone["phoneNumber"]}
    refused = ask.request("POST", "/v1/calls", json=asked)
    assert (refused.status, refused.json["error"]["code"]) == (503, "VOICE_UNAVAILABLE")
    assert "role voice" in refused.json["error"]["message"]

    await spread.add("voice-1", "voice-2", "deliver", "dispatch")

    def converse() -> None:
        far = dial(ask, phone["id"], number, {"waitForSilenceMs": 500}, {"say": "what are your hours"})
        assert "open at nine" in words_of(far_end(ask, far), "other")
        call = call_of(ask, number_id)
        assert (call["status"], call["disconnectionReason"]) == ("completed", "agent_hangup")
        assert turns(ask, call["id"])[0][1] == "Hello."
        webhook_inbox.wait_for("agent.call_ended", 30)
        left, right = recording(ask, call["id"])
        assert max(map(abs, left)) > 500 < max(map(abs, right))
        assert ask.request("DELETE", f"/v1/calls/{call['id']}/recording").status == 200
        wait_until(lambda: not list(spread.folder.rglob(f"{call['id']}*")), "the file is still there", 70)

        made = place(ask, agent, phone["phoneNumber"])
        assert wait_for_end(ask, made)["status"] == "completed"

        call = web_call(ask, agent)
        page = Page(spread.processes["api"].url)
        try:
            page.open(call["accessToken"]).wait_started()
            page.say("what are your hours")
            ended = wait_for_end(ask, call["callId"])
        finally:
            page.close()
        assert (ended["status"], ended["disconnectionReason"]) == ("completed", "agent_hangup")

    await asyncio.to_thread(converse)


async def test_what_a_killed_process_held_is_taken_over_by_the_other(
    spread: Spread, webhook_inbox: WebhookInbox
) -> None:
    ask = spread.api
    webhook_inbox.answer(body={"text": "Yes I am. Goodbye.", "hangup": True})
    _, number, number_id = desk(ask, webhook_inbox, beginMessage="Hello.")
    phone = ask.request("POST", "/sim/v1/handsets", json={}).json
    await spread.add("voice-1")
    asks: list[dict[str, Any]] = [{"pauseMs": 18_000}, {"say": "are you there"}] * 3
    far = dial(ask, phone["id"], number, *asks)

    async def greeted() -> bool:
        found = await asyncio.to_thread(call_of, ask, number_id, ended=False)
        return bool(found and found["transcripts"])

    assert await until_true(greeted, 30)
    await spread.add("voice-2")
    killed = time.monotonic()
    spread.processes.pop("voice-1").kill()
    call = await asyncio.to_thread(call_of, ask, number_id, 90)
    assert time.monotonic() - killed < 60
    assert (call["status"], call["disconnectionReason"]) == ("completed", "agent_hangup")
    said = [text for role, text in turns(ask, call["id"]) if role == "agent"]
    assert (said[0], said[1][:26], said[-1]) == (
        "Hello.",
        "I'm sorry, we were cut off",
        "Yes I am. Goodbye.",
    )
    assert "Yes I am" in words_of(await asyncio.to_thread(far_end, ask, far), "other")
