"""The server's own demo: who texts an agent before there is code gets an answer, one, and never without end."""

import json
import time
from typing import Any

import pytest

from ringback.testing import Handsets, Ringback
from tests.callers import FAKE, dial, far_end, words_of
from tests.phones import until
from tests.scenarios.lines import Line
from tests.scenarios.test_catcher import HOOK, caught, post
from tests.speech import need

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    line = Line(ringback, handset)
    hook = line.ask("POST", HOOK, {"url": caught(line)["demoUrl"]})
    assert hook["url"].endswith("/demo")
    return line


def answers(line: Line) -> list[str]:
    """What the phone got, oldest first."""
    return [text.body for text in line.phone.inbox()][::-1]


def settled(line: Line) -> None:
    until(lambda: all(one["status"] == "delivered" for one in line.ask("GET", f"{HOOK}/deliveries")["data"]))


def test_a_text_gets_an_answer_that_says_what_it_is(line: Line) -> None:
    told = caught(line)
    assert (told["catching"], told["answering"]) == (True, True)
    line.hear("Do you have a table?")
    until(lambda: len(answers(line)) == 1)
    assert answers(line)[0].startswith("This is Ringback's demo.")
    assert answers(line)[0].endswith("You said: Do you have a table?")
    line.hear("For four")
    until(lambda: len(answers(line)) == 2)
    assert answers(line)[1] == "You said: For four"
    assert len(caught(line)["data"]) == 2


def test_a_webhook_that_comes_twice_is_answered_once(line: Line) -> None:
    message = line.hear("hello")
    until(lambda: len(answers(line)) == 1)
    settled(line)
    delivery = line.ask("GET", f"{HOOK}/deliveries")["data"][0]
    line.ask("POST", f"{HOOK}/deliveries/{delivery['id']}/redeliver")
    until(lambda: len(caught(line)["data"]) == 2)
    time.sleep(0.5)
    assert len(answers(line)) == 1
    assert len(line.messages()) == 2
    assert message["body"] == "hello"


def test_an_echo_ends(line: Line, handset: Handsets) -> None:
    echo = handset(personality="echo")
    line.ask("POST", "/v1/messages", line.text("hello", to=echo.number))
    until(lambda: len(line.messages()) >= 4)
    time.sleep(1)
    assert len(line.messages()) <= 5


def test_who_opted_out_gets_none(line: Line) -> None:
    line.hear("STOP")
    until(lambda: len(answers(line)) == 1)  # the confirmation
    settled(line)
    assert "demo" not in answers(line)[0]
    assert len(line.messages()) == 2


def test_nobody_else_makes_it_text(line: Line, handset: Handsets) -> None:
    secret = line.ask("GET", HOOK)["secret"]
    event = {
        "event": "agent.message",
        "channel": "sms",
        "data": {"numberId": line.number_id, "from": handset().number},
    }
    status, _ = post(caught(line)["demoUrl"], json.dumps(event).encode(), f"{secret}x")
    assert status == 403
    assert line.messages() == []
    assert post(caught(line)["url"], json.dumps(event).encode(), secret)[0] == 404


class TestCalls:
    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        need("voice", "pipecat", "numpy")
        return FAKE

    @pytest.mark.realtime
    def test_a_turn_of_a_call_is_answered(self, ringback: Ringback, line: Line) -> None:
        # The first word is not always noticed as a voice at once, so goodbye is said until the agent is gone.
        goodbye: list[dict[str, Any]] = [{"say": "well thank you that is all"}, {"pauseMs": 5_000}]
        hours: list[dict[str, Any]] = [{"say": "what are your hours"}, {"waitForSilenceMs": 900}]
        call = dial(ringback, line.phone.id, line.number, *hours, *goodbye * 3)
        said = words_of(far_end(ringback, call, 40), "other")
        assert "what are your hours" in said
        assert "thank you for calling" in said.lower()
