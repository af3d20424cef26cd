"""Wake-ups are lost: what waits for one is done all the same, at the next look (docs/delivery.md says how soon)."""

import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ringback.live.inprocess import InProcess
from ringback.sim.signal import Signal
from ringback.testing import Handsets, Network, Ringback, WebhookInbox
from ringback.testing.api import Api
from tests.faults.processes import Process, environment
from tests.phones import until
from tests.postgres import databases, postgres_url
from tests.scenarios.events import Stream
from tests.scenarios.lines import Line

__all__ = ["databases", "postgres_url"]
pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]

POLL_S = {"sqlite": 1.0, "postgres": 0.25}
"""How often a worker looks by itself."""
READER_S = 2.0
"""How often a reader of the log looks."""
CARRIER_S = 5.0
"""How often the network in this process is asked for what it has to tell."""
SLACK_S = 1.5
ROUNDS = 4


class Lost:
    """Loses what `of` wakes while inside, and counts it."""

    def __init__(self) -> None:
        self.count = 0
        self._of: type | None = None

    def instead(self, hub: type, wake: Callable[..., None]) -> Callable[..., None]:
        def lose_or_wake(itself: Any, *topics: str) -> None:
            if self._of is hub:
                self.count += 1
            else:
                wake(itself, *topics)

        return lose_or_wake

    @contextmanager
    def of(self, hub: type) -> Iterator[None]:
        self._of = hub
        try:
            yield
        finally:
            self._of = None
        assert self.count, "there was nothing to lose"


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> Lost:
    found = Lost()
    monkeypatch.setattr(InProcess, "wake", found.instead(InProcess, InProcess.wake))
    monkeypatch.setattr(Signal, "ring", found.instead(Signal, Signal.ring))
    return found


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ringback_settings(kind: str, lost: Lost, request: pytest.FixtureRequest) -> dict[str, Any]:
    return {} if kind == "sqlite" else {"database_url": request.getfixturevalue("postgres_url")}


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


@contextmanager
def within(bound_s: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < bound_s + SLACK_S


def test_texts_go(kind: str, lost: Lost, line: Line) -> None:
    """Also the second of a conversation, whose turn comes when the first is done."""
    with lost.of(InProcess):
        for n in range(ROUNDS):
            with within(2 * POLL_S[kind]):
                line.send(f"{n} a")
                line.send(f"{n} b")
                assert [line.phone.wait_for(timeout=10).body for _ in "ab"] == [f"{n} a", f"{n} b"]


def test_webhooks_go(kind: str, lost: Lost, line: Line, webhook_inbox: WebhookInbox) -> None:
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    with lost.of(InProcess):
        for n in range(ROUNDS):
            with within(POLL_S[kind]):
                line.phone.text(line.number, f"{n}")
                assert webhook_inbox.wait_for(timeout=10).body["data"]["message"] == f"{n}"


def test_texts_expire(lost: Lost, line: Line, network: Network) -> None:
    network.fault("outage")
    with lost.of(InProcess), within(1 + 1):
        asked = {**line.text("too late"), "ringback": {"validitySeconds": 1}}
        message = line.ask("POST", "/v1/messages", asked)["id"]
        until(lambda: line.ask("GET", f"/v1/messages/{message}")["status"] == "failed")


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_what_the_carrier_tells_comes(lost: Lost, line: Line) -> None:
    with lost.of(Signal):
        with within(CARRIER_S):
            line.phone.text(line.number, "in")
            until(lambda: [message["body"] for message in line.messages()] == ["in"])
        with within(CARRIER_S):
            message = line.send("out")["id"]
            until(lambda: line.ask("GET", f"/v1/messages/{message}")["status"] == "delivered")


def test_who_waits_for_events_gets_them(lost: Lost, line: Line) -> None:
    known = line.ask("GET", "/v1/events?limit=1000")["data"][-1]["seq"]
    with lost.of(InProcess):
        late = threading.Timer(0.3, lambda: line.ask("POST", "/v1/agents", {"name": "late"}))
        late.start()
        with within(0.3 + READER_S):
            told = line.ask("GET", f"/v1/events?after={known}&wait=30")["data"]
        late.join()
    assert [event["type"] for event in told] == ["agent.created"]


def test_a_stream_tells_them(lost: Lost, line: Line, ringback: Ringback) -> None:
    with lost.of(InProcess), Stream(ringback) as stream:
        for n in range(2):
            with within(READER_S):
                line.ask("POST", "/v1/agents", {"name": f"{n}"})
                assert stream.next()["type"] == "agent.created"


async def test_no_process_hears_of_another(
    postgres_url: str, tmp_path: Path, webhook_inbox: WebhookInbox
) -> None:
    (tmp_path / "sim").mkdir()
    sim = Process(tmp_path / "sim", "sim", "--port", "0", "--data", str(tmp_path / "sim"))
    started = [sim]
    try:
        await sim.start()
        env = environment(database_url=postgres_url, secret_key=secrets.token_hex(32), sim_url=sim.url)
        for role in ("api", "dispatch", "deliver"):
            folder = tmp_path / role
            folder.mkdir()
            process = Process(folder, "serve", "--port", "0", "--data", str(folder), "--role", role, env=env)
            process.become((sys.executable, "-m", "tests.faults.deaf"))
            process.begin()
            started.append(process)
            if role == "api":
                await process.ready()
        key = (tmp_path / "api" / "first-key").read_text().strip()
        host, port = started[1].url.removeprefix("http://").split(":")
        _converse(Api(host, int(port), key), webhook_inbox)
    finally:
        for process in reversed(started):
            process.stop()


def _converse(api: Api, inbox: WebhookInbox) -> None:
    """The workers may still be starting at first, and are waited for."""
    agent = api.call("POST", "/v1/agents", {"name": "Ada"})
    number = api.call("POST", "/v1/numbers", {"agentId": agent["id"]})
    inbox.secret = api.call("POST", "/v1/webhooks", {"url": inbox.url})["secret"]
    phone = Handsets(api)()
    phone.text(number["phoneNumber"], "first")
    inbox.wait_for(timeout=60)
    for n in range(ROUNDS):
        with within(2 * POLL_S["postgres"]):
            text = {"number_id": number["id"], "to_number": phone.number, "body": f"{n}"}
            message = api.call("POST", "/v1/messages", text)["id"]
            until(lambda it=message: api.call("GET", f"/v1/messages/{it}")["status"] == "delivered")  # type: ignore[misc]
        with within(POLL_S["postgres"]):
            phone.text(number["phoneNumber"], f"in {n}")
            assert inbox.wait_for(timeout=10).body["data"]["message"] == f"in {n}"
    known = api.call("GET", "/v1/events?limit=1000")["data"][-1]["seq"]
    late = threading.Timer(0.3, lambda: phone.text(number["phoneNumber"], "late"))
    late.start()
    with within(0.3 + READER_S):
        assert api.call("GET", f"/v1/events?after={known}&wait=30&types=message.received")["data"]
    late.join()
