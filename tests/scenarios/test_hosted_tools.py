"""What a hosted agent does in a call besides speaking: tools over HTTP, texts, transfers and keys."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ringback.testing import Handsets, Ringback
from tests.callers import FAKE, call_of, desk, dial, far_end, place, turns, wait_for_end, words_of
from tests.models import Model, Reply, serving
from tests.speech import need
from tests.toolshed import Shed, toolshed

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(150), pytest.mark.realtime]

BYE = Reply(calls=[("end_call", {"say": "Goodbye."})])
HOSTED: dict[str, Any] = {"voiceMode": "hosted", "systemPrompt": "You are the desk."}


@pytest.fixture
def model() -> Iterator[Model]:
    with serving(BYE) as made:
        yield made


@pytest.fixture
def shed() -> Iterator[Shed]:
    with toolshed() as made:
        yield made


@pytest.fixture
def ringback_settings(model: Model) -> dict[str, Any]:
    need("voice", "pipecat", "numpy")
    return {**FAKE, "llm_url": model.url}


def asks(text: str) -> list[dict[str, Any]]:
    return [{"pauseMs": 500}, {"say": text}, {"pauseMs": 30_000}]


def results(model: Model) -> list[Any]:
    """What the model was told of its tools at last."""
    return [json.loads(one["content"]) for one in model.asked() if one["role"] == "tool"]


def test_a_tool_that_takes_its_time(ringback: Ringback, handset: Handsets, model: Model, shed: Shed) -> None:
    shed.late_s, shed.body = 1.0, {"free": ["nine", "ten"]}
    tool = {
        "name": "free_slots",
        "description": "When there is room.",
        "url": f"{shed.url}/slots",
        "headers": {"Authorization": "Bearer of-the-tool"},
        "parameters": {"type": "object", "properties": {"day": {"type": "string"}}},
        "executionMessage": "Let me look that up.",
        "timeoutMs": 5_000,
    }
    model.will(Reply((), [("free_slots", {"day": "Monday"})]), Reply(("At nine.",), BYE.calls))
    _, number, number_id = desk(ringback, **HOSTED, customTools=[tool])
    dial(ringback, handset().id, number, *asks("is there room on Monday"))
    seen = call_of(ringback, number_id)
    assert seen["disconnectionReason"] == "agent_hangup"
    assert turns(ringback, seen["id"])[1] == ("agent", "Let me look that up. At nine.")
    _, path, headers, body = shed.asked[0]
    assert (path, body) == ("/slots", {"day": "Monday"})
    assert headers["Authorization"] == "Bearer of-the-tool"
    assert headers["X-Ringback-Call-Id"] == seen["id"]
    assert results(model) == [{"free": ["nine", "ten"]}]


def test_texts_are_sent_and_read(ringback: Ringback, handset: Handsets, model: Model) -> None:
    model.will(
        Reply((), [("send_text", {"text": "Main Street 1"})]),
        Reply((), [("read_texts", {})]),
        Reply(("I have sent it.",), BYE.calls),
    )
    _, number, number_id = desk(ringback, **HOSTED)
    phone = handset()
    phone.text(number, "Where are you?")
    dial(ringback, phone.id, number, *asks("text me the address please"))
    seen = call_of(ringback, number_id)
    assert phone.wait_for("Main Street 1").from_ == number
    sent, read = results(model)
    assert (sent["status"], sent["to"]) == ("sent", phone.number)
    assert [(one["from"], one["text"]) for one in read["texts"]] == [
        ("them", "Where are you?"),
        ("you", "Main Street 1"),
    ]
    assert seen["disconnectionReason"] == "agent_hangup"
    message = ringback.request("GET", f"/v1/messages/{sent['messageId']}").json
    assert message["body"] == "Main Street 1"


def test_a_text_to_whoever_opted_out_is_not_sent(ringback: Ringback, handset: Handsets, model: Model) -> None:
    model.will(Reply((), [("send_text", {"text": "Main Street 1"})]), Reply(("I can't.",), BYE.calls))
    _, number, number_id = desk(ringback, **HOSTED)
    phone = handset()
    phone.text(number, "STOP")
    phone.wait_for()
    dial(ringback, phone.id, number, *asks("text me the address please"))
    call_of(ringback, number_id)
    assert "opted out" in results(model)[0]["error"]
    assert all(text.body != "Main Street 1" for text in phone.inbox())


def test_a_transfer(ringback: Ringback, handset: Handsets, model: Model) -> None:
    model.will(Reply((), [("transfer_call", {"say": "I connect you."})]))
    friend = handset()
    _, number, number_id = desk(ringback, **HOSTED, transferNumber=friend.number)
    dial(ringback, handset().id, number, {"pauseMs": 500}, {"say": "a human please"}, {"pauseMs": 5_000})
    seen = call_of(ringback, number_id)
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "call_transfer")
    assert turns(ringback, seen["id"])[-1] == ("agent", "I connect you.")


def test_a_transfer_that_fails_goes_on(ringback: Ringback, handset: Handsets, model: Model) -> None:
    model.will(Reply((), [("transfer_call", {"say": "I connect you."})]), BYE)
    friend = handset(call_personality="busy")
    _, number, number_id = desk(ringback, **HOSTED, transferNumber=friend.number)
    dial(
        ringback,
        handset().id,
        number,
        {"pauseMs": 500},
        {"say": "a human please"},
        {"pauseMs": 7_000},
        {"say": "well goodbye then"},
        {"pauseMs": 20_000},
    )
    seen = call_of(ringback, number_id)
    assert seen["disconnectionReason"] == "agent_hangup"
    told = [one["content"] for one in model.asked() if one["role"] == "assistant" and one["content"]]
    assert told == ["I connect you.", "I'm sorry, I could not connect you."]


def test_keys_in_a_menu(ringback: Ringback, handset: Handsets, model: Model) -> None:
    model.will(Reply((), [("press_digits", {"digits": "2"})]), Reply())
    agent, _, _ = desk(ringback, **HOSTED)
    menu = handset(call_personality="dtmf-menu")
    call_id = place(ringback, agent, menu.number)
    ended = wait_for_end(ringback, call_id)
    assert ended["disconnectionReason"] == "user_hangup"
    far = ringback.request("GET", f"/sim/v1/handsets/{menu.id}/calls").json["data"][0]
    assert "support" in words_of(far_end(ringback, far["id"]), "handset")
