"""Whole calls of hosted agents: a model decides what is said and done. With speech of tones, and a model that is a real
server."""

from collections.abc import Iterator
from typing import Any

import pytest

from ringback.testing import Handsets, Ringback, WebhookInbox
from ringback.voice.talk.reply import CANNOT_GO_ON, SORRY
from tests.callers import FAKE, alike, call_of, desk, dial, far_end, place, turns, wait_for_end, words_of
from tests.models import DIES, STALLS, Model, Reply, serving
from tests.speech import need

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(150), pytest.mark.realtime]

KEY = "sk-secret-of-a-test"
BYE = Reply(calls=[("end_call", {"say": "Goodbye."})])
HOSTED: dict[str, Any] = {"voiceMode": "hosted", "systemPrompt": "You are the desk of {{shop}}."}


@pytest.fixture
def model() -> Iterator[Model]:
    with serving(BYE) as made:
        yield made


@pytest.fixture
def ringback_settings(model: Model) -> dict[str, Any]:
    need("voice", "pipecat", "numpy")
    return {**FAKE, "llm_url": model.url, "llm_key": KEY, "llm_model_max": "large", "llm_timeout_s": 2}


def system_of(model: Model, n: int = 0) -> str:
    return str(model.requests[n]["messages"][0]["content"])


def names_of(model: Model) -> set[str]:
    """The tools that were offered."""
    return {tool["function"]["name"] for tool in model.requests[0].get("tools", [])}


def asks(*texts: str, pause_ms: int = 20_000) -> list[dict[str, Any]]:
    """A caller who says these one after another, each when the agent is done."""
    script: list[dict[str, Any]] = [{"pauseMs": 1_500}]
    for text in texts:
        script += [{"say": text}, {"pauseMs": 2_500}, {"waitForSilenceMs": 800}]
    return [*script, {"pauseMs": pause_ms}]


def test_a_conversation(ringback: Ringback, handset: Handsets, model: Model) -> None:
    model.will(Reply(("We are open ", "until five, ", "every day. ", "Anything else?")), BYE)
    _, number, number_id = desk(ringback, **HOSTED, beginMessage="Hello, this is the desk.")
    phone = handset()
    call = dial(
        ringback,
        phone.id,
        number,
        {"waitForSilenceMs": 600},
        {"say": "when do you close"},
        {"pauseMs": 2_000},
        {"waitForSilenceMs": 800},
        {"say": "thank you that is all"},
        {"pauseMs": 20_000},
    )
    seen = call_of(ringback, number_id)
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "agent_hangup")
    assert seen["ringback"]["brain"] == "hosted"
    said = turns(ringback, seen["id"])
    assert [text for role, text in said if role == "agent"] == [
        "Hello, this is the desk.",
        "We are open until five, every day. Anything else?",
        "Goodbye.",
    ]
    assert [(one["role"], one["content"]) for one in model.asked()] == [
        ("assistant" if role == "agent" else role, text) for role, text in said[:-1]
    ]
    assert model.keys == [f"Bearer {KEY}"] * 2
    assert model.requests[0]["model"] == "gpt-4.1-mini"
    assert system_of(model).startswith("You are the desk of {{shop}}.")
    assert f"You were called by {phone.number}" in system_of(model)
    assert names_of(model) == {"end_call", "press_digits", "send_text", "read_texts"}
    heard = words_of(far_end(ringback, call), "other")
    assert alike(heard, " ".join(text for role, text in said if role == "agent"))


def test_a_prompt_for_one_call_with_variables_and_tier(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox, model: Model
) -> None:
    agent, _, _ = desk(ringback, webhook_inbox, enableMessaging=False, interruptionSensitivity=0)
    call_id = place(
        ringback,
        agent,
        handset(call_personality="answers").number,
        systemPrompt="You call for {{shop}}.",
        initialGreeting="Hello {{name}}, this is {{shop}}.",
        modelTier="max",
        variables={"shop": "the bakery", "name": "Ada"},
    )
    ended = wait_for_end(ringback, call_id)
    assert (ended["disconnectionReason"], ended["ringback"]["brain"]) == ("agent_hangup", "hosted")
    assert ("agent", "Hello Ada, this is the bakery.") in turns(ringback, call_id)
    assert model.requests[0]["model"] == "large"
    assert system_of(model).startswith("You call for the bakery.")
    assert names_of(model) == {"end_call", "press_digits"}, "neither texts nor anybody to transfer to"


