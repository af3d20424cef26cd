"""Faults that others had, retold: the word that ends it."""

import pytest

from ringback.testing import Handsets, Ringback
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
STOPS += ["CANCEL", "End", "quit", "REVOKE", "OPTOUT", "opt out", "Opt-Out"]
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


@pytest.mark.parametrize("sentence", SENTENCES)
def test_stop_inside_a_sentence(line: Line, sentence: str) -> None:
    line.hear(sentence)
    line.send("noted")


def test_stop_blocks_before_the_carrier(line: Line) -> None:
    line.hear("STOP")
    [confirmation] = [message for message in line.messages() if message["direction"] == "outbound"]
    assert line.phone.wait_for().body == confirmation["body"]
    before = line.messages()
    to = line.phone.number
    for sender in ({"agent_id": line.agent_id}, {"from_number": line.number}, {"number_id": line.number_id}):
        for spelled in (to, f"tel:{to}", to[2:]):
            body = {**sender, "to_number": spelled, "body": "no"}
            assert line.refused("POST", "/v1/messages", 403, body=body)["code"] == "RECIPIENT_OPTED_OUT"
    assert [message["id"] for message in line.messages()] == [message["id"] for message in before]
    assert len(line.phone.inbox()) == 1
    line.hear("START")
    line.send("back again")
