"""Webhook delivery beyond the vendor's: further events, order, retries, redelivery, dead endpoints, secrets."""

import hmac
from datetime import timedelta
from typing import Any

import agentphone
import pytest

from ringback.events.steps import steps_of
from ringback.storage.tx import Row
from ringback.testing import Clock, Handsets, ReceivedEvent, Ringback, WebhookInbox
from tests.phones import at, until
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario

PROJECT = "/v1/webhooks"
STATUSES = ["message.sent", "message.delivered", "message.failed", "message.unconfirmed"]


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def listed(line: Line) -> list[Any]:
    """All deliveries, oldest first."""
    found: list[Any] = line.ask("GET", f"{PROJECT}/deliveries?limit=100")["data"]
    return found[::-1]


def all_ended(line: Line, count: int) -> list[Any]:
    def look() -> list[Any] | None:
        found = listed(line)
        return found if len(found) == count and all(d["status"] != "pending" for d in found) else None

    return until(look)


def events_of(line: Line, prefix: str) -> list[str]:
    from sqlalchemy import select

    from ringback.storage.schema import events
    from ringback.storage.statements import Statement

    statement = Statement(select(events).order_by(events.c.seq))
    rows = line.ringback.on_loop(line.ringback.server.store.read(lambda db: db.all(statement)))
    return [row["type"] for row in rows if row["type"].startswith(prefix)]


# --- further events


def test_events_that_were_asked_for_come_in_the_vendors_envelope(
    line: Line, webhook_inbox: WebhookInbox
) -> None:
    hook = line.ask("POST", PROJECT, {"url": webhook_inbox.url, "ringback": {"events": STATUSES[::-1]}})
    assert hook["ringback"]["events"] == STATUSES
    webhook_inbox.secret = hook["secret"]
    sent = line.send("Hello")
    line.ask("PATCH", f"/v1/conversations/{sent['conversation_id']}", {"metadata": {"step": 1}})
    first = webhook_inbox.wait_for(event="message.sent")
    event = webhook_inbox.wait_for(event="message.delivered")
    assert event.body | {"timestamp": None, "data": None, "conversationState": None} == {
        "event": "message.delivered",
        "channel": "sms",
        "timestamp": None,
        "agentId": line.agent_id,
        "data": None,
        "conversationState": None,
        "recentHistory": [],
    }
    data = event.body["data"]
    assert data == {
        "messageId": sent["id"],
        "id": sent["id"],
        "conversationId": sent["conversation_id"],
        "numberId": line.number_id,
        "from": line.number,
        "to": line.phone.number,
        "direction": "outbound",
        "status": "delivered",
        "errorCode": None,
        "failureReason": None,
        "at": event.body["timestamp"],
    }
    assert first.body["data"]["status"] == "sent"
    parsed = agentphone.construct_event(
        event.raw,
        event.headers["X-Webhook-Signature"],
        hook["secret"],
        event.headers["X-Webhook-Timestamp"],
    )
    assert (parsed.event, parsed.agent_id, parsed.data.message_id) == (
        "message.delivered",
        line.agent_id,
        sent["id"],
    )
    line.hear("and the vendor's come as ever")
    assert webhook_inbox.wait_for(event="agent.message").body["data"]["direction"] == "inbound"
    ended = all_ended(line, 3)
    assert [d["eventType"] for d in ended] == ["message.sent", "message.delivered", "agent.message"]


def test_a_failed_text_tells_code_and_reason(
    line: Line, webhook_inbox: WebhookInbox, handset: Handsets
) -> None:
    line.ask("POST", PROJECT, {"url": webhook_inbox.url, "ringback": {"events": ["message.failed"]}})
    sent = line.send("Hello", handset(personality="landline").number)
    data = webhook_inbox.wait_for(event="message.failed").body["data"]
    message = next(m for m in line.messages() if m["id"] == sent["id"])
    assert (data["status"], data["failureReason"]) == ("failed", message["failureReason"])
    assert data["errorCode"]
    assert data["failureReason"]
    assert {event.event for event in webhook_inbox.received} == {"message.failed"}


