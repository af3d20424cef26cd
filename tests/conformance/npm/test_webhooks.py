"""Webhooks of the account and of agents, as the vendor's TypeScript client finds them."""

from typing import Any

import pytest

from ringback.testing import Handsets, WebhookInbox
from tests.conformance.npm.sdk import NpmClient
from tests.conformance.npm.steps import agent_with_number, received
from tests.phones import until

pytestmark = pytest.mark.conformance


def test_the_accounts_webhook(client: NpmClient, webhook_inbox: WebhookInbox, handset: Handsets) -> None:
    assert client.webhooks.getWebhook() is None
    hook = client.webhooks.createOrUpdateWebhook(
        {"body": {"url": webhook_inbox.url, "contextLimit": 50, "timeout": 120}}
    )
    assert (hook["url"], hook["contextLimit"], hook["timeout"]) == (webhook_inbox.url, 50, 120)
    assert client.webhooks.getWebhook() == hook
    webhook_inbox.secret = hook["secret"]
    result = client.webhooks.testWebhook()
    assert (result["success"], result["httpStatus"]) == (True, 200)
    assert webhook_inbox.wait_for("agent.message").body["test"] is True
    [message] = received(client, agent_with_number(client)[1], handset(), "Hello")
    assert webhook_inbox.wait_for("agent.message").body["data"]["messageId"] == message["id"]

    def delivered() -> Any:
        page = client.webhooks.listDeliveries({"limit": 10, "offset": 0, "hours": 1})
        return page if [one["status"] for one in page["items"]] == ["delivered"] else None

    page = until(delivered)
    assert (page["total"], page["items"][0]["messageId"]) == (1, message["id"])
    assert client.webhooks.deleteWebhook()["success"] is True
    assert client.webhooks.getWebhook() is None


def test_an_agents_webhook(client: NpmClient, webhook_inbox: WebhookInbox, handset: Handsets) -> None:
    agent, number = agent_with_number(client)
    here = {"agent_id": agent["id"]}
    assert client.agentWebhooks.getAgentWebhook(here) is None
    hook = client.agentWebhooks.createOrUpdateAgentWebhook(here | {"body": {"url": webhook_inbox.url}})
    assert client.agentWebhooks.getAgentWebhook(here) == hook
    assert client.webhooks.getWebhook() is None
    webhook_inbox.secret = hook["secret"]
    assert client.agentWebhooks.testAgentWebhook(here)["success"] is True
    assert webhook_inbox.wait_for("agent.message").body["agentId"] == agent["id"]
    [message] = received(client, number, handset(), "Hello")
    webhook_inbox.wait_for("agent.message")

    def delivered() -> Any:
        found = client.agentWebhooks.listAgentDeliveries(here | {"limit": 5})
        return found if [one["status"] for one in found] == ["delivered"] else None

    assert until(delivered)[0]["messageId"] == message["id"]
    assert client.agentWebhooks.deleteAgentWebhook(here)["success"] is True
    assert client.agentWebhooks.getAgentWebhook(here) is None
