"""`GET /v1/messages/{id}`: the whole story of a text; and settling by hand what no receipt settles."""

from itertools import pairwise
from typing import Any

import pytest

from ringback.testing import Clock, Handsets, Network, Ringback, WebhookInbox
from tests.phones import at, until
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def story(line: Line, message_id: str) -> Any:
    return line.ask("GET", f"/v1/messages/{message_id}")


def kinds(line: Line, message_id: str) -> list[str]:
    return [step["kind"] for step in story(line, message_id)["ringback"]["steps"]]


def ended(line: Line, message_id: str, status: str) -> Any:
    """The message, once it has this status."""
    until(lambda: story(line, message_id)["status"] == status, timeout_s=20)
    return story(line, message_id)


def test_a_text_that_went_straight_on(line: Line) -> None:
    sent = line.send("hello")
    message = ended(line, sent["id"], "delivered")
    ours = message["ringback"]
    assert [step["kind"] for step in ours["steps"]] == ["queued", "sent", "delivered"]
    assert [step["attempt"] for step in ours["steps"]] == [None, 1, None]
    times = [at(step["at"]) for step in ours["steps"]]
    assert times == sorted(times)
    assert ours["carrierRef"].startswith("nt_")
    assert ours["failure"] is None
    (listed,) = line.messages()
    assert {name: message[name] for name in listed} == listed


@pytest.mark.parametrize(
    ("personality", "code", "side", "last"),
    [
        ("landline", "30006", "handset", "refused"),
        ("blocks-you", "30004", "handset", "failed"),
        ("filtered", "30007", "carrier", "failed"),
        ("unregistered", "30034", "you", "failed"),
    ],
)
def test_whose_side_a_failure_is(line: Line, personality: str, code: str, side: str, last: str) -> None:
    line.phone.set(personality=personality)
    sent = line.send("hello")
    ours = ended(line, sent["id"], "failed")["ringback"]
    assert (ours["failure"]["side"], ours["failure"]["code"]) == (side, code)
    assert ours["failure"]["why"]
    step = ours["steps"][-1]
    assert (step["kind"], step["code"], step["side"]) == (last, code, side)


def test_a_full_queue_at_the_carrier_is_waited_for(line: Line, clock: Clock, network: Network) -> None:
    """Refused with a code that may pass, the text is tried again, and the conversation waits behind it."""
    clock.freeze()
    network.fault("queue-full", count=3)
    first, second = line.send("one"), line.send("two")
    clock.advance(seconds=3)
    assert kinds(line, first["id"]) == ["queued", "retry"]
    clock.advance(minutes=5)
    assert [text.body for text in line.phone.inbox()] == ["two", "one"]
    steps = story(line, first["id"])["ringback"]["steps"]
    assert [step["kind"] for step in steps] == ["queued", "retry", "retry", "retry", "sent", "delivered"]
    assert [step["attempt"] for step in steps] == [None, 1, 2, 3, 4, None]
    assert {(step["code"], step["side"]) for step in steps[1:4]} == {("30001", "carrier")}
    waits = [(at(b["at"]) - at(a["at"])).total_seconds() for a, b in pairwise(steps[1:5])]
    for wait, usual in zip(waits, (5, 10, 20), strict=True):
        assert 0.8 * usual <= wait <= 1.2 * usual
    assert kinds(line, second["id"]) == ["queued", "sent", "delivered"]


def test_its_validity_ends_while_it_is_tried_again(line: Line, clock: Clock, network: Network) -> None:
    clock.freeze()
    network.fault("queue-full", count=1000, to=line.phone.number)
    sent = line.ask("POST", "/v1/messages", {**line.text("x"), "ringback": {"validitySeconds": 60}})
    line.send("after it")
    clock.advance(minutes=2)
    message = story(line, sent["id"])
    ours = message["ringback"]
    assert message["status"] == "failed"
    assert (ours["failure"]["side"], ours["failure"]["code"]) == ("carrier", "30001")
    assert "until its validity passed" in message["failureReason"]
    assert [step["kind"] for step in ours["steps"]][-1] == "refused"
    assert at(ours["steps"][-1]["at"]) <= at(ours["validUntil"])


def test_submit_refused_without_a_reason_is_final(line: Line, network: Network) -> None:
    network.fault("submit-refused")
    sent = line.send("x")
    assert ended(line, sent["id"], "failed")["ringback"]["failure"]["code"] == "30008"
    assert kinds(line, sent["id"]) == ["queued", "refused"]


