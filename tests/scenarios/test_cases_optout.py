"""Faults that others had, retold: the word that ends it."""

from typing import Any

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


def buy_again(line: Line, to: str, headers: dict[str, str] | None = None, api_key: str | None = None) -> Any:
    """Whoever `headers` and `api_key` name buys the line's very number; the answer of its text to `to`."""
    key = api_key or line.ringback.api_key
    asked = {"ringback": {"phoneNumber": line.number}}
    bought = line.ringback.request("POST", "/v1/numbers", json=asked, headers=headers, api_key=key)
    assert (bought.status, bought.json["phoneNumber"]) == (200, line.number)
    line.number_id = bought.json["id"]
    text = line.text("here we are again", to)
    return line.ringback.request("POST", "/v1/messages", json=text, headers=headers, api_key=key)


def test_a_number_given_up_and_bought_again_forgets_no_stop(line: Line, handset: Handsets) -> None:
    """Otherwise a release would be a way round STOP. A START ends it then as ever, and for good."""
    other = handset()
    line.hear("STOP")
    for _ in range(2):
        line.ask("DELETE", f"/v1/numbers/{line.number_id}")
        assert buy_again(line, other.number).status == 200
        error = line.refused("POST", "/v1/messages", 403, body=line.text("x"))
        assert error["code"] == "RECIPIENT_OPTED_OUT"
    line.hear("START")
    line.send("welcome back")
    line.ask("DELETE", f"/v1/numbers/{line.number_id}")
    assert buy_again(line, line.phone.number).status == 200


def test_a_stop_holds_among_an_account_and_its_sub_accounts(line: Line) -> None:
    """The person told a number to stop, and whoever of one house holds it now is meant; a stranger begins anew."""
    ringback, person = line.ringback, line.phone.number
    inside = [
        {"X-Sub-Account-Id": line.ask("POST", "/v1/sub-accounts", {"name": name})["id"]} for name in "ab"
    ]
    line.hear("STOP")
    line.ask("DELETE", f"/v1/numbers/{line.number_id}")
    for headers in inside:
        answer = buy_again(line, person, headers)
        assert (answer.status, answer.json["error"]["code"]) == (403, "RECIPIENT_OPTED_OUT")
        assert ringback.request("DELETE", f"/v1/numbers/{line.number_id}", headers=headers).status == 200
        line.ask("DELETE", f"/v1/sub-accounts/{headers['X-Sub-Account-Id']}")
    stranger = ringback.new_account("stranger")
    assert buy_again(line, person, api_key=stranger).status == 200
    assert ringback.request("DELETE", f"/v1/numbers/{line.number_id}", api_key=stranger).status == 200
    assert buy_again(line, person).json["error"]["code"] == "RECIPIENT_OPTED_OUT"
