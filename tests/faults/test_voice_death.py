"""Processes of live calls die: a media child in the middle of a call, the server while children speak, and both."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Handsets, Ringback, WebhookInbox
from tests.callers import FAKE, call_of, children, desk, dial, far_end, recording, turns, wait_until, words_of
from tests.faults.killable import Killable
from tests.speech import need

pytestmark = [pytest.mark.fault, pytest.mark.timeout(150), pytest.mark.realtime]


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    need("voice", "pipecat", "numpy")
    return FAKE


def talking(ringback: "Ringback | Killable", number: str, number_id: str, phone: str) -> tuple[str, str]:
    """A call in which the agent has greeted; answers both ends' ids of it."""
    asks: list[dict[str, Any]] = [{"pauseMs": 9_000}, {"say": "are you there"}] * 3
    far = dial(ringback, phone, number, *asks, {"pauseMs": 30_000})
    call = wait_until(
        lambda: (found := call_of(ringback, number_id, ended=False)) and found["transcripts"] and found,
        "no greeting",
        20,
    )
    return far, call["id"]


def test_a_child_that_is_killed_is_replaced_and_the_call_goes_on(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    webhook_inbox.answer(body={"text": "Yes I am. Goodbye.", "hangup": True})
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage="Hello.")
    far, call_id = talking(ringback, number, number_id, handset().id)
    (child,) = children(ringback.settings.data)
    os.kill(child, signal.SIGKILL)
    killed = time.monotonic()

    def goes_on() -> Any:
        return ringback.request("GET", f"/v1/calls/{call_id}").json["ringback"]["resumed"]

    wait_until(goes_on, "the call was not taken over", 6)
    assert time.monotonic() - killed < 6
    seen = call_of(ringback, number_id, 40)
    assert (seen["id"], seen["status"], seen["disconnectionReason"]) == (call_id, "completed", "agent_hangup")
    said = [text for role, text in turns(ringback, call_id) if role == "agent"]
    assert said == ["Hello.", "I'm sorry, we were cut off for a moment. Please go on.", "Yes I am. Goodbye."]
    assert "cut off" in words_of(far_end(ringback, far), "other")
    left, right = recording(ringback, call_id)
    assert len(left) / 8 == pytest.approx(seen["durationSeconds"] * 1000, abs=2_500)
    assert max(map(abs, right[-16_000:])) > 500
    webhook_inbox.wait_for("agent.call_ended")


def test_a_child_that_hangs_is_dead_within_three_seconds(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage="Hello.")
    _, call_id = talking(ringback, number, number_id, handset().id)
    (child,) = children(ringback.settings.data)
    os.kill(child, signal.SIGSTOP)
    wait_until(lambda: not Path(f"/proc/{child}/cmdline").exists(), "it still lives", 6)
    wait_until(
        lambda: ringback.request("GET", f"/v1/calls/{call_id}").json["ringback"]["resumed"],
        "the call was not taken over",
        8,
    )


def test_a_call_that_kills_its_children_ends_with_the_truth(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage="Hello.")
    _, call_id = talking(ringback, number, number_id, handset().id)
    end = time.monotonic() + 40
    while time.monotonic() < end:
        for child in children(ringback.settings.data):
            os.kill(child, signal.SIGKILL)
        if ringback.request("GET", f"/v1/calls/{call_id}").json["endedAt"]:
            break
        time.sleep(0.3)
    seen = ringback.request("GET", f"/v1/calls/{call_id}").json
    assert (seen["status"], seen["disconnectionReason"]) == ("failed", "worker_lost")
    assert seen["ringback"]["endingSide"] == "ringback"
    assert webhook_inbox.wait_for("agent.call_ended").body["data"]["disconnectionReason"] == "worker_lost"


def test_a_server_that_stops_says_goodbye(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage="Hello.")
    _, call_id = talking(ringback, number, number_id, handset().id)
    ringback.on_loop(ringback.server.calling.close())
    seen = ringback.request("GET", f"/v1/calls/{call_id}").json
    assert (seen["status"], seen["disconnectionReason"]) == ("failed", "worker_lost")
    assert seen["ringback"]["endingDetail"] == "the server was stopped"
    assert turns(ringback, call_id)[-1] == ("agent", "I'm sorry, I have to end this call now. Goodbye.")


def test_children_of_a_server_that_was_killed_go_on_and_are_taken_back(
    killable: Killable, webhook_inbox: WebhookInbox
) -> None:
    webhook_inbox.answer(body={"text": "Yes I am. Goodbye.", "hangup": True})
    _, number, number_id = desk(killable, webhook_inbox, beginMessage="Hello.")
    _, call_id = talking(killable, number, number_id, killable.handset())
    before = children(killable.data)
    killable.kill()
    time.sleep(2)
    assert children(killable.data) == before, "they go on without it"
    killable.start()
    seen = call_of(killable, number_id, 40)
    assert (seen["id"], seen["status"], seen["disconnectionReason"]) == (call_id, "completed", "agent_hangup")
    assert seen["ringback"]["resumed"] == 0, "its child never stopped"
    assert turns(killable, call_id)[-1] == ("agent", "Yes I am. Goodbye.")
    webhook_inbox.wait_for("agent.call_ended")


def test_server_and_child_die_together(killable: Killable, webhook_inbox: WebhookInbox) -> None:
    webhook_inbox.answer(body={"text": "Yes I am. Goodbye.", "hangup": True})
    _, number, number_id = desk(killable, webhook_inbox, beginMessage="Hello.")
    _, call_id = talking(killable, number, number_id, killable.handset())
    killable.kill()
    for child in children(killable.data):
        os.kill(child, signal.SIGKILL)
    killable.start()
    seen = call_of(killable, number_id, 40)
    assert (seen["id"], seen["disconnectionReason"]) == (call_id, "agent_hangup")
    assert seen["ringback"]["resumed"] == 1
