"""Finished calls saved as scenarios and played again: from the command line, and by the pytest plugin."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ringback import cli, running
from ringback.testing import Handsets, Ringback, Scenarios, WebhookInbox
from tests.callers import FAKE, call_of, desk, dial, place, wait_for_end
from tests.speech import need

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(150), pytest.mark.realtime]
GREETING = "Hello, this is the desk."
LONG = (
    "This is a very long answer that goes on and on. It tells you much that you do not want to know. Really."
)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    need("voice", "pipecat", "numpy")
    return FAKE


@pytest.fixture
def scenario(ringback: Ringback, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `ringback scenario ...` beside the server; answers the exit code and what was said."""
    data = ringback.settings.data
    monkeypatch.delenv("RINGBACK_API_KEY", raising=False)
    running.write(data, running.Running(ringback.base_url, "token", os.getpid()))

    def run(*args: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main(["scenario", *args, "--data", str(data)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_call_that_came_in(
    ringback: Ringback,
    handset: Handsets,
    webhook_inbox: WebhookInbox,
    scenario: Run,
    ringback_scenario: Scenarios,
    tmp_path: Path,
) -> None:
    webhook_inbox.answer(body={"text": "Sorry. Goodbye.", "hangup": True})
    webhook_inbox.answer(body={"text": LONG}, times=1)
    agent, number, number_id = desk(ringback, webhook_inbox, beginMessage=GREETING)
    phone = handset()
    dial(
        ringback,
        phone.id,
        number,
        {"waitForSilenceMs": 700},
        {"say": "tell me everything"},
        {"interruptAfterMs": 1_500, "say": "please stop talking about it now"},
        {"pauseMs": 20_000},
    )
    seen = call_of(ringback, number_id)
    file = tmp_path / "call.yaml"
    code, said, _ = scenario("save", seen["id"], "-o", str(file))
    assert (code, said.splitlines()[0].split(":")[0]) == (0, str(file))
    saved = yaml.safe_load(file.read_text())
    assert (saved["phone"], saved["number"], saved["agent"]) == (phone.number, number, agent)
    assert [list(step) for step in saved["steps"]] == [
        ["waitForSilenceMs"],
        ["say"],
        ["interruptAfterMs", "say"],
    ]
    assert saved["expect"]["turns"][0]["agent"] == GREETING
    assert saved["expect"]["turns"][2]["match"] == "begins"
    assert scenario("save", seen["id"])[1] == file.read_text()

    # The same again, and then a service that says something else. Each end is told, and answered, before.
    webhook_inbox.wait_for("agent.call_ended")
    webhook_inbox.answer(body={"text": LONG}, times=1)
    code, said, error = scenario("run", str(file))
    assert (code, error) == (0, ""), said
    assert f"all {len(said.splitlines()) - 1} hold" in said
    webhook_inbox.wait_for("agent.call_ended")
    webhook_inbox.answer(body={"text": "We are closed.", "hangup": True}, times=1)
    code, said, error = scenario("run", str(file))
    assert (code, error) == (1, "")
    assert "FAIL  3 agent   agent said 'We are closed.', and not agent 'This is" in said, said
    assert "did not say" in said
    assert "ok    status    completed" in said

    webhook_inbox.wait_for("agent.call_ended")
    webhook_inbox.answer(body={"text": LONG}, times=1)
    assert ringback_scenario(file).ok
    webhook_inbox.wait_for("agent.call_ended")
    webhook_inbox.answer(body={"text": "No.", "hangup": True}, times=1)
    with pytest.raises(AssertionError, match=r"do not hold\n(?s:.*)FAIL  3 agent"):
        ringback_scenario(file)


def test_a_call_that_was_made(
    ringback: Ringback,
    handset: Handsets,
    webhook_inbox: WebhookInbox,
    scenario: Run,
    ringback_scenario: Scenarios,
    tmp_path: Path,
) -> None:
    webhook_inbox.answer(body={"text": "It is. Goodbye.", "hangup": True})
    agent, _, _ = desk(ringback, webhook_inbox, beginMessage=GREETING)
    phone = handset(call_personality="manual")
    call_id = place(ringback, agent, phone.number)
    phone.wait_for_ring().answer({"waitForSilenceMs": 700}, "is it ready")
    assert wait_for_end(ringback, call_id)["disconnectionReason"] == "agent_hangup"
    file = tmp_path / "made.yaml"
    scenario("save", call_id, "-o", str(file))
    phone.set(call_personality="busy")
    assert scenario("run", str(file))[0] == 0
    kept = ringback.request("GET", f"/sim/v1/handsets/{phone.id}").json
    assert kept["callPersonality"] == "busy", "the phone is left as it was"

    engaged = wait_for_end(ringback, place(ringback, agent, phone.number))
    scenario("save", engaged["id"], "-o", str(tmp_path / "busy.yaml"))
    phone.set(call_personality="answers")
    ringback_scenario(tmp_path / "busy.yaml")
    other = ringback.request("POST", "/v1/agents", json={"name": "Bo"}).json["id"]
    code, _, error = scenario("run", str(tmp_path / "busy.yaml"), "--agent", other)
    assert (code, len(error.splitlines())) == (2, 1), "an agent without a number can't call"


def test_what_can_not_be_saved_or_played(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox, scenario: Run, tmp_path: Path
) -> None:
    assert scenario("save", "call_none") == (2, "", "ringback: there is no call call_none\n")
    agent, number, _ = desk(ringback, voiceMode="hosted", systemPrompt="Be kind.")
    web = ringback.request("POST", "/v1/calls/web", json={"agentId": agent}).json["id"]
    assert "is not over" in scenario("save", web)[2]
    ringback.request("POST", f"/v1/calls/{web}/end")
    assert "from a browser" in scenario("save", web)[2]
    file = tmp_path / "bare.yaml"
    file.write_text("version: 1\ndirection: inbound\nexpect: {}\n")
    assert "names no number" in scenario("run", str(file))[2]
    assert "no-such" in scenario("run", str(file), "no-such.yaml")[2]
    bare = ringback.request("POST", "/v1/numbers", json={}).json["phoneNumber"]
    code, _, error = scenario("run", str(file), "--number", bare)
    assert code == 2
    assert f"{bare} did not take the call" in error
    assert scenario("run", str(file), "--number", number, "--key", "sk_live_wrong")[0] == 2