def test_who_did_not_ask_gets_none(line: Line, webhook_inbox: WebhookInbox) -> None:
    """Exactly one endpoint gets an event: the agent's, which did not ask, stands before the project's."""
    line.ask("POST", PROJECT, {"url": "http://127.0.0.1:9/", "ringback": {"events": STATUSES}})
    path = f"/v1/agents/{line.agent_id}/webhook"
    line.ask("POST", path, {"url": webhook_inbox.url})
    line.send("Hello")
    until(lambda: line.messages()[0]["status"] == "delivered")
    assert listed(line) == []
    # Asked for, kept by one who does not know of it, and taken back.
    line.ask("POST", path, {"url": webhook_inbox.url, "ringback": {"events": ["message.sent"]}})
    assert line.ask("POST", path, {"url": webhook_inbox.url})["ringback"]["events"] == ["message.sent"]
    line.send("Hello")
    webhook_inbox.wait_for(event="message.sent")
    line.ask("POST", path, {"url": webhook_inbox.url, "ringback": {"events": []}})
    line.ask("DELETE", PROJECT)
    head = line.ringback.on_loop(line.ringback.server.store.read(_heads))
    assert [row["listening"] for row in head] == [0]


def _heads(db: Any) -> list[Row]:
    from sqlalchemy import select

    from ringback.storage.schema import accounts
    from ringback.storage.statements import Statement

    found: list[Row] = db.all(Statement(select(accounts)))
    return found


def test_an_unknown_event_is_refused_by_naming_those_that_are_known(line: Line) -> None:
    for path in (PROJECT, f"/v1/agents/{line.agent_id}/webhook"):
        body = {"url": "http://127.0.0.1:9/", "ringback": {"events": ["message.sent", "message.read"]}}
        error = line.refused("POST", path, 422, field="ringback", body=body)
        assert error["details"][0]["field"] == "ringback.events.1"
        assert all(name in error["details"][0]["message"] for name in STATUSES)
        assert line.ask("GET", path) is None


# --- retries


