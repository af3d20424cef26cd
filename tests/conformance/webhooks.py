"""Webhooks of the project and of agents, as the vendor's Python client finds them."""

import re
from datetime import timedelta
from typing import Any

import agentphone
import pytest
from agentphone import models

from ringback.testing import Clock, Handsets, ReceivedEvent, Ringback, WebhookInbox
from tests.conformance.steps import agent_with_number, received
from tests.phones import at, until


class Webhooks:
    def test_set_get_delete(self, client: Any) -> None:
        assert client.webhooks.get() is None
        hook = client.webhooks.set(url="http://127.0.0.1:9/hook")
        assert isinstance(hook, models.Webhook)
        assert re.fullmatch(r"wh_[0-9a-z]+", hook.id)
        assert hook.url == "http://127.0.0.1:9/hook"
        assert hook.secret.startswith("whsec_")
        assert (hook.status, hook.context_limit, hook.timeout) == ("active", 10, 30)
        assert client.webhooks.get() == hook
        again = client.webhooks.set(url="http://127.0.0.1:9/other", context_limit=0, timeout=5)
        assert (again.id, again.url, again.context_limit, again.timeout) == (
            hook.id,
            "http://127.0.0.1:9/other",
            0,
            5,
        )
        assert again.secret != hook.secret, "setting it again makes a new secret"
        assert client.webhooks.delete()["success"] is True
        assert client.webhooks.get() is None

    def test_test(self, client: Any, webhook_inbox: WebhookInbox) -> None:
        hook = client.webhooks.set(url=webhook_inbox.url)
        webhook_inbox.secret = hook.secret
        result = client.webhooks.test()
        assert (result["success"], result["httpStatus"], result["errorMessage"]) == (True, 200, None)
        assert (result["statusCode"], result["error"]) == (200, None)
        event = webhook_inbox.wait_for(event="agent.message")
        parsed = self.parsed(event, hook.secret)
        assert (parsed.event, parsed.test, parsed.channel) == ("agent.message", True, "sms")
        result = client.webhooks.test(from_="+14155550111", to="+14155550112", message="ping", channel="mms")
        assert result["success"] is True
        until(lambda: webhook_inbox.wait_for(event="agent.message").body["data"]["message"] == "ping")

    def test_test_says_what_went_wrong(self, client: Any) -> None:
        with pytest.raises(agentphone.AgentPhoneError) as none_set:
            client.webhooks.test()
        assert none_set.value.status in (400, 404)
        client.webhooks.set(url="http://127.0.0.1:9/nobody-listens")
        result = client.webhooks.test()
        assert (result["success"], result["httpStatus"]) == (False, None)
        assert result["errorMessage"]
        assert result["error"] == result["errorMessage"]

    def test_event_and_deliveries(self, client: Any, webhook_inbox: WebhookInbox, handset: Handsets) -> None:
        hook = client.webhooks.set(url=webhook_inbox.url, context_limit=50, timeout=120)
        webhook_inbox.secret = hook.secret
        assert client.webhooks.list_deliveries() == []
        agent, number = agent_with_number(client)
        phone = handset()
        [first] = received(client, number, phone, "one")
        webhook_inbox.wait_for(event="agent.message")
        client.conversations.update(first.conversation_id, metadata={"step": 1})
        [second] = received(client, number, phone, "two")

        def after_second() -> ReceivedEvent | None:
            event = webhook_inbox.wait_for(event="agent.message")
            return event if event.body["data"]["message"] == "two" else None

        event = self.parsed(until(after_second), hook.secret)
        assert (event.event, event.channel, event.agent_id) == ("agent.message", "sms", agent.id)
        assert (event.data.message, event.data.direction) == ("two", "inbound")
        assert (event.data.from_number, event.data.to_number) == (phone.number, number.phone_number)
        assert (event.data.message_id, event.data.id) == (second.id, second.id)
        assert event.data.conversation_id == second.conversation_id
        assert (event.data.number_id, event.data.received_at) == (number.id, second.received_at)
        assert event.conversation_state == {"step": 1}
        [before] = event.recent_history
        assert (before.content, before.direction, before.channel) == ("one", "inbound", "sms")
        assert not event.test

        until(lambda: [d.status for d in client.webhooks.list_deliveries()] == ["delivered"] * 2)
        newest, oldest = client.webhooks.list_deliveries()
        assert isinstance(newest, models.WebhookDelivery)
        assert (newest.message_id, oldest.message_id) == (second.id, first.id)
        assert (newest.event_type, newest.channel) == ("agent.message", "sms")
        assert (newest.http_status, newest.error_message, newest.attempt_count) == (200, None, 1)
        assert newest.next_retry_at is None
        assert at(newest.created_at) <= at(newest.last_attempt_at)
        assert client.webhooks.list_deliveries(limit=1, offset=1, hours=1) == [oldest]

    def test_deliveries_of_the_last_hours(
        self, client: Any, webhook_inbox: WebhookInbox, handset: Handsets, clock: Clock
    ) -> None:
        webhook_inbox.secret = client.webhooks.set(url=webhook_inbox.url).secret
        received(client, agent_with_number(client)[1], handset(), "one")
        until(lambda: [d.status for d in client.webhooks.list_deliveries()] == ["delivered"])
        clock.advance(seconds=timedelta(hours=2).total_seconds())
        assert client.webhooks.list_deliveries(hours=1) == []
        assert len(client.webhooks.list_deliveries(hours=3)) == 1

    def test_what_became_of_a_text_is_read_by_the_client_as_it_is(
        self, client: Any, ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets
    ) -> None:
        """Asked for with a request of one's own, since the client knows no such field; it leaves what was set."""
        events = ["message.sent", "message.delivered"]
        body = {"url": "http://127.0.0.1:9/", "ringback": {"events": events, "ordered": True}}
        assert ringback.request("POST", "/v1/webhooks", json=body).status == 200
        hook = client.webhooks.set(url=webhook_inbox.url)
        webhook_inbox.secret = hook.secret
        agent, number = agent_with_number(client)
        sent = client.messages.send(number_id=number.id, to_number=handset().number, body="Hello")
        first, second = (self.parsed(webhook_inbox.wait_for(), hook.secret) for _ in range(2))
        assert [first.event, second.event] == events
        assert (second.channel, second.agent_id, second.recent_history) == ("sms", agent.id, [])
        assert (second.data.message_id, second.data.direction) == (sent["id"], "outbound")
        assert (second.data.from_number, second.data.number_id) == (number.phone_number, number.id)
        assert second.raw["data"]["status"] == "delivered"
        until(lambda: [d.status for d in client.webhooks.list_deliveries()] == ["delivered"] * 2)

    def test_either_secret_verifies_while_both_hold(
        self, client: Any, ringback: Ringback, webhook_inbox: WebhookInbox, handset: Handsets
    ) -> None:
        old = client.webhooks.set(url=webhook_inbox.url).secret
        ringback.request("POST", "/v1/webhooks/rotate-secret", json={"overlapHours": 1})
        new = client.webhooks.get().secret
        webhook_inbox.answer(403, times=1)
        received(client, agent_with_number(client)[1], handset(), "Hello")
        first, second = webhook_inbox.wait_for(), webhook_inbox.wait_for()
        assert self.parsed(first, new).event == self.parsed(second, old).event == "agent.message"

    @staticmethod
    def parsed(event: ReceivedEvent, secret: str) -> Any:
        """The event as the vendor's client verifies and reads it."""
        assert event.headers["X-Webhook-Event"] == event.body["event"]
        assert event.headers["X-Webhook-ID"].startswith("whd_")
        return agentphone.construct_event(
            event.raw, event.headers["X-Webhook-Signature"], secret, event.headers["X-Webhook-Timestamp"]
        )


