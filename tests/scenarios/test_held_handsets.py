"""A person at a handset: a page speaks and hears over a simulated line. With speech of tones, without a browser."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Handset, Handsets, Ringback, WebhookInbox
from tests.browsers import PROTOCOL, Page, connect
from tests.callers import FAKE, alike, call_of, desk, far_end, place, wait_for_end, wait_until, words_of
from tests.calling import network_apart
from tests.faults.processes import Process
from tests.speech import need

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(150), pytest.mark.realtime]

GREETING = "Hello, this is the desk."
NO_CALL = 4401
Hold = Callable[[str], Page]


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    need("voice", "pipecat", "numpy", "websockets")
    return FAKE


@pytest.fixture
def hold(ringback: Ringback) -> Iterator[Hold]:
    """`hold(call_id)`: a page that takes the handset of a call."""
    pages: list[Page] = []

    def hold(call_id: str) -> Page:
        page = Page(f"{ringback.base_url}/sim", first=15)
        pages.append(page)
        return page.open(token(ringback, call_id))

    yield hold
    for page in pages:
        page.close()


def token(ringback: Ringback, call_id: str) -> str:
    answer = ringback.request("POST", f"/sim/v1/calls/{call_id}/talk", json={})
    assert answer.status == 200, answer.json
    assert answer.json["callId"] == call_id
    return str(answer.json["accessToken"])


def dial(ringback: Ringback, phone: Handset, to: str) -> str:
    """A person calls with this phone; answers the id of its call."""
    answer = ringback.request("POST", f"/sim/v1/handsets/{phone.id}/calls", json={"to": to, "live": True})
    assert answer.status == 200, answer.json
    return str(answer.json["id"])


def ringing_at(ringback: Ringback, phone: Handset) -> str:
    """The id of the call that rings at this phone."""
    query = {"status": "ringing", "wait": 20}
    page = ringback.request("GET", f"/sim/v1/handsets/{phone.id}/calls", query=query).json
    return str(page["data"][0]["id"])


def test_who_hangs_up_at_once_was_a_caller_and_no_fault_of_the_carrier(
    ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets
) -> None:
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage=GREETING)
    for _ in range(4):
        call = dial(ringback, handset(), number)
        assert ringback.request("POST", f"/sim/v1/calls/{call}/hangup", json={}).status == 200
        assert far_end(ringback, call)["status"] != "in-progress"
    wait_until(
        lambda: all(one["endedAt"] for one in ringback.request("GET", "/v1/calls").json["data"]),
        "a call goes on",
    )
    time.sleep(1)
    found = ringback.request("GET", f"/v1/numbers/{number_id}/calls").json["data"]
    assert {(one["status"], one["disconnectionReason"]) for one in found} <= {("canceled", "user_hangup")}


def test_a_person_calls_an_agent(
    ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets, hold: Hold
) -> None:
    webhook_inbox.answer(body={"text": "We are open until five. Goodbye.", "hangup": True})
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage=GREETING)
    call = dial(ringback, handset(), number)
    page = hold(call)
    page.wait_started()
    page.wait_for("the desk.")
    page.say("when do you close")
    page.wait_for("Goodbye.")
    seen = call_of(ringback, number_id)
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "agent_hangup")
    assert alike(webhook_inbox.wait_for("agent.message").body["data"]["transcript"], "when do you close")
    assert page.wait_closed() == 1000
    assert page.ended
    own = far_end(ringback, call)
    assert (own["status"], own["reason"], own["trouble"]) == ("completed", "other_hung_up", None)
    assert alike(words_of(own, "handset"), "when do you close")
    assert alike(words_of(own, "other"), f"{GREETING} We are open until five. Goodbye.")
    first, second, third = own["words"]
    assert [one["who"] for one in own["words"]] == ["other", "handset", "other"]
    assert first["endMs"] <= second["startMs"] < second["endMs"] <= third["startMs"]
    assert own["audioUrl"]


def answer_an_agent(ringback: Ringback, inbox: WebhookInbox, phone: Handset, hold: Hold) -> None:
    """An agent calls; the phone rings until somebody takes it, who hears, presses a key and hangs up."""
    inbox.answer(body={"text": "Five it is."})
    agent, _, _ = desk(ringback, inbox, beginMessage=GREETING)
    placed = place(ringback, agent, phone.number)
    call = ringing_at(ringback, phone)
    page = hold(call)
    page.wait_started()
    page.wait_for("the desk.")
    page.press("5")
    assert inbox.wait_for("agent.message").body["data"]["transcript"] == "5"
    page.wait_for("it is.")
    page.hang_up()
    seen = wait_for_end(ringback, placed)
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "user_hangup")
    own = far_end(ringback, call)
    assert (own["direction"], own["status"], own["reason"]) == ("in", "completed", "hung_up")


def test_an_agent_calls_a_phone_that_a_person_answers(
    ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets, hold: Hold
) -> None:
    answer_an_agent(ringback, webhook_inbox, handset(call_personality="manual"), hold)


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with network_apart(tmp_path_factory.mktemp("sim")) as process:
        yield process


class TestNetworkApart:
    """The network in a process of its own: the server carries the page's connection there."""

    @pytest.fixture
    def ringback_settings(self, sim: Process) -> dict[str, Any]:
        return {**FAKE, "sim_url": sim.url}

    def test_a_person_answers_there_too(
        self, ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets, hold: Hold
    ) -> None:
        answer_an_agent(ringback, webhook_inbox, handset(call_personality="manual"), hold)

    def test_who_is_not_let_in_hears_why(self, ringback: Ringback) -> None:
        page = Page(f"{ringback.base_url}/sim").open("nonsense")
        assert (page.wait_closed(), page.reason) == (
            NO_CALL,
            "the token is wrong, was used, or is older than 30 s",
        )
        page.close()


