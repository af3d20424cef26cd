"""A person at a phone of the wall, in a real Chromium: its microphone is heard, the agent's answer is played, keys arrive."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Handsets, Ringback, WebhookInbox
from tests.browser.conftest import speak_into
from tests.browser.test_web_calls import Visit, loudest
from tests.callers import FAKE, call_of, desk, dial, far_end, place, wait_for_end, wait_until, words_of
from tests.console.looking import link_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.realtime]

GREETING = "Hello, this is the desk."
Open = Callable[..., Visit]


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    return FAKE


@pytest.fixture
def wall(ringback: Ringback, browse: Callable[[Path], Any], tmp_path: Path) -> Open:
    """`wall(text, before_s=...)`: the phones, before somebody who says `text` some seconds after the microphone opens."""

    def wall(text: str = "nothing", *, before_s: float = 60) -> Visit:
        speak_into(tmp_path / "microphone.wav", text, before_s=before_s)
        visit = Visit(browse(tmp_path / "microphone.wav"), ringback.base_url + link_of(ringback))
        visit.page.set_default_timeout(60_000)
        visit.page.goto(f"{ringback.base_url}/console/phones")
        return visit

    return wall


def warm_up(ringback: Ringback, number: str) -> None:
    """The first call of a server waits for its worker, and a microphone for nobody."""
    phone = ringback.request("GET", "/sim/v1/handsets").json["data"][0]["id"]
    far_end(ringback, dial(ringback, phone, number, {"waitForSilenceMs": 300}, {"hangup": True}))


def own_call(ringback: Ringback) -> str:
    """The id of the newest call of the only phone."""
    phone = ringback.request("GET", "/sim/v1/handsets").json["data"][0]["id"]
    page = ringback.request("GET", f"/sim/v1/handsets/{phone}/calls", query={"wait": 20, "limit": 1})
    return str(page.json["data"][0]["id"])


def test_a_person_calls_an_agent_talks_and_presses_a_key(
    ringback: Ringback, webhook_inbox: WebhookInbox, wall: Open
) -> None:
    webhook_inbox.answer(body={"text": "We are open until five."})
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage=GREETING)
    warm_up(ringback, number)
    visit = wall("what are your hours", before_s=8)
    page = visit.page
    page.get_by_role("button", name="Call Desk").click()
    said = page.locator(".incall .words")
    said.locator(".bubble:not(.out)", has_text="desk").wait_for()
    page.get_by_text("Microphone on").wait_for()
    said.locator(".bubble.out", has_text="hours").wait_for()
    said.locator(".bubble:not(.out)", has_text="five").wait_for()
    visit.wait_to_hear("five.")
    assert loudest(visit) > 1_000
    heard = webhook_inbox.wait_for("agent.message").body["data"]["transcript"]
    assert "hours" in heard
    page.get_by_role("group", name="Call with Desk").get_by_role("button", name="5", exact=True).click()
    assert webhook_inbox.wait_for("agent.message").body["data"]["transcript"] == "5"
    page.get_by_role("button", name="Hang up").click()
    page.get_by_text("Call ended").wait_for()
    page.locator(".incall").wait_for(state="detached")
    seen = call_of(ringback, number_id)
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "user_hangup")
    own = far_end(ringback, own_call(ringback))
    assert (own["status"], own["reason"]) == ("completed", "hung_up")
    assert "hours" in words_of(own, "handset")
    assert visit.complaints == []
    assert visit.hosts == {"127.0.0.1"}, "no request leaves the machine"


def test_an_agent_calls_and_is_answered_on_the_page(
    ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets, wall: Open
) -> None:
    webhook_inbox.answer(body={"text": "Goodbye.", "hangup": True})
    phone = handset(name="Ada", call_personality="manual")
    agent, _, _ = desk(ringback, webhook_inbox, beginMessage=GREETING)
    visit = wall("here I am", before_s=6)
    page = visit.page
    declined = place(ringback, agent, phone.number)
    ada = page.get_by_label(f"Ada, {shown(phone.number)}")
    ada.get_by_text("Incoming call").wait_for()
    ada.get_by_role("button", name="Decline").click()
    assert wait_for_end(ringback, declined)["disconnectionReason"] == "declined"
    page.locator(".incall").wait_for(state="detached")
    placed = place(ringback, agent, phone.number)
    ada.get_by_role("button", name="Answer").click()
    visit.wait_to_hear("the desk.")
    page.get_by_text("Call ended").wait_for()
    seen = wait_for_end(ringback, placed)
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "agent_hangup")
    page.locator(".incall").wait_for(state="detached")
    assert visit.complaints == []


def shown(e164: str) -> str:
    return f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}"


def test_a_microphone_is_muted_and_a_page_that_is_left_has_hung_up(
    ringback: Ringback, webhook_inbox: WebhookInbox, wall: Open
) -> None:
    _, number, number_id = desk(ringback, webhook_inbox, beginMessage=GREETING)
    warm_up(ringback, number)
    visit = wall("nobody hears this", before_s=12)
    page = visit.page
    page.get_by_role("button", name="Call Desk").click()
    page.get_by_role("button", name="Mute").click()
    page.get_by_text("Microphone off").wait_for()
    visit.wait_to_hear("the desk.")
    page.wait_for_timeout(14_000)
    page.goto(f"{ringback.base_url}/console/calls")
    seen = call_of(ringback, number_id)
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "user_hangup")
    own = far_end(ringback, own_call(ringback))
    assert (own["reason"], words_of(own, "handset")) == ("hung_up", "")


def test_a_dead_exchange_ends_the_call_on_the_page(
    ringback: Ringback, webhook_inbox: WebhookInbox, wall: Open
) -> None:
    _, number, _ = desk(ringback, webhook_inbox, beginMessage=GREETING)
    warm_up(ringback, number)
    visit = wall()
    page = visit.page
    page.get_by_role("button", name="Call Desk").click()
    visit.wait_to_hear("the desk.")
    found = json.loads((Path(ringback.settings.data) / "voice" / "exchange.json").read_text())
    os.kill(found["pid"], signal.SIGKILL)
    page.get_by_text("Call ended").wait_for()
    page.locator(".incall").wait_for(state="detached")
    own = wait_until(lambda: far_end(ringback, own_call(ringback)), "no call")
    assert (own["status"], own["reason"]) == ("failed", "lost")
