"""The pace that carriers set, seen from both ends: what is held, in which order it goes, and what is told of it."""

from typing import Any

import pytest

from ringback.testing import Clock, Handsets, Network, Ringback

pytestmark = pytest.mark.scenario


def send(ringback: Ringback, number_id: str, to: str, body: str, **extra: Any) -> Any:
    asked = {"number_id": number_id, "to_number": to, "body": body, **extra}
    answer = ringback.request("POST", "/v1/messages", json=asked)
    assert answer.status == 200, answer.json
    return answer.json


def sent(ringback: Ringback, number_id: str, status: str = "delivered") -> list[str]:
    """Bodies of a number's texts, oldest first."""
    found: list[str] = []
    path = f"/v1/numbers/{number_id}/messages?limit=200"
    page = ringback.request("GET", path).json
    while True:
        found += [message["body"] for message in page["data"] if message["status"] == status]
        if not page["hasMore"]:
            return found[::-1]
        page = ringback.request("GET", f"{path}&before={page['data'][-1]['receivedAt']}").json


def test_a_sole_proprietors_minute(
    ringback: Ringback, handset: Handsets, clock: Clock, network: Network
) -> None:
    """2.25 a second are 135 a minute, and the one that went at its start."""
    number, phone = ringback.request("POST", "/v1/numbers", json={}).json, handset()
    clock.freeze()
    network.set(campaign="sole_proprietor")
    for n in range(200):
        send(ringback, number["id"], phone.number, f"{n}")
    assert ringback.request("POST", "/sim/v1/clock", json={"advanceSeconds": 60}).json["settled"] is True
    assert [text.body for text in phone.inbox()][::-1] == [f"{n}" for n in range(135)]
    clock.advance(minutes=1)
    assert sent(ringback, number["id"]) == [f"{n}" for n in range(200)]


def test_a_day(ringback: Ringback, handset: Handsets, clock: Clock, network: Network) -> None:
    number = ringback.request("POST", "/v1/numbers", json={}).json
    clock.freeze()
    network.set(campaign="sole_proprietor")
    for n in range(5000):
        send(ringback, number["id"], f"+1415555{n % 1000:04d}", f"{n}")
    assert ringback.request("POST", "/sim/v1/clock", json={"advanceSeconds": 86400}).json["settled"] is True