def test_retry_after_moves_the_next_attempt_away_within_bounds(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    clock.freeze()
    line.ask("POST", PROJECT, {"url": webhook_inbox.url})
    waits = []
    for status, said in ((429, "120"), (503, "999999"), (500, "60"), (503, "soon"), (503, "1")):
        webhook_inbox.answer(status, headers={"Retry-After": said})
        count = len(listed(line))
        line.hear(f"{status} {said}")
        until(lambda count=count: len(listed(line)) > count and listed(line)[-1]["httpStatus"])  # type: ignore[misc]
        newest = listed(line)[-1]
        waits.append(round((at(newest["nextRetryAt"]) - at(newest["lastAttemptAt"])).total_seconds()))
    asked, longest, no_reason_to, no_number, too_soon = waits
    assert (asked, longest) == (120, 3600)
    assert all(4 <= wait <= 6 for wait in (no_reason_to, no_number, too_soon))


# --- order


def test_an_ordered_endpoint_gets_one_at_a_time_in_order(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    clock.freeze()
    line.ask("POST", PROJECT, {"url": webhook_inbox.url, "ringback": {"ordered": True}})
    webhook_inbox.answer(503, times=2)
    bodies = [f"text {n}" for n in range(8)]
    for body in bodies:
        line.hear(body)
    until(lambda: listed(line)[0]["httpStatus"] == 503)
    assert [d["attemptCount"] for d in listed(line)] == [1] + [0] * 7
    clock.advance(seconds=7)
    assert [d["attemptCount"] for d in listed(line)] == [2] + [0] * 7
    clock.advance(seconds=60)
    all_ended(line, 8)
    assert [event.body["data"]["message"] for event in webhook_inbox.received] == [bodies[0]] * 2 + bodies
    # Taken back, nothing waits for another any more.
    line.ask("POST", PROJECT, {"url": webhook_inbox.url, "ringback": {"ordered": False}})
    webhook_inbox.answer(503, times=1)
    line.hear("refused")
    until(lambda: listed(line)[-1]["attemptCount"] == 1)
    line.hear("passes by")
    until(lambda: [d["status"] for d in listed(line)[-2:]] == ["pending", "delivered"])


def test_what_waits_behind_a_delivery_that_is_given_up_goes_on(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    clock.freeze()
    line.ask("POST", PROJECT, {"url": webhook_inbox.url, "ringback": {"ordered": True}})
    webhook_inbox.answer(500, times=6)
    line.hear("never")
    line.hear("after it")
    clock.advance(hours=4)
    assert [d["status"] for d in all_ended(line, 2)] == ["failed", "delivered"]


def test_an_ordered_endpoint_that_is_deleted_leaves_nothing_waiting(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    clock.freeze()
    line.ask("POST", PROJECT, {"url": webhook_inbox.url, "ringback": {"ordered": True}})
    webhook_inbox.answer(500)
    for n in range(3):
        line.hear(f"text {n}")
    until(lambda: listed(line)[0]["attemptCount"] == 1)
    line.ask("DELETE", PROJECT)
    clock.advance(seconds=10)
    assert {(d["status"], d["errorMessage"]) for d in all_ended(line, 3)} == {
        ("failed", "the endpoint was deleted")
    }


# --- redelivery


def failed(line: Line, inbox: WebhookInbox, clock: Clock, *bodies: str) -> list[Any]:
    """Deliveries that the endpoint refused to the end, oldest first."""
    before = len(listed(line))
    inbox.answer(500)
    for body in bodies:
        line.hear(body)
        clock.advance(seconds=1)
    until(lambda: len(listed(line)) == before + len(bodies))
    clock.advance(hours=4 * len(bodies))
    inbox.answer(200)
    return all_ended(line, before + len(bodies))[before:]


def test_dead_letters_are_listed_and_redelivered_byte_for_byte(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    clock.freeze()
    line.ask("POST", PROJECT, {"url": webhook_inbox.url})
    first, second = failed(line, webhook_inbox, clock, "one", "two")
    letters = line.ask("GET", f"{PROJECT}/dead-letters")
    assert (letters["data"], letters["total"], letters["hasMore"]) == ([second, first], 2, False)
    assert line.ask("GET", f"{PROJECT}/dead-letters?limit=1")["hasMore"] is True
    tried = len(webhook_inbox.received)
    line.ask("POST", "/v1/contacts", {"phoneNumber": line.phone.number, "name": "Ann"}, 201)
    again = line.ask("POST", f"{PROJECT}/deliveries/{first['id']}/redeliver")
    assert (again["id"], again["status"], again["attemptCount"]) == (first["id"], "pending", 6)
    until(lambda: listed(line)[0]["status"] == "delivered")
    came = webhook_inbox.received[tried:]
    earlier = [event for event in webhook_inbox.received if event.id == first["id"]]
    assert [event.id for event in came] == [first["id"]]
    assert {event.raw for event in earlier} == {came[0].raw}
    assert listed(line)[0]["attemptCount"] == 7
    assert line.ask("GET", f"{PROJECT}/dead-letters")["data"] == [second]
    stats = line.ask("GET", f"{PROJECT}/deliveries/all-time")
    assert (stats["total"], stats["success"], stats["failed"]) == (2, 1, 1)
    assert "webhook.redelivered" in events_of(line, "webhook.")


def test_one_that_was_delivered_is_told_again_under_its_id(line: Line, webhook_inbox: WebhookInbox) -> None:
    webhook_inbox.secret = line.ask("POST", PROJECT, {"url": webhook_inbox.url})["secret"]
    line.hear("once more, please")
    [one] = all_ended(line, 1)
    webhook_inbox.answer(500, times=1)
    line.ask("POST", f"{PROJECT}/deliveries/{one['id']}/redeliver")
    until(lambda: listed(line)[0]["httpStatus"] == 500)
    pending = line.refused("POST", f"{PROJECT}/deliveries/{one['id']}/redeliver", 409)
    assert pending["code"] == "DELIVERY_PENDING"
    ids = {webhook_inbox.wait_for().id for _ in range(2)}
    assert ids == {one["id"]}
    assert len({event.raw for event in webhook_inbox.received}) == 1
    assert (
        line.refused("POST", f"{PROJECT}/deliveries/whd_none/redeliver", 404)["code"] == "DELIVERY_NOT_FOUND"
    )


def test_a_redelivery_has_a_series_of_attempts_of_its_own(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    clock.freeze()
    line.ask("POST", PROJECT, {"url": webhook_inbox.url})
    [one] = failed(line, webhook_inbox, clock, "x")
    webhook_inbox.answer(500)
    line.ask("POST", f"{PROJECT}/deliveries/{one['id']}/redeliver")
    until(lambda: listed(line)[0]["attemptCount"] == 7)
    clock.advance(hours=4)
    assert [(d["status"], d["attemptCount"]) for d in all_ended(line, 1)] == [("failed", 12)]


def test_a_range_is_redelivered_in_order(line: Line, webhook_inbox: WebhookInbox, clock: Clock) -> None:
    clock.freeze()
    line.ask("POST", PROJECT, {"url": webhook_inbox.url, "ringback": {"ordered": True}})
    line.hear("fine")
    all_ended(line, 1)
    clock.advance(minutes=10)
    ended = failed(line, webhook_inbox, clock, "a", "b", "c")
    clock.advance(minutes=10)
    line.hear("fine too")
    all_ended(line, 5)
    known = len(webhook_inbox.received)
    body = {"from": ended[0]["createdAt"], "until": ended[-1]["createdAt"]}
    done = line.ask("POST", f"{PROJECT}/redeliver", body)
    assert done == {"count": 2, "skipped": 0, "hasMore": False, "moreFrom": None, "moreAfter": None}, (
        "until is exclusive"
    )
    assert all(d["status"] == "delivered" for d in all_ended(line, 5)[:3])
    assert line.ask("POST", f"{PROJECT}/redeliver", body)["count"] == 0
    whole = {"from": listed(line)[0]["createdAt"]}
    assert line.ask("POST", f"{PROJECT}/redeliver", {**whole, "status": "delivered"})["count"] == 4
    all_ended(line, 5)
    assert line.ask("POST", f"{PROJECT}/redeliver", {**whole, "status": "all"})["count"] == 5
    all_ended(line, 5)
    told = [event.body["data"]["message"] for event in webhook_inbox.received[known:]]
    assert told == ["a", "b", "fine", "a", "b", "fine too", "fine", "a", "b", "c", "fine too"]


def test_a_range_names_an_agent(line: Line, webhook_inbox: WebhookInbox, clock: Clock) -> None:
    clock.freeze()
    line.ask("POST", PROJECT, {"url": webhook_inbox.url})
    [one] = failed(line, webhook_inbox, clock, "x")
    other = line.ask("POST", "/v1/agents", {"name": "Other"})["id"]
    body = {"from": one["createdAt"], "agentId": other}
    assert line.ask("POST", f"{PROJECT}/redeliver", body)["count"] == 0
    assert line.refused("POST", f"{PROJECT}/redeliver", 404, body={**body, "agentId": "agt_none"})
    line.ask("DELETE", PROJECT)
    body["agentId"] = line.agent_id
    assert line.ask("POST", f"{PROJECT}/redeliver", body)["skipped"] == 1, "nobody is there to be told"
    line.ask("POST", PROJECT, {"url": webhook_inbox.url})
    assert line.ask("POST", f"{PROJECT}/redeliver", body)["count"] == 1
    assert all_ended(line, 1)[0]["status"] == "delivered"


def test_what_is_no_range_is_refused(line: Line) -> None:
    path = f"{PROJECT}/redeliver"
    line.refused("POST", path, 422, field="from", body={})
    line.refused("POST", path, 422, field="from", body={"from": "yesterday"})
    line.refused(
        "POST", path, 422, field="status", body={"from": "2026-01-01T00:00:00Z", "status": "pending"}
    )
    line.refused("POST", path, 422, field="until", body={"from": "2026-01-01T00:00:00Z", "until": "2026"})


# --- secrets


def verifies(event: ReceivedEvent, secret: str, header: str = "X-Webhook-Signature") -> bool:
    signed = event.headers["X-Webhook-Timestamp"].encode() + b"." + event.raw
    digest = hmac.new(secret.encode(), signed, "sha256").hexdigest()
    return event.headers.get(header) == f"sha256={digest}"


def test_receivers_with_either_secret_verify_while_both_hold(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    clock.freeze()
    path = f"/v1/agents/{line.agent_id}/webhook"
    old = line.ask("POST", path, {"url": webhook_inbox.url})["secret"]
    rotated = line.ask("POST", f"{path}/rotate-secret", {"overlapHours": 2})
    new = rotated["secret"]
    assert new != old
    until_ = rotated["ringback"]["previousSecretUntil"]
    assert at(until_) - clock.now == timedelta(hours=2)
    line.hear("one that knows the new")
    event = webhook_inbox.wait_for()
    assert verifies(event, new)
    assert verifies(event, old, "X-Webhook-Signature-Previous")
    # A receiver that knows the old one only refuses the first request, and takes the second of the same attempt.
    webhook_inbox.answer(403, times=1)
    line.hear("one that knows the old")
    refused, taken = webhook_inbox.wait_for(), webhook_inbox.wait_for()
    assert (refused.id, refused.raw) == (taken.id, taken.raw)
    assert verifies(refused, new)
    assert verifies(taken, old)
    assert verifies(taken, old, "X-Webhook-Signature-Previous")
    assert [(d["status"], d["attemptCount"]) for d in all_ended(line, 2)] == [("delivered", 1)] * 2
    assert line.ask("POST", f"{path}/test", {})["success"]
    webhook_inbox.wait_for()
    clock.advance(hours=3)
    webhook_inbox.answer(403, times=1)
    line.hear("the old one is over")
    last = webhook_inbox.wait_for()
    assert verifies(last, new)
    assert "X-Webhook-Signature-Previous" not in last.headers
    until(lambda: listed(line)[-1]["httpStatus"] == 403)
    assert len(webhook_inbox.received) == 5, "and nothing came again with it"


def test_each_old_secret_keeps_the_time_that_it_was_given(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    clock.freeze()
    first = line.ask("POST", PROJECT, {"url": webhook_inbox.url})["secret"]
    begun = clock.now

    def rotate(hours: int) -> tuple[str, timedelta]:
        told = line.ask("POST", f"{PROJECT}/rotate-secret", {"overlapHours": hours})
        return told["secret"], at(told["ringback"]["previousSecretUntil"]) - begun

    second, _ = rotate(48)
    third, until_ = rotate(2)
    assert until_ == timedelta(hours=48), "when the last of them ends"
    # Receivers with any of the three take it: here the one that knows the first, which is asked last.
    webhook_inbox.answer(403, times=2)
    line.hear("one that knows the first")
    asked = [webhook_inbox.wait_for() for _ in range(3)]
    assert [verifies(each, secret) for each, secret in zip(asked, (third, second, first), strict=True)] == [
        True
    ] * 3
    told = asked[0].headers["X-Webhook-Signature-Previous"].split(", ")
    assert len(set(told)) == 2
    assert [d["status"] for d in all_ended(line, 1)] == ["delivered"]
    clock.advance(hours=3)
    line.hear("the second is over")
    event = webhook_inbox.wait_for()
    assert verifies(event, third)
    assert verifies(event, first, "X-Webhook-Signature-Previous")
    for _ in range(3):
        rotate(100)
    refused = line.refused("POST", f"{PROJECT}/rotate-secret", 409)
    assert refused["code"] == "WEBHOOK_SECRETS_OVERLAP"
    alone = line.ask("POST", f"{PROJECT}/rotate-secret", {"overlapHours": 0})
    assert alone["ringback"]["previousSecretUntil"] is None
    line.hear("only the new one")
    last = webhook_inbox.wait_for()
    assert verifies(last, alone["secret"])
    assert "X-Webhook-Signature-Previous" not in last.headers


def test_rotation_without_an_overlap_and_without_an_endpoint(line: Line, webhook_inbox: WebhookInbox) -> None:
    assert line.refused("POST", f"{PROJECT}/rotate-secret", 404)["code"] == "WEBHOOK_NOT_FOUND"
    old = line.ask("POST", PROJECT, {"url": webhook_inbox.url})["secret"]
    rotated = line.ask("POST", f"{PROJECT}/rotate-secret", {"overlapHours": 0})
    assert rotated["ringback"]["previousSecretUntil"] is None
    assert line.ask("GET", PROJECT) == rotated
    line.hear("x")
    event = webhook_inbox.wait_for()
    assert verifies(event, rotated["secret"])
    assert not verifies(event, old)
    line.refused("POST", f"{PROJECT}/rotate-secret", 422, field="overlapHours", body={"overlapHours": 169})
    # Setting it again makes a new secret at once, as the vendor's does.
    line.ask("POST", f"{PROJECT}/rotate-secret")
    assert line.ask("POST", PROJECT, {"url": webhook_inbox.url})["ringback"]["previousSecretUntil"] is None


# --- the story


def test_each_failed_attempt_is_a_step_that_says_whose_side_it_was(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    clock.freeze()
    line.ask("POST", PROJECT, {"url": webhook_inbox.url})
    webhook_inbox.answer(503, times=1)
    line.hear("x")
    until(lambda: listed(line)[0]["httpStatus"] == 503)
    line.ask("POST", PROJECT, {"url": "http://127.0.0.1:9/"})
    clock.advance(seconds=10)
    line.ask("POST", PROJECT, {"url": webhook_inbox.url})
    clock.advance(minutes=2)
    [one] = all_ended(line, 1)
    assert (one["status"], one["attemptCount"]) == ("delivered", 3)
    server = line.ringback.server
    [head] = line.ringback.on_loop(server.store.read(_heads))
    steps = line.ringback.on_loop(server.store.read(lambda db: steps_of(db, head["id"], one["id"])))
    assert [(s["attempt"], s["code"], s["side"]) for s in steps] == [
        (1, "503", "endpoint"),
        (2, "connect", "endpoint"),
    ]