def test_webhooks_that_tell_of_it(line: Line, clock: Clock, webhook_inbox: WebhookInbox) -> None:
    line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})
    webhook_inbox.answer(status=503, times=1)
    message = line.hear("hello")
    clock.advance(minutes=1)
    steps = story(line, message["id"])["ringback"]["steps"]
    assert steps[0]["kind"] == "received"
    (planned,) = (step for step in steps if step["kind"] == "webhook-planned")
    (delivered,) = (step for step in steps if step["kind"] == "webhook-delivered")
    assert planned["deliveryId"] == delivered["deliveryId"] == webhook_inbox.received[0].id
    assert (delivered["attempt"], delivered["code"]) == (2, "200")
    (failed,) = (step for step in steps if step["kind"] == "attempt-failed")
    assert (failed["attempt"], failed["code"], failed["side"]) == (1, "503", "endpoint")
    assert failed["deliveryId"] == delivered["deliveryId"]


def test_a_webhook_that_gave_up_is_the_endpoints_side(
    line: Line, clock: Clock, webhook_inbox: WebhookInbox
) -> None:
    line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})
    webhook_inbox.answer(status=500)
    message = line.hear("hello")
    clock.advance(days=4)
    step = story(line, message["id"])["ringback"]["steps"][-1]
    assert (step["kind"], step["side"], step["code"]) == ("webhook-failed", "endpoint", "500")


def unconfirmed(line: Line, network: Network) -> str:
    """A text that the carrier took without a word, and that no receipt settles."""
    line.phone.set(personality="lost-receipt")
    network.fault("submit-timeout", number=line.phone.number)
    message_id: str = line.send("did it arrive?")["id"]
    ended(line, message_id, "unconfirmed")
    return message_id


@pytest.mark.parametrize("status", ["delivered", "failed"])
def test_a_person_settles_what_no_receipt_settles(line: Line, network: Network, status: str) -> None:
    message_id = unconfirmed(line, network)
    asked = {"status": status, "note": "I asked her"}
    settled = line.ask("POST", f"/v1/messages/{message_id}/settle", asked)
    assert settled == story(line, message_id)
    assert settled["status"] == status
    steps = settled["ringback"]["steps"]
    assert [step["kind"] for step in steps] == ["queued", "no-answer", "settled"]
    assert (steps[-1]["side"], steps[-1]["code"], steps[-1]["detail"]) == ("you", status, "I asked her")
    failure = settled["ringback"]["failure"]
    assert failure == (
        None if status == "delivered" else {"side": "carrier", "code": None, "why": "I asked her"}
    )
    error = line.refused("POST", f"/v1/messages/{message_id}/settle", 409, body=asked)
    assert error["code"] == "MESSAGE_NOT_UNCONFIRMED"


def test_a_note_is_as_long_as_any(line: Line, network: Network) -> None:
    message_id, told = unconfirmed(line, network), "x" * 4_000
    settled = line.ask("POST", f"/v1/messages/{message_id}/settle", {"status": "failed", "note": told})
    assert settled["ringback"]["steps"][-1]["detail"] == told


def test_a_receipt_that_says_otherwise_is_kept(line: Line, clock: Clock, network: Network) -> None:
    clock.freeze()
    network.set(latency_ms=60_000)
    network.fault("submit-timeout", number=line.phone.number)
    message_id = line.send("late")["id"]
    ended(line, message_id, "unconfirmed")
    line.ask("POST", f"/v1/messages/{message_id}/settle", {"status": "failed"})
    clock.advance(minutes=3)
    message = story(line, message_id)
    assert message["status"] == "failed"
    assert [step["kind"] for step in message["ringback"]["steps"]] == [
        "queued",
        "no-answer",
        "settled",
        "contradicted",
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "status"), ({"status": "sent"}, "status"), ({"status": "failed", "note": "x" * 4_001}, "note")],
)
def test_what_settling_takes(line: Line, body: Any, field: str) -> None:
    sent = line.send("hello")
    line.refused("POST", f"/v1/messages/{sent['id']}/settle", 422, field=field, body=body)


def test_only_an_unconfirmed_one_can_be_settled(line: Line, ringback: Ringback) -> None:
    sent = line.send("hello")
    ended(line, sent["id"], "delivered")
    for body in ({"status": "failed"}, {"status": "delivered"}):
        assert line.refused("POST", f"/v1/messages/{sent['id']}/settle", 409, body=body)
    other = ringback.new_account()
    asked: list[tuple[str, str, Any]] = [("GET", "", None), ("POST", "/settle", {"status": "failed"})]
    for method, path, body in asked:
        answer = ringback.request(method, f"/v1/messages/{sent['id']}{path}", json=body, api_key=other)
        assert (answer.status, answer.json["error"]["code"]) == (404, "MESSAGE_NOT_FOUND")
    assert story(line, sent["id"])["status"] == "delivered"
