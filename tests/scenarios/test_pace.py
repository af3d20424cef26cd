"""The pace that carriers set, seen from both ends: what is held, in which order it goes, and what is told of it."""

from datetime import datetime
from typing import Any

import pytest

from ringback.kit.pace import T_MOBILE
from ringback.sim.operators import operator_of
from ringback.testing import Clock, Handsets, Network, Ringback

pytestmark = pytest.mark.scenario


def send(ringback: Ringback, number_id: str, to: str, body: str, *, validity_s: int = 86_400) -> Any:
    extras = {"validitySeconds": validity_s}
    asked = {"number_id": number_id, "to_number": to, "body": body, "ringback": extras}
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


def test_a_day(ringback: Ringback, clock: Clock, network: Network) -> None:
    """It holds 3,000 segments, ends at midnight in Los Angeles, and passes in seconds."""
    number = ringback.request("POST", "/v1/numbers", json={}).json
    clock.freeze()
    two_in_the_morning = {"advanceTo": "2040-01-15T10:00:00Z"}
    assert ringback.request("POST", "/sim/v1/clock", json=two_in_the_morning).json["settled"] is True
    network.set(campaign="sole_proprietor")
    for n in range(4000):
        send(ringback, number["id"], f"+1415555{n % 1000:04d}", f"{n}", validity_s=172_800)
    for hours, depth in ((21, 1000), (3, 0)):
        moved = ringback.request("POST", "/sim/v1/clock", json={"advanceSeconds": hours * 3600})
        assert moved.json["settled"] is True
        assert usage(ringback)["depth"] == depth
    assert sorted(sent(ringback, number["id"]), key=int) == [f"{n}" for n in range(4000)]


def usage(ringback: Ringback) -> Any:
    return ringback.request("GET", "/v1/usage").json["ringback"]["queue"]


def test_the_answer_tells_when_a_text_goes(
    ringback: Ringback, handset: Handsets, clock: Clock, network: Network
) -> None:
    """And it goes then: at its millisecond, if nothing else comes between."""
    number, phone = ringback.request("POST", "/v1/numbers", json={}).json, handset()
    assert send(ringback, number["id"], phone.number, "free")["ringback"]["estimatedSendAt"] is None
    clock.freeze()
    network.set(campaign="low_volume")
    told = []
    for n in range(6):
        told.append(send(ringback, number["id"], phone.number, f"{n}")["ringback"]["estimatedSendAt"])
        clock.advance(seconds=0)  # what is being handed over counts as waiting still
    assert told == sorted(set(told))
    clock.advance(minutes=1)
    arrived = {text.body: text.at for text in phone.inbox()}
    late_s = [(arrived[f"{n}"] - datetime.fromisoformat(at)).total_seconds() for n, at in enumerate(told)]
    assert [0 <= late <= 0.002 for late in late_s] == [True] * 6, late_s


