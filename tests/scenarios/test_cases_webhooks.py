"""Faults that others had, retold: endpoints that misbehave, and signatures."""

import hmac
import time
from typing import Any

import pytest

from ringback.testing import Clock, Handsets, Network, Ringback, WebhookInbox
from tests.phones import until
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def test_hook_signature_over_bytes(line: Line, webhook_inbox: WebhookInbox) -> None:
    secret = line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})["secret"]
    body = "Café ₹ 😀 “q” \u2028\u2029 </script>"
    line.hear(body)
    event = webhook_inbox.wait_for()
    signed = f"{event.headers['X-Webhook-Timestamp']}.".encode() + event.raw
    digest = hmac.new(secret.encode(), signed, "sha256").hexdigest()
    assert event.headers["X-Webhook-Signature"] == f"sha256={digest}"
    assert event.body["data"]["message"] == body
    assert event.headers["Content-Type"].lower().replace(" ", "") in (
        "application/json",
        "application/json;charset=utf-8",
    )


def deliveries(line: Line) -> list[Any]:
    found: list[Any] = line.ask("GET", f"/v1/agents/{line.agent_id}/webhook/deliveries")
    return found


def test_hook_redirect_not_followed(line: Line, webhook_inbox: WebhookInbox) -> None:
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    webhook_inbox.answer(307, headers={"Location": webhook_inbox.url + "/elsewhere"})
    line.hear("x")
    until(lambda: deliveries(line)[0]["httpStatus"] == 307)
    assert deliveries(line)[0]["status"] == "pending"
    assert len(webhook_inbox.received) == 1


def test_hook_slow_neighbour(line: Line, webhook_inbox: WebhookInbox) -> None:
    """A slow endpoint delays nobody else."""
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url, "timeout": 5})
    webhook_inbox.answer(200, delay=4)
    other = line.ask("POST", "/v1/agents", {"name": "fast"})["id"]
    number = line.ask("POST", "/v1/numbers", {"agentId": other})["phoneNumber"]
    with WebhookInbox() as fast:
        line.ask("POST", f"/v1/agents/{other}/webhook", {"url": fast.url})
        for n in range(20):
            line.phone.text(line.number, f"s{n}")
        webhook_inbox_came = until(lambda: webhook_inbox.received)
        assert webhook_inbox_came
        line.phone.text(number, "quick")
        assert fast.wait_for(timeout=3).body["data"]["message"] == "quick"
        line.ask("DELETE", f"/v1/agents/{line.agent_id}/webhook")


def test_hook_huge_answer(line: Line, webhook_inbox: WebhookInbox) -> None:
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    webhook_inbox.answer(200, body="x" * 20_000_000)
    line.hear("x")
    until(lambda: deliveries(line)[0]["status"] == "delivered")
    assert "x" * 4_097 not in str(deliveries(line))


def test_hook_gone(line: Line, webhook_inbox: WebhookInbox, clock: Clock) -> None:
    """410 is retried like any other refusal."""
    clock.freeze()
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    webhook_inbox.answer(410)
    line.hear("x")
    until(lambda: deliveries(line)[0]["httpStatus"] == 410)
    clock.advance(days=1)
    assert deliveries(line)[0]["status"] == "failed"
    assert len(webhook_inbox.received) == 6
    assert len({(event.id, event.raw) for event in webhook_inbox.received}) == 1


def test_hook_carrier_sends_twice(line: Line, webhook_inbox: WebhookInbox, network: Network) -> None:
    """The carrier's repeat is dropped by its id; the person's is kept, although the words are the same."""
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    network.fault("inbound-duplicated", number=line.number)
    line.hear("once")
    line.hear("once")
    ids = {webhook_inbox.wait_for().id, webhook_inbox.wait_for().id}
    time.sleep(0.3)
    assert len(line.messages()) == len(ids) == len(webhook_inbox.received) == 2


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "javascript:alert(1)",
        "ftp://example.com/",
        "//example.com/x",
        "example.com",
        "http://",
        "http://example.com:99999/",
        "http://exa mple.com/",
        "http://example.com/\r\nX-Evil: 1",
        "http://example.com/" + "a" * 100_000,
        "",
        None,
    ],
)
def test_hook_url_hygiene(line: Line, url: str | None) -> None:
    path = f"/v1/agents/{line.agent_id}/webhook"
    kept = line.ask("POST", path, {"url": "http://127.0.0.1:9/kept"})
    line.refused("POST", path, 400, 422, field="url", body={"url": url})
    assert line.ask("GET", path) == kept