class AgentWebhooks:
    def test_set_get_delete(self, client: Any) -> None:
        agent, other = client.agents.create(name="Desk"), client.agents.create(name="Other")
        assert client.agents.get_webhook(agent.id) is None
        hook = client.agents.set_webhook(agent.id, url="http://127.0.0.1:9/hook")
        assert isinstance(hook, models.Webhook)
        assert hook.secret.startswith("whsec_")
        assert (hook.url, hook.status) == ("http://127.0.0.1:9/hook", "active")
        assert (hook.context_limit, hook.timeout) == (10, 30)
        assert client.agents.get_webhook(agent.id) == hook
        assert client.agents.get_webhook(other.id) is None
        assert client.webhooks.get() is None
        again = client.agents.set_webhook(agent.id, url="http://127.0.0.1:9/x", context_limit=50, timeout=120)
        assert (again.id, again.context_limit, again.timeout) == (hook.id, 50, 120)
        assert again.secret != hook.secret
        assert client.agents.delete_webhook(agent.id)["success"] is True
        assert client.agents.get_webhook(agent.id) is None

    def test_goes_before_the_projects(
        self, client: Any, webhook_inbox: WebhookInbox, handset: Handsets
    ) -> None:
        client.webhooks.set(url="http://127.0.0.1:9/never")
        agent, number = agent_with_number(client)
        hook = client.agents.set_webhook(agent.id, url=webhook_inbox.url)
        webhook_inbox.secret = hook.secret
        assert client.agents.list_webhook_deliveries(agent.id) == []
        [message] = received(client, number, handset(), "Hello")
        event = webhook_inbox.wait_for(event="agent.message")
        assert event.body["data"]["messageId"] == message.id
        until(lambda: [d.status for d in client.agents.list_webhook_deliveries(agent.id)] == ["delivered"])
        [delivery] = client.agents.list_webhook_deliveries(agent.id, limit=1)
        assert isinstance(delivery, models.WebhookDelivery)
        assert (delivery.message_id, delivery.http_status, delivery.attempt_count) == (message.id, 200, 1)

    def test_test(self, client: Any, webhook_inbox: WebhookInbox) -> None:
        agent = client.agents.create(name="Desk")
        webhook_inbox.secret = client.agents.set_webhook(agent.id, url=webhook_inbox.url).secret
        result = client.agents.test_webhook(agent.id)
        assert (result["success"], result["httpStatus"], result["statusCode"]) == (True, 200, 200)
        event = webhook_inbox.wait_for(event="agent.message")
        assert (event.body["test"], event.body["agentId"]) == (True, agent.id)
