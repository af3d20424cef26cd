"""The voice halves of two statements of the vendor's page on phone numbers; the rest is in `test_seed_page`."""

from typing import Any

import pytest

from ringback.testing import Handsets, Ringback, WebhookInbox
from tests.callers import FAKE, alike, call_of, desk, dial, far_end, place, turns, wait_for_end, words_of
from tests.speech import need

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(150), pytest.mark.realtime]

GREETING = "Good morning."
GOODBYE = {"text": "We are open until five.", "hangup": True}


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    need("voice", "pipecat", "numpy")
    return FAKE


def call_in(ringback: Ringback, phone: str, number: str, number_id: str) -> None:
    call = dial(
        ringback, phone, number, {"waitForSilenceMs": 500}, {"say": "when do you close"}, {"pauseMs": 20_000}
    )
    heard = words_of(far_end(ringback, call), "other")
    assert alike(heard, "We are open until five.")
    seen = call_of(ringback, number_id)
    assert (seen["direction"], seen["status"]) == ("inbound", "completed")


def call_out(ringback: Ringback, agent: str, to: str) -> None:
    call = wait_for_end(ringback, place(ringback, agent, to, initialGreeting=GREETING))
    assert (call["direction"], call["status"]) == ("outbound", "completed")
    words = next(words for who, words in turns(ringback, call["id"]) if who == "agent")
    assert GREETING.startswith(words)


def test_01_a_number_calls_in_both_directions(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    """A number made by the API takes part in voice, both directions."""
    webhook_inbox.answer(body=GOODBYE)
    agent, number, number_id = desk(ringback, webhook_inbox)
    call_in(ringback, handset().id, number, number_id)
    call_out(ringback, agent, handset(call_personality="hangs-up-midway").number)


@pytest.mark.parametrize("registration", ["never", "review"])
def test_04_voice_works_whatever_the_registration_says(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox, registration: str
) -> None:
    """Voice, in and out, works at once."""
    webhook_inbox.answer(body=GOODBYE)
    ringback.request("PATCH", "/sim/v1/network", json={"registration": registration})
    agent, number, number_id = desk(ringback, webhook_inbox)
    call_out(ringback, agent, handset(call_personality="hangs-up-midway").number)
    call_in(ringback, handset().id, number, number_id)
