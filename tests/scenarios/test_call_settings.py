"""What an agent's settings make of its calls, over the line and through the API."""

import time
from typing import Any

import pytest

from ringback.testing import Handsets, Ringback, WebhookInbox
from tests.browsers import Page, web_call
from tests.callers import (
    FAKE,
    alike,
    call_of,
    desk,
    dial,
    far_end,
    place,
    recording,
    turns,
    wait_for_end,
    words_of,
)
from tests.speech import need, real_engines

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120), pytest.mark.realtime]


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    need("voice", "pipecat", "numpy")
    return FAKE


def test_a_machine_is_left_a_message(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    agent, _, _ = desk(ringback, webhook_inbox, voicemailMessage="Please call Acme back.")
    phone = handset(call_personality="voicemail")
    call = wait_for_end(ringback, place(ringback, agent, phone.number, initialGreeting="Good morning."))
    assert (call["status"], call["disconnectionReason"]) == ("voicemail", "voicemail_reached")
    assert call["ringback"]["endingSide"] == "caller"
    assert call["ringback"]["endingDetail"].startswith("it ")
    assert turns(ringback, call["id"])[-1] == ("agent", "Please call Acme back.")
    ended = webhook_inbox.wait_for("agent.call_ended").body["data"]
    assert (ended["status"], ended["disconnectionReason"]) == ("voicemail", "voicemail_reached")
    assert [one.body["event"] for one in webhook_inbox.received] == ["agent.call_ended"]


def test_a_notice_of_the_recording_comes_first_and_only_where_there_is_one(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    agent, number, number_id = desk(
        ringback,
        webhook_inbox,
        beginMessage="Hello.",
        ringback={"recordingNotice": "This call is recorded."},
        ambientSound="office",
    )
    call = dial(ringback, handset().id, number, {"waitForSilenceMs": 900}, {"hangup": True})
    seen = call_of(ringback, number_id)
    assert turns(ringback, seen["id"])[0] == ("agent", "This call is recorded. Hello.")
    assert alike(words_of(far_end(ringback, call), "other"), "This call is recorded. Hello.")
    _, spoken = recording(ringback, seen["id"])
    assert any(spoken[-4_000:]), "an office is heard where nobody speaks"
    phone = handset(call_personality="silent")
    quiet = place(ringback, agent, phone.number, initialGreeting="Hi.", ringback={"record": False})
    deadline = time.monotonic() + 20
    while not turns(ringback, quiet):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    ringback.request("POST", f"/v1/calls/{quiet}/end")
    assert turns(ringback, quiet)[0] == ("agent", "Hi.")


class TestLanguage:
    """With engines that know English only."""

    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        return real_engines()

    def test_what_nobody_speaks_ends_the_call_with_the_reason(
        self, ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
    ) -> None:
        agent, number, number_id = desk(ringback, webhook_inbox, language="de-DE")
        out = wait_for_end(ringback, place(ringback, agent, handset(call_personality="answers").number))
        inbound = dial(ringback, handset().id, number, {"pauseMs": 20_000})
        refused = far_end(ringback, inbound, 20)
        assert refused["status"] == "failed", "nobody listens to a ringing tone for a minute"
        seen = call_of(ringback, number_id)
        for call in (out, seen):
            assert (call["status"], call["disconnectionReason"]) == ("failed", "speech_error")
            assert call["ringback"]["endingSide"] == "speech"
            told = "nothing that is configured understands de-DE: moonshine hears English"
            assert call["ringback"]["endingDetail"] == told

    def test_a_page_is_told_why_there_is_no_call(
        self, ringback: Ringback, webhook_inbox: WebhookInbox
    ) -> None:
        agent, _, _ = desk(ringback, webhook_inbox, language="de-DE")
        call = web_call(ringback, agent)
        page = Page(ringback.base_url).open(call["accessToken"])
        try:
            assert page.wait_closed() == 4503
        finally:
            page.close()
        told = "nothing that is configured understands de-DE: moonshine hears English"
        assert (page.started, page.reason) == (None, told)
        seen = wait_for_end(ringback, call["callId"])
        assert (seen["status"], seen["disconnectionReason"]) == ("failed", "speech_error")
        assert (seen["ringback"]["endingSide"], seen["ringback"]["endingDetail"]) == ("speech", told)
        assert (
            webhook_inbox.wait_for("agent.call_ended").body["data"]["disconnectionReason"] == "speech_error"
        )
        ended = ringback.request("GET", "/v1/events", query={"types": "call.ended"}).json["data"]
        assert [(one["data"]["callId"], one["data"]["reason"]) for one in ended] == [
            (call["callId"], "speech_error")
        ]