def test_a_caller_interrupts(ringback: Ringback, handset: Handsets, model: Model) -> None:
    long = "This is a very long answer that goes on and on. It tells you much that you do not want to know. "
    model.will(Reply((long,), ends=STALLS), Reply(("Sorry.",)), BYE)
    _, number, number_id = desk(ringback, **HOSTED)
    dial(
        ringback,
        handset().id,
        number,
        {"pauseMs": 500},
        {"say": "tell me everything"},
        {"interruptAfterMs": 1_200, "say": "please stop talking"},
        {"pauseMs": 2_500},
        {"say": "goodbye then"},
        {"pauseMs": 20_000},
    )
    seen = call_of(ringback, number_id)
    assert seen["disconnectionReason"] == "agent_hangup"
    said = turns(ringback, seen["id"])
    heard = said[1][1]
    assert said[1][0] == "agent"
    assert 5 < len(heard) < 60
    assert long.startswith(heard)
    assert model.hung_up == 1, "the request is cancelled"
    told = model.asked(1)
    assert [one["role"] for one in told] == ["user", "assistant", "user"]
    assert told[1]["content"] == heard, "the model knows what was heard and no more"


@pytest.mark.parametrize(
    ("reply", "turns_taken", "detail"),
    [
        (Reply(status=401, error={"error": {"message": KEY}}), 1, "the model's endpoint answered 401"),
        (Reply(status=429, error={}, retry_after="60"), 3, "the model's endpoint answered 429"),
        (Reply(ends=STALLS), 3, "the model said nothing for 2 s"),
    ],
    ids=["wrong key", "busy", "stalls"],
)
def test_a_model_that_does_not_answer(
    ringback: Ringback, handset: Handsets, model: Model, reply: Reply, turns_taken: int, detail: str
) -> None:
    model.will(reply)
    _, number, number_id = desk(ringback, **HOSTED)
    script = asks("the first question", "another question", "one question more", "and a last question")
    if reply.ends == STALLS:
        script = [{"pauseMs": 5_500} if step == {"pauseMs": 2_500} else step for step in script]
    call = dial(ringback, handset().id, number, *script)
    seen = call_of(ringback, number_id, 60)
    assert (seen["status"], seen["disconnectionReason"]) == ("failed", "llm_error")
    assert (seen["ringback"]["endingSide"], seen["ringback"]["endingDetail"]) == ("llm", detail)
    # A sentence that a busy machine tore in two was asked about before it was whole; none is asked about again by itself.
    assert turns_taken <= len(model.requests) < 2 * turns_taken
    agent = [text for role, text in turns(ringback, seen["id"]) if role == "agent"]
    assert agent == [SORRY] * (turns_taken - 1) + [CANNOT_GO_ON]
    assert alike(words_of(far_end(ringback, call), "other"), " ".join(agent))


def test_a_model_that_dies_in_a_sentence(ringback: Ringback, handset: Handsets, model: Model) -> None:
    model.will(Reply(("We are open. Until", 0.1, " "), ends=DIES), BYE)
    _, number, number_id = desk(ringback, **HOSTED)
    dial(ringback, handset().id, number, *asks("when do you close", "well goodbye then"))
    seen = call_of(ringback, number_id)
    assert seen["disconnectionReason"] == "agent_hangup", "the call goes on"
    assert turns(ringback, seen["id"])[1] == ("agent", f"We are open. {SORRY}")


class TestWithoutAModel:
    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        need("voice", "pipecat", "numpy")
        return FAKE

    def test_the_demo_brain_stands_in_and_says_so(self, ringback: Ringback, handset: Handsets) -> None:
        _, number, number_id = desk(ringback, **HOSTED)
        dial(
            ringback,
            handset().id,
            number,
            *asks("well then a good morning hello and hi", pause_ms=2_000),
            {"hangup": True},
        )
        seen = call_of(ringback, number_id)
        assert (seen["disconnectionReason"], seen["ringback"]["brain"]) == ("user_hangup", "demo")
        said = dict(turns(ringback, seen["id"]))
        assert "Hello! This is a demo without a language model.".startswith(said["agent"][:40])