def test_a_repeated_send_is_told_the_same(ringback: Ringback, clock: Clock, network: Network) -> None:
    """Also by the long way through the server, which a key takes."""
    number = ringback.request("POST", "/v1/numbers", json={}).json
    clock.freeze()
    network.set(campaign="sole_proprietor")
    for n in range(3):
        send(ringback, number["id"], "+14155550123", f"{n}")
    asked = {"number_id": number["id"], "to_number": "+14155550123", "body": "again"}
    answers = [
        ringback.request("POST", "/v1/messages", json=asked, headers={"Idempotency-Key": "one"}).json
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert answers[0]["ringback"]["estimatedSendAt"] is not None


def test_usage_tells_of_the_queue(ringback: Ringback, clock: Clock, network: Network) -> None:
    first, second = (ringback.request("POST", "/v1/numbers", json={}).json for _ in range(2))
    assert usage(ringback) == {
        "depth": 0,
        "oldestAgeSeconds": None,
        "expectedEndAt": None,
        "campaign": None,
        "numbers": [],
    }
    clock.freeze()
    network.set(campaign="sole_proprietor")
    for n in range(7):
        send(ringback, (first, second)[n % 2]["id"], f"+1415555{n:04d}", "a" * 200)
    clock.advance(seconds=1.2)
    found = usage(ringback)
    assert (found["depth"], found["oldestAgeSeconds"]) == (4, 1), "0, 0.44 and 0.88 s have passed"
    campaign = found["campaign"]
    assert (campaign["depth"], campaign["segments"], campaign["segmentsToday"]) == (4, 8, 6)
    assert campaign["messagesPerSecond"] == 2.25
    assert sum(number["depth"] for number in found["numbers"]) == 4
    assert {number["phoneNumber"] for number in found["numbers"]} == {
        first["phoneNumber"],
        second["phoneNumber"],
    }
    clock.advance(seconds=30)
    assert usage(ringback)["depth"] == 0


def test_a_validity_that_passes_in_the_queue(
    ringback: Ringback, handset: Handsets, clock: Clock, network: Network
) -> None:
    """The text fails then, and says why; those behind it keep their order."""
    number, phone = ringback.request("POST", "/v1/numbers", json={}).json, handset()
    clock.freeze()
    network.set(campaign="sole_proprietor")
    for n in range(10):
        validity = 2 if n == 7 else 3600
        send(ringback, number["id"], phone.number, f"{n}", validity_s=validity)
    clock.advance(seconds=2)
    page = ringback.request("GET", f"/v1/numbers/{number['id']}/messages").json["data"]
    [failed] = [message for message in page if message["status"] == "failed"]
    assert (failed["body"], failed["failureReason"]) == ("7", "its validity passed in the queue")
    assert len([message for message in page if message["status"] == "queued"]) == 4
    clock.advance(minutes=1)
    assert [text.body for text in phone.inbox()][::-1] == [f"{n}" for n in range(10) if n != 7]


def test_a_class_that_is_taken_back_lets_everything_go(
    ringback: Ringback, handset: Handsets, clock: Clock, network: Network
) -> None:
    number, phone = ringback.request("POST", "/v1/numbers", json={}).json, handset()
    clock.freeze()
    network.set(campaign="sole_proprietor")
    for n in range(20):
        send(ringback, number["id"], phone.number, f"{n}")
    clock.advance(seconds=1)
    assert len(phone.inbox()) == 3
    network.set(campaign=None)
    clock.advance(seconds=0)
    assert [text.body for text in phone.inbox()][::-1] == [f"{n}" for n in range(20)]


def test_a_class_counts_what_was_queued_before_it_was_named(
    ringback: Ringback, clock: Clock, network: Network
) -> None:
    """The depth, and T-Mobile's part of the day to the segment; a larger class lets the rest go on the same day."""
    number = ringback.request("POST", "/v1/numbers", json={}).json
    clock.freeze()
    clock.advance_to("2040-01-15T10:00:00Z")
    outage = network.fault("outage")
    seed = network.settings["seed"]
    theirs = [f"+1415555{n:04d}" for n in range(400) if operator_of(seed, f"+1415555{n:04d}") == T_MOBILE]
    for to in theirs[:110]:
        assert send(ringback, number["id"], to, "€" * 700)["ringback"]["segments"] == 10
    assert usage(ringback)["campaign"] is None
    network.set(campaign="sole_proprietor")
    clock.advance(seconds=0)
    campaign = usage(ringback)["campaign"]
    assert (campaign["depth"], campaign["segments"]) == (110, 1100)
    outage.clear()
    clock.advance(hours=1)
    campaign = usage(ringback)["campaign"]
    assert (campaign["depth"], campaign["tmobileToday"], campaign["segmentsToday"]) == (10, 1000, 1000)
    assert campaign["expectedEndAt"] > "2040-01-16T08:00:00"
    network.set(campaign="high_standard")
    assert usage(ringback)["campaign"]["expectedEndAt"] < "2040-01-15T11:00:02"
    clock.advance(seconds=2)
    assert usage(ringback)["depth"] == 0


def test_an_outage_uses_nothing_of_the_day(
    ringback: Ringback, handset: Handsets, clock: Clock, network: Network
) -> None:
    number, phone = ringback.request("POST", "/v1/numbers", json={}).json, handset()
    clock.freeze()
    network.set(campaign="high_standard")
    outage = network.fault("outage")
    for n in range(5):
        send(ringback, number["id"], phone.number, f"{n}")
    clock.advance(minutes=10)
    assert usage(ringback)["campaign"]["segmentsToday"] == 0
    outage.clear()
    clock.advance(minutes=10)
    assert len(phone.inbox()) == 5