def test_a_page_that_lost_its_connection_goes_on(
    ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets, hold: Hold
) -> None:
    webhook_inbox.answer(body={"text": "There you are. Goodbye.", "hangup": True})
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage=GREETING)
    page = hold(dial(ringback, handset(), number))
    ticket = page.wait_started()["ticket"]
    page.wait_for("the desk.")
    page.lose()
    page.wait_closed()
    time.sleep(1)
    page.open(ticket)
    page.wait_started()
    page.say("are you still there or did we lose each other")
    page.wait_for("Goodbye.")
    assert call_of(ringback, number_id)["disconnectionReason"] == "agent_hangup"


@pytest.mark.parametrize("came", [True, False])
def test_a_person_who_stays_away_has_hung_up(
    ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets, hold: Hold, came: bool
) -> None:
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage=GREETING)
    call = dial(ringback, handset(), number)
    if came:
        page = hold(call)
        page.wait_for("Hello,")
        page.lose()
    seen = call_of(ringback, number_id)
    assert seen["disconnectionReason"] == "user_hangup"
    own = far_end(ringback, call)
    assert (own["status"], own["reason"]) == ("completed", "page_lost")
    assert own["trouble"] == "the page did not come, or lost its connection and did not come back"


def test_a_tab_that_is_closed_hangs_up_at_once(
    ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets, hold: Hold
) -> None:
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage=GREETING)
    call = dial(ringback, handset(), number)
    page = hold(call)
    page.wait_for("Hello,")
    left = time.monotonic()
    page.leave()
    seen = call_of(ringback, number_id)
    assert time.monotonic() - left < 4
    assert seen["disconnectionReason"] == "user_hangup"
    assert far_end(ringback, call)["reason"] == "hung_up"


def test_a_dead_exchange_ends_it_with_the_truth(
    ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets, hold: Hold
) -> None:
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage=GREETING)
    call = dial(ringback, handset(), number)
    page = hold(call)
    ticket = page.wait_started()["ticket"]
    page.wait_for("Hello,")
    found = json.loads((Path(ringback.settings.data) / "voice" / "exchange.json").read_text())
    os.kill(found["pid"], signal.SIGKILL)
    assert page.wait_closed() == 1006
    own = far_end(ringback, call)
    assert (own["status"], own["reason"]) == ("failed", "lost")
    page.open(ticket)
    assert (page.wait_closed(), page.reason) == (NO_CALL, "the call is over")
    assert call_of(ringback, number_id)["status"] != "completed"


