"""One delivery as whoever debugs it sees it, and all endpoints of an account."""

import json
import subprocess
from typing import Any

import pytest

from ringback.doors.console.pages.webhooks import curl_of
from ringback.testing import Clock, Handsets, Ringback, WebhookInbox
from tests.phones import until
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario
HOOK = "/v1/webhooks"


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def detail(line: Line) -> Any:
    """The newest delivery."""

    def both() -> Any:
        newest = line.ask("GET", f"{HOOK}/deliveries?limit=1")["data"][0]
        told = line.ask("GET", f"{HOOK}/deliveries/{newest['id']}")
        # An attempt may end between the two.
        return told if {name: told[name] for name in newest} == newest else None

    return until(both)


def ended(line: Line) -> Any:
    """The newest delivery, once it is over."""
    return until(lambda: told if (told := detail(line))["status"] != "pending" else None)


def test_every_attempt_is_there_with_its_time(line: Line, webhook_inbox: WebhookInbox, clock: Clock) -> None:
    clock.freeze()
    line.ask("POST", HOOK, {"url": webhook_inbox.url})
    webhook_inbox.answer(500, times=2)
    line.hear("is anybody there")
    until(lambda: detail(line)["attemptCount"] == 1)
    clock.advance(seconds=10)
    until(lambda: detail(line)["attemptCount"] == 2)
    clock.advance(seconds=60)
    told = ended(line)
    assert [(each["number"], each["httpStatus"], each["side"]) for each in told["attempts"]] == [
        (1, 500, "endpoint"),
        (2, 500, "endpoint"),
        (3, 200, None),
    ]
    assert all(each["tookMs"] is not None for each in told["attempts"])
    times = [each["at"] for each in told["attempts"]]
    assert times == sorted(set(times))
    assert times[-1] == told["lastAttemptAt"]


def test_an_attempt_without_an_answer_has_a_time_too(line: Line) -> None:
    line.ask("POST", HOOK, {"url": "http://127.0.0.1:9/nobody"})
    line.hear("hello")
    told = until(lambda: found if (found := detail(line))["attempts"] else None)
    [only] = told["attempts"]
    assert (only["httpStatus"], told["responseMs"]) == (None, None)
    assert only["tookMs"] >= 0
    assert only["error"] == told["errorMessage"]


def test_what_was_delivered_before_a_redelivery_stays_an_attempt(
    line: Line, webhook_inbox: WebhookInbox
) -> None:
    line.ask("POST", HOOK, {"url": webhook_inbox.url})
    line.hear("once")
    first = ended(line)
    line.ask("POST", f"{HOOK}/deliveries/{first['id']}/redeliver")
    told = until(lambda: found if (found := detail(line))["attemptCount"] == 2 else None)
    assert [(each["number"], each["httpStatus"]) for each in told["attempts"]] == [(1, 200), (2, 200)]
    assert told["attempts"][0] == first["attempts"][0]


def test_the_request_is_what_the_endpoint_gets_signed_for_now(
    line: Line, webhook_inbox: WebhookInbox
) -> None:
    """The command does what it says: the inbox verifies the signature, and the body is the one of before."""
    secret = line.ask("POST", HOOK, {"url": webhook_inbox.url})["secret"]
    webhook_inbox.secret = secret
    line.hear('it\'s "quoted" & $HOME `x` \\ \u00e9')
    told = ended(line)
    before = webhook_inbox.wait_for()
    assert told["request"]["body"].encode() == before.raw
    assert told["request"]["url"] == webhook_inbox.url
    command = curl_of(told["request"])
    assert secret not in command + json.dumps(told)
    subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=20)
    again = webhook_inbox.wait_for()
    assert (again.raw, again.id) == (before.raw, before.id)
    same = {"x-webhook-id", "x-webhook-event", "content-type"}
    assert {name: again.headers[name] for name in same} == {name: before.headers[name] for name in same}


def test_bytes_of_what_failed_are_those_that_were_sent(line: Line, webhook_inbox: WebhookInbox) -> None:
    line.ask("POST", HOOK, {"url": webhook_inbox.url})
    webhook_inbox.answer(500)
    line.hear("before anybody knew who it was")
    until(lambda: detail(line)["attemptCount"] == 1)
    line.ask("POST", "/v1/contacts", {"phoneNumber": line.phone.number, "name": "Ann"}, 201)
    told = detail(line)
    assert told["request"]["asSent"] is True
    assert told["request"]["body"].encode() == webhook_inbox.received[0].raw


def test_without_an_endpoint_there_is_no_request(line: Line, webhook_inbox: WebhookInbox) -> None:
    line.ask("POST", HOOK, {"url": webhook_inbox.url})
    line.hear("hello")
    ended(line)
    line.ask("DELETE", HOOK)
    assert detail(line)["request"] is None


def test_a_delivery_that_there_is_not(line: Line) -> None:
    assert line.refused("GET", f"{HOOK}/deliveries/whd_none", 404)["code"] == "DELIVERY_NOT_FOUND"


def test_endpoints_are_listed_without_secrets_and_those_that_fail_first(
    line: Line, webhook_inbox: WebhookInbox
) -> None:
    assert line.ask("GET", f"{HOOK}/endpoints") == {"data": [], "hasMore": False, "total": 0}
    secret = line.ask("POST", HOOK, {"url": webhook_inbox.url})["secret"]
    dead = f"{webhook_inbox.url}/agent"
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": dead})
    webhook_inbox.answer(500, times=1)
    line.hear("hello")
    until(lambda: detail(line)["attemptCount"] == 1)
    told = line.ask("GET", f"{HOOK}/endpoints")
    assert [(each["agentId"], each["url"]) for each in told["data"]] == [
        (line.agent_id, dead),
        (None, webhook_inbox.url),
    ]
    assert told["data"][0]["ringback"]["failingSince"] is not None
    assert secret not in json.dumps(told)
    assert line.ask("GET", f"{HOOK}/endpoints?limit=1&offset=1")["data"] == told["data"][1:]
