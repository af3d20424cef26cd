"""Sub-accounts, as the vendor's TypeScript client finds them."""

import pytest

from ringback.testing import Handsets, Ringback
from tests.conformance.npm.sdk import Node, NpmClient, NpmError
from tests.conformance.seen import Request

pytestmark = pytest.mark.conformance


def test_a_sub_accounts_life(client: NpmClient, requests: list[Request]) -> None:
    nothing = client.subAccounts.listSubAccounts({"limit": None})
    assert ([*nothing["data"]], requests[-1].query) == ([], "limit=")
    made = client.subAccounts.createSubAccount({"name": "Acme"})
    named = client.subAccounts.updateSubAccount({"sub_account_id": made["id"], "name": "Acme Ltd"})
    assert (named["id"], named["name"]) == (made["id"], "Acme Ltd")
    [listed] = client.subAccounts.listSubAccounts()["data"]
    assert (listed["id"], listed["name"]) == (made["id"], "Acme Ltd")
    assert client.subAccounts.deleteSubAccount({"sub_account_id": made["id"]})["success"] is True
    assert client.subAccounts.listSubAccounts()["data"] == []


def test_what_is_a_sub_accounts_is_its_own(client: NpmClient) -> None:
    sub = {"X-Sub-Account-Id": client.subAccounts.createSubAccount({"name": "Acme"})["id"]}
    agent = client.agents.createAgent(sub | {"name": "Desk"})
    number = client.numbers.createNumber(sub | {"agentId": agent["id"]})
    hook = client.webhooks.createOrUpdateWebhook(sub | {"body": {"url": "http://127.0.0.1:9/"}})
    assert client.agents.listAgents(sub)["total"] == client.numbers.listNumbers(sub)["total"] == 1
    assert client.webhooks.getWebhook(sub) == hook
    here = {"agent_id": agent["id"]}
    assert client.agents.updateAgent(sub | here | {"name": "Till"})["name"] == "Till"
    assert client.agents.getAgent(sub | here)["name"] == "Till"
    assert client.agents.listAgents()["total"] == client.numbers.listNumbers()["total"] == 0
    assert client.webhooks.getWebhook() is None
    with pytest.raises(NpmError) as foreign:
        client.agents.getAgent(here)
    assert foreign.value.status == 404
    assert client.conversations.listConversations(sub)["total"] == 0
    assert client.agents.deleteAgent(sub | here)["success"] is True
    assert client.numbers.deleteNumber(sub | {"number_id": number["id"]})["success"] is True


def test_a_client_of_a_sub_account(
    node: Node, client: NpmClient, ringback: Ringback, handset: Handsets
) -> None:
    """Most methods have no option for the header, but the client's own headers go with each of them."""
    sub = client.subAccounts.createSubAccount({"name": "Acme"})
    headers = {"X-Sub-Account-Id": sub["id"]}
    acme = NpmClient(node, ringback.base_url, ringback.api_key, headers=headers)
    number, phone = acme.numbers.createNumber(), handset()
    sent = acme.messages.sendMessage({"number_id": number["id"], "to_number": phone.number, "body": "Hi"})
    phone.wait_for("Hi")
    here = {"conversation_id": sent["conversation_id"]}
    assert acme.conversations.getConversation(here)["messageCount"] == 1
    with pytest.raises(NpmError) as foreign:
        client.conversations.getConversation(here)
    assert foreign.value.status == 404
