"""Texts that wait in the queue while the world changes: the gate is passed again when they are handed over."""

from typing import Any

import pytest

from ringback.testing import Clock, Handsets, Network, Ringback

pytestmark = pytest.mark.scenario


def by_body(ringback: Ringback, number_id: str) -> dict[str, Any]:
    page = ringback.request("GET", f"/v1/numbers/{number_id}/messages?limit=200").json
    return {message["body"]: message for message in page["data"]}


def queue(ringback: Ringback, handset: Handsets, clock: Clock, network: Network) -> tuple[str, str, Any]:
    """Eight texts to one phone on a line that takes one a second; the clock stands."""
    number = ringback.request("POST", "/v1/numbers", json={}).json
    phone = handset()
    clock.freeze()
    network.set(messages_per_second=1)
    for n in range(8):
        text = {"number_id": number["id"], "to_number": phone.number, "body": f"promo {n}"}
        assert ringback.request("POST", "/v1/messages", json=text).status == 200
    phone.wait_for("promo 0")
    return number["id"], number["phoneNumber"], phone


def test_stop_ends_what_is_queued(
    ringback: Ringback, handset: Handsets, clock: Clock, network: Network
) -> None:
    number_id, number, phone = queue(ringback, handset, clock, network)
    phone.text(number, "STOP")
    clock.advance(minutes=1)
    assert [message.body for message in phone.inbox() if message.body.startswith("promo")] == ["promo 0"]
    assert [message.body for message in phone.inbox() if "opted out" in message.body] != []
    messages = by_body(ringback, number_id)
    assert {messages[f"promo {n}"]["status"] for n in range(1, 8)} == {"failed"}
    assert "opted out" in messages["promo 7"]["failureReason"]


def test_a_released_number_sends_nothing_more(
    ringback: Ringback, handset: Handsets, clock: Clock, network: Network
) -> None:
    number_id, _, phone = queue(ringback, handset, clock, network)
    assert ringback.request("DELETE", f"/v1/numbers/{number_id}").status == 200
    clock.advance(minutes=1)
    assert [message.body for message in phone.inbox()] == ["promo 0"]
    messages = by_body(ringback, number_id)
    assert {messages[f"promo {n}"]["status"] for n in range(1, 8)} == {"failed"}


@pytest.mark.parametrize(
    "at", ["9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+14:00"]
)
def test_an_expiry_that_no_calendar_has(ringback: Ringback, at: str) -> None:
    """Told at once: it once kept the server from its next start."""
    refused = ringback.request("POST", "/v1/numbers", json={"expiresAt": at})
    assert (refused.status, refused.json["error"]["details"][0]["field"]) == (422, "expiresAt")
    assert ringback.request("GET", "/v1/numbers").json["total"] == 0


def test_what_was_never_attempted_is_not_counted(
    ringback: Ringback, handset: Handsets, clock: Clock, webhook_inbox: Any
) -> None:
    """An endpoint that is deleted between two attempts got one."""
    number = ringback.request("POST", "/v1/numbers", json={}).json
    ringback.request("POST", "/v1/webhooks", json={"url": webhook_inbox.url})
    webhook_inbox.answer(status=500, times=1)
    handset().text(number["phoneNumber"], "hello")
    webhook_inbox.wait_for("agent.message")
    assert ringback.request("DELETE", "/v1/webhooks").status == 200
    clock.advance(hours=3)
    (delivery,) = ringback.request("GET", "/v1/webhooks/deliveries").json["items"]
    assert (delivery["status"], delivery["attemptCount"]) == ("failed", 1)


def test_a_number_that_the_carrier_took_back_is_ours_no_more(
    ringback: Ringback, network: Network, clock: Clock
) -> None:
    agent = ringback.request("POST", "/v1/agents", json={"name": "holder"}).json
    number = ringback.request("POST", "/v1/numbers", json={"agentId": agent["id"]}).json
    network.fault("number-reclaimed", number=number["phoneNumber"])
    clock.advance(seconds=1)
    assert ringback.request("GET", f"/v1/numbers/{number['id']}").json["status"] == "released"
    assert ringback.request("GET", "/v1/numbers").json["total"] == 0
    text = {"agent_id": agent["id"], "to_number": "+14155550123", "body": "hello"}
    assert ringback.request("POST", "/v1/messages", json=text).json["error"]["code"] == "AGENT_HAS_NO_NUMBER"