def test_a_person_takes_the_phone_from_its_script(
    ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets, hold: Hold
) -> None:
    mine, other = handset(), handset(call_personality="silent")
    asked = {"to": other.number, "script": [{"pauseMs": 3_000}, {"dtmf": "1"}]}
    call = ringback.request("POST", f"/sim/v1/handsets/{mine.id}/calls", json=asked).json["id"]
    page = hold(call)
    page.wait_started()
    page.press("7")
    theirs = other.calls()[0]
    wait_until(lambda: theirs.look().keys, "the key was not heard")
    time.sleep(4)
    page.hang_up()
    assert theirs.wait().keys == "7"
    assert theirs.wait().reason == "other_hung_up"


def test_two_pages_are_one_person(ringback: Ringback, handset: Handsets, hold: Hold) -> None:
    mine, other = handset(), handset(call_personality="manual")
    call = dial(ringback, mine, other.number)
    first = hold(call)
    first.wait_started()
    second = hold(call)
    second.wait_started()
    assert first.wait_closed() == 4409
    second.hang_up()
    assert far_end(ringback, call)["reason"] == "cancelled"


def test_a_phone_with_a_person_on_it_is_busy_and_calls_nobody_else(
    ringback: Ringback, handset: Handsets, hold: Hold
) -> None:
    mine, other, third = (handset(call_personality="manual") for _ in range(3))
    earlier = third.call(mine.number)
    waiting = ringing_at(ringback, mine)
    call = dial(ringback, mine, other.number)
    page = hold(call)
    page.wait_started()

    def refused(path: str, body: Any) -> None:
        answer = ringback.request("POST", path, json=body)
        assert (answer.status, answer.json["error"]["code"]) == (409, "HANDSET_IN_CALL")
        assert call in answer.json["error"]["message"]

    for asked in ({"to": third.number}, {"to": third.number, "live": True}):
        refused(f"/sim/v1/handsets/{mine.id}/calls", asked)
    for act in ("talk", "answer"):
        refused(f"/sim/v1/calls/{waiting}/{act}", {})
    assert third.call(mine.number).wait().reason == "busy"
    query = {"status": "living"}
    living = ringback.request("GET", f"/sim/v1/handsets/{mine.id}/calls", query=query).json["data"]
    assert [(one["id"], one["live"]) for one in living] == [(call, True), (waiting, False)]
    assert ringback.request("POST", f"/sim/v1/calls/{waiting}/decline", json={}).status == 200
    assert earlier.wait().reason == "declined"
    page.hang_up()
    assert not far_end(ringback, call)["live"]
    assert mine.call(third.number).look().status in ("dialing", "ringing")


def test_who_is_not_let_in(ringback: Ringback, handset: Handsets, hold: Hold) -> None:
    mine, other = handset(), handset(call_personality="manual")
    both = {"to": other.number, "live": True, "script": [{"hangup": True}]}
    refused = ringback.request("POST", f"/sim/v1/handsets/{mine.id}/calls", json=both)
    assert refused.status == 422
    call = dial(ringback, mine, other.number)
    used = token(ringback, call)
    page = Page(f"{ringback.base_url}/sim").open(used)
    page.wait_started()
    for secret in (used, "nonsense", f"{call}.00"):
        late = Page(f"{ringback.base_url}/sim").open(secret)
        assert late.wait_closed() == NO_CALL
        late.close()
    page.hang_up()
    assert far_end(ringback, call)["reason"] == "cancelled"
    refused = ringback.request("POST", f"/sim/v1/calls/{call}/talk", json={})
    assert (refused.status, refused.json["error"]["code"]) == (409, "CALL_STATE")
    plain = ringback.request("GET", "/sim/v1/calls/web/connect", api_key=None)
    assert (plain.status, plain.json["error"]["code"]) == (426, "UPGRADE_REQUIRED")
    page.close()


class TestOrigins:
    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        return {**FAKE, "web_origins": ["https://ours.example"]}

    def test_pages_of_others_are_kept_out(self, ringback: Ringback) -> None:
        from websockets.exceptions import InvalidStatus

        with pytest.raises(InvalidStatus) as refused:
            connect(f"{ringback.base_url}/sim", [PROTOCOL, "x"], origin="https://theirs.example").__enter__()
        assert refused.value.response.status_code == 403
