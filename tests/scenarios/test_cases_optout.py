"""Faults that others had, retold: the word that ends it."""

import pytest

from ringback.testing import Handsets, Ringback, WebhookInbox
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


STOPS = [
    "STOP",
    "stop",
    "Stop.",
    "  stop \r\n",
    "STOP!",
    '"Stop"',
    "ＳＴＯＰ",
    "stop\u200b",
    "StopAll",
    "Unsubscribe",
]
STOPS += ["CANCEL", "End", "quit"]
SENTENCES = [
    "We have got to STOP this terrible thing",
    "don't stop",
    "the bus stop at 5?",
    "Stopped by earlier",
    "weekend",
    "end of story",
    "non-stop",
    "STOPLIGHT",
    "please cancel my 3pm and book 4pm",
]


@pytest.mark.parametrize("word", STOPS)
def test_stop_spellings(line: Line, word: str) -> None:
    line.hear(word)
    error = line.refused("POST", "/v1/messages", 403, body=line.text("still there?"))
    assert error["code"] == "RECIPIENT_OPTED_OUT"


@pytest.mark.parametrize("word", ["REVOKE", "OPTOUT", "opt out", "Opt-Out"])
def test_stop_words_of_2025(line: Line, word: str) -> None:
    """47 CFR 64.1200(a)(10), in force since April 2025."""
    line.hear(word)
    error = line.refused("POST", "/v1/messages", 403, body=line.text("still there?"))
    assert error["code"] == "RECIPIENT_OPTED_OUT"


@pytest.mark.parametrize("sentence", SENTENCES)
def test_stop_inside_a_sentence(line: Line, webhook_inbox: WebhookInbox, sentence: str) -> None:
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    line.hear(sentence)
    assert webhook_inbox.wait_for("agent.message").body["data"]["message"] == sentence
    line.send("noted")


def test_stop_blocks_before_the_carrier(line: Line) -> None:
    line.hear("STOP")
    [confirmation] = [message for message in line.messages() if message["direction"] == "outbound"]
    assert line.phone.wait_for().body == confirmation["body"]
    before, used = line.messages(), line.ask("GET", "/v1/usage")
    to = line.phone.number
    for sender in ({"agent_id": line.agent_id}, {"from_number": line.number}, {"number_id": line.number_id}):
        for spelled in (to, f"tel:{to}", to[2:]):
            body = {**sender, "to_number": spelled, "body": "no"}
            media = {**body, "media_urls": ["http://127.0.0.1:9/x.png"]}
            for tried in (body, media):
                error = line.refused("POST", "/v1/messages", 403, body=tried)
                assert error["code"] == "RECIPIENT_OPTED_OUT"
    assert [message["id"] for message in line.messages()] == [message["id"] for message in before]
    assert len(line.phone.inbox()) == 1
    assert line.ask("GET", "/v1/usage")["stats"] == used["stats"]
    line.hear("START")
    line.send("back again")


def test_stop_is_between_one_number_and_one_person(line: Line, handset: Handsets) -> None:
    """Another of our numbers, or another person, has nothing to do with it."""
    line.hear("STOP")
    other = line.ask("POST", "/v1/numbers", {"agentId": line.agent_id})["id"]
    text = {"number_id": other, "to_number": line.phone.number, "body": "from another number"}
    line.ask("POST", "/v1/messages", text)
    line.send("to another person", handset().number)
    line.refused("POST", "/v1/messages", 403, body=line.text("x"))
