"""Faults that others had, retold: endpoints that misbehave, and signatures."""

import hmac
import time
from functools import partial
from typing import Any

import pytest

from ringback.testing import Clock, Handsets, Network, Ringback, WebhookInbox
from tests.phones import until
from tests.scenarios.lines import Line, together

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def test_hook_signature_over_bytes(line: Line, webhook_inbox: WebhookInbox) -> None:
    """Over the bytes that were sent, whatever alphabet they hold."""
    secret = line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})["secret"]
    name = "Café Größe 李"
    line.ask("POST", "/v1/contacts", {"phoneNumber": line.phone.number, "name": name}, 201)
    body = "Café ₹ 😀 “q” \u2028\u2029 </script>"
    line.hear(body)
    event = webhook_inbox.wait_for()
    signed = f"{event.headers['X-Webhook-Timestamp']}.".encode() + event.raw
    digest = hmac.new(secret.encode(), signed, "sha256").hexdigest()
    assert event.headers["X-Webhook-Signature"] == f"sha256={digest}"
    assert event.body["data"]["message"] == body
    assert event.body["data"]["contact"]["name"] == name
    assert event.headers["Content-Type"].lower().replace(" ", "") in (
        "application/json",
        "application/json;charset=utf-8",
    )


def deliveries(line: Line) -> list[Any]:
    found: list[Any] = line.ask("GET", f"/v1/agents/{line.agent_id}/webhook/deliveries")
    return found


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_hook_redirect_not_followed(line: Line, webhook_inbox: WebhookInbox, status: int) -> None:
    """Where the answer points to was never checked; neither a test nor a delivery goes there."""
    path = f"/v1/agents/{line.agent_id}/webhook"
    with WebhookInbox() as elsewhere:
        webhook_inbox.answer(status, headers={"Location": elsewhere.url})
        line.ask("POST", path, {"url": webhook_inbox.url})
        line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})
        for test in (f"{path}/test", "/v1/webhooks/test"):
            result = line.ask("POST", test, {})
            assert (result["success"], result["httpStatus"]) == (False, status)
        line.hear("x")
        until(lambda: deliveries(line)[0]["httpStatus"] == status)
        assert deliveries(line)[0]["status"] == "pending"
        assert len(webhook_inbox.received) == 3
        assert elsewhere.received == []


def test_hook_slow_neighbour(line: Line, webhook_inbox: WebhookInbox) -> None:
    """A slow endpoint delays nobody else."""
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    webhook_inbox.answer(200, delay=20)
    other = line.ask("POST", "/v1/agents", {"name": "fast"})["id"]
    number = line.ask("POST", "/v1/numbers", {"agentId": other})["phoneNumber"]
    with WebhookInbox() as fast:
        line.ask("POST", f"/v1/agents/{other}/webhook", {"url": fast.url})
        together(*[partial(line.phone.text, line.number, f"s{n}") for n in range(20)])
        until(lambda: len(webhook_inbox.received) == 10)  # as many as one endpoint may hold
        line.phone.text(number, "quick")
        assert fast.wait_for(timeout=3).body["data"]["message"] == "quick"
        tested = time.monotonic()
        assert line.ask("POST", f"/v1/agents/{other}/webhook/test", {})["success"]
        assert time.monotonic() - tested < 3
        line.ask("DELETE", f"/v1/agents/{line.agent_id}/webhook")


def test_hook_huge_answer(line: Line, webhook_inbox: WebhookInbox) -> None:
    """4 KB of an answer are kept, of a test's as of a delivery's."""
    path = f"/v1/agents/{line.agent_id}/webhook"
    line.ask("POST", path, {"url": webhook_inbox.url})
    webhook_inbox.answer(200, body="x" * 20_000_000)
    assert line.ask("POST", f"{path}/test", {})["success"]
    line.hear("x")
    until(lambda: deliveries(line)[0]["status"] == "delivered")
    for list_path in (f"{path}/deliveries", "/v1/webhooks/deliveries"):
        answer = line.ringback.request("GET", list_path)
        assert len(answer.content) < 100_000
        assert b"x" * 4_097 not in answer.content
    assert deliveries(line)[0]["responseBody"] == "x" * 4_096


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
    assert line.ask("GET", f"/v1/conversations/{line.messages()[0]['conversationId']}")["messageCount"] == 2
    ids = {webhook_inbox.wait_for().id, webhook_inbox.wait_for().id}
    time.sleep(0.3)
    assert len(line.messages()) == len(ids) == len(webhook_inbox.received) == 2


NO_URLS = [
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
    "http://me:secret@example.com/",
    "http://me@example.com/",
    "HTTP:/example.com",
    "http:///example.com",
    "http://exam\u0000ple.com/",
    "\thttp://example.com/",
    "http://[::1/",
    "data:text/plain,x",
    "ws://example.com/",
    "",
]


def test_hook_url_hygiene(line: Line) -> None:
    """What is no web address is refused on every path that takes one, and leaves what was there."""
    for path in (f"/v1/agents/{line.agent_id}/webhook", "/v1/webhooks"):
        kept = line.ask("POST", path, {"url": "http://127.0.0.1:9/kept"})
        for url in (*NO_URLS, None, 1, ["http://example.com/"]):
            line.refused("POST", path, 400, 422, field="url", body={"url": url})
        assert line.ask("GET", path) == kept


def test_other_urls(line: Line) -> None:
    """Media go through the same door, from programs and from phones."""
    path = f"/sim/v1/handsets/{line.phone.id}/messages"
    for url in NO_URLS:
        text = {"number_id": line.number_id, "to_number": line.phone.number, "media_urls": [url]}
        line.refused("POST", "/v1/messages", 400, 422, field="media_urls", body=text)
        photo = {"to": line.number, "mediaUrls": [url]}
        line.refused("POST", path, 400, 422, field="mediaUrls", body=photo)
    assert line.messages() == []
