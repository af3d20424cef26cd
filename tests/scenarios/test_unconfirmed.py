"""Texts whose submit was never answered: not sent again, and settled by the receipt, before or after we gave up."""

from collections.abc import Callable
from typing import Any

import pytest

from ringback.testing import Clock, Handsets, Network, Ringback
from tests.phones import until

pytestmark = pytest.mark.scenario


def send(ringback: Ringback, network: Network, phone: Any) -> Callable[[], str]:
    """One text that the carrier takes without a word."""
    number = ringback.request("POST", "/v1/numbers", json={}).json
    network.fault("submit-timeout", number=phone.number)
    text = {"number_id": number["id"], "to_number": phone.number, "body": "taken"}
    assert ringback.request("POST", "/v1/messages", json=text).status == 200

    def status() -> str:
        page = ringback.request("GET", f"/v1/numbers/{number['id']}/messages").json
        found: str = page["data"][0]["status"]
        return found

    return status


def test_a_receipt_that_came_before_we_gave_up(
    ringback: Ringback, handset: Handsets, network: Network
) -> None:
    phone = handset()
    status = send(ringback, network, phone)
    phone.wait_for("taken")
    until(lambda: status() == "delivered", timeout_s=20)
    assert [message.body for message in phone.inbox()] == ["taken"]


def test_a_receipt_that_comes_later(
    ringback: Ringback, handset: Handsets, clock: Clock, network: Network
) -> None:
    phone = handset()
    clock.freeze()
    network.set(latency_ms=60_000)
    status = send(ringback, network, phone)
    until(lambda: status() == "unconfirmed", timeout_s=20)
    clock.advance(minutes=3)
    until(lambda: status() == "delivered", timeout_s=20)
    assert [message.body for message in phone.inbox()] == ["taken"]


def test_a_text_that_never_arrives(ringback: Ringback, handset: Handsets, network: Network) -> None:
    phone = handset(personality="lost-receipt")
    status = send(ringback, network, phone)
    until(lambda: status() == "unconfirmed", timeout_s=20)
    assert [message.body for message in phone.inbox()] == ["taken"]
