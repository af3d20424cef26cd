"""Calls from pages: words both ways over a WebSocket, barge-in, tokens, ends. With speech of tones, without a browser."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from ringback.testing import Ringback, WebhookInbox
from tests.browsers import Page, web_call
from tests.callers import FAKE, alike, desk, recording, turns, wait_for_end, wait_until
from tests.speech import need

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(150), pytest.mark.realtime]

GREETING = "Hello, this is the desk."
BAD_TOKEN = 4401


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    need("voice", "pipecat", "numpy", "websockets")
    return FAKE


@pytest.fixture
def page(ringback: Ringback) -> Iterator[Page]:
    page = Page(ringback.base_url)
    yield page
    page.close()


def test_a_page_talks_with_an_agent(ringback: Ringback, webhook_inbox: WebhookInbox, page: Page) -> None:
    webhook_inbox.answer(body={"text": "We are open until five. Goodbye.", "hangup": True})
    agent, _, _ = desk(ringback, webhook_inbox, beginMessage=GREETING)
    call = web_call(ringback, agent)
    page.open(call["accessToken"])
    page.wait_started()
    page.wait_for("the desk.")
    page.say("when do you close")
    page.wait_for("Goodbye.")
    seen = wait_for_end(ringback, call["callId"])
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "agent_hangup")
    said = turns(ringback, call["callId"])
    assert [one for one in said if one[0] == "agent"] == [
        ("agent", GREETING),
        ("agent", "We are open until five. Goodbye."),
    ]
    assert alike(said[1][1], "when do you close")
    asked = webhook_inbox.wait_for("agent.message").body
    assert asked["data"]["transcript"] == said[1][1]
    assert asked["data"]["direction"] == "web"
    webhook_inbox.wait_for("agent.call_ended")
    assert page.wait_closed() == 1000
    assert page.ended
    left, right = recording(ringback, call["callId"])
    assert len(left) == len(right)
    assert max(map(abs, left)) > 500
    assert max(map(abs, right)) > 500


def test_who_interrupts_is_heard_and_what_was_not_played_was_not_said(
    ringback: Ringback, webhook_inbox: WebhookInbox, page: Page
) -> None:
    long = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen."
    webhook_inbox.answer(body={"text": "Very well. Goodbye.", "hangup": True})
    agent, _, _ = desk(ringback, webhook_inbox, beginMessage=long)
    call = web_call(ringback, agent)
    page.open(call["accessToken"])
    page.wait_for("three")
    page.say("stop it please now")
    page.wait_for("Goodbye.")
    seen = wait_for_end(ringback, call["callId"])
    assert seen["disconnectionReason"] == "agent_hangup"
    (greeting, *_) = [text for role, text in turns(ringback, call["callId"]) if role == "agent"]
    assert page.flushes >= 1
    played = page.words().split("Very")[0].split()
    # What is told was played, but for a word that was cut in its middle.
    assert greeting == long[: len(greeting)]
    assert abs(len(greeting.split()) - len(played)) <= 1, (greeting, played)
    assert "sixteen." not in played


def test_a_page_that_plays_late_has_not_heard_it_yet(
    ringback: Ringback, webhook_inbox: WebhookInbox, page: Page
) -> None:
    """A reply is over when the page has played it, and not before; the server runs no more than a second ahead."""
    agent, _, _ = desk(ringback, webhook_inbox, beginMessage=GREETING)
    call = web_call(ringback, agent)
    page.plays = False
    page.open(call["accessToken"])
    page.wait_started()
    wait_until(lambda: len(page.queued()) >= 45, "nothing comes")
    time.sleep(1)
    assert len(page.queued()) <= 55
    assert turns(ringback, call["callId"]) == []
    page.plays = True
    page.wait_for("the desk.")
    wait_until(lambda: turns(ringback, call["callId"]) == [("agent", GREETING)], "the greeting is not told")


def test_keys_of_a_page_are_a_turn(ringback: Ringback, webhook_inbox: WebhookInbox, page: Page) -> None:
    webhook_inbox.answer(body={"text": "Thank you.", "hangup": True})
    agent, _, _ = desk(ringback, webhook_inbox)
    page.open(web_call(ringback, agent)["accessToken"])
    page.wait_started()
    for digit in "12#":
        page.press(digit)
    assert webhook_inbox.wait_for("agent.message").body["data"]["transcript"] == "12#"


@pytest.mark.parametrize("how", ["hang_up", "leave"])
def test_a_page_that_leaves_ends_the_call_at_once(
    ringback: Ringback, webhook_inbox: WebhookInbox, page: Page, how: str
) -> None:
    agent, _, _ = desk(ringback, webhook_inbox, beginMessage=GREETING)
    call = web_call(ringback, agent)
    page.open(call["accessToken"])
    page.wait_for("Hello,")
    left = time.monotonic()
    getattr(page, how)()
    seen = wait_for_end(ringback, call["callId"])
    assert time.monotonic() - left < 3
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "user_hangup")
    assert (seen["ringback"]["endingSide"], seen["ringback"]["endingDetail"]) == ("caller", None)


def test_a_page_whose_connection_breaks_comes_back(
    ringback: Ringback, webhook_inbox: WebhookInbox, page: Page
) -> None:
    webhook_inbox.answer(body={"text": "I am still here. Goodbye.", "hangup": True})
    agent, _, _ = desk(ringback, webhook_inbox, beginMessage=GREETING)
    call = web_call(ringback, agent)
    ticket = page.open(call["accessToken"]).wait_started()["ticket"]
    page.wait_for("the desk.")
    page.lose()
    page.wait_closed()
    time.sleep(2)
    page.open(ticket).wait_started()
    page.say("are you there")
    page.wait_for("Goodbye.")
    seen = wait_for_end(ringback, call["callId"])
    assert seen["disconnectionReason"] == "agent_hangup"
    assert seen["ringback"]["resumed"] == 0
    assert page.wait_closed() == 1000
    late = Page(ringback.base_url).open(ticket)
    assert late.wait_closed() == BAD_TOKEN
    assert "is over" in late.reason


def test_a_page_that_does_not_come_back_has_hung_up(
    ringback: Ringback, webhook_inbox: WebhookInbox, page: Page
) -> None:
    agent, _, _ = desk(ringback, webhook_inbox, beginMessage=GREETING)
    call = web_call(ringback, agent)
    page.open(call["accessToken"]).wait_started()
    page.lose()
    seen = wait_for_end(ringback, call["callId"])
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "user_hangup")
    assert "did not come back" in seen["ringback"]["endingDetail"]


def test_the_api_ends_a_call_of_a_page(ringback: Ringback, webhook_inbox: WebhookInbox, page: Page) -> None:
    agent, _, _ = desk(ringback, webhook_inbox, beginMessage=GREETING)
    call = web_call(ringback, agent)
    page.open(call["accessToken"]).wait_started()
    seen = ringback.request("POST", f"/v1/calls/{call['callId']}/end").json
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "api_end")
    assert page.wait_closed() == 1000
    assert page.ended


def test_a_call_of_a_page_is_not_connected_with_a_number(
    ringback: Ringback, webhook_inbox: WebhookInbox, page: Page
) -> None:
    webhook_inbox.answer(body={"text": "One moment.", "action": "transfer"})
    agent, _, _ = desk(ringback, webhook_inbox, transferNumber="+14155550123")
    page.open(web_call(ringback, agent)["accessToken"]).wait_started()
    page.say("a person please")
    page.wait_for("could not connect you.")
