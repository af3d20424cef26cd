"""Sub-accounts and usage, as the vendor's TypeScript client finds them."""

import pytest

from ringback.testing import Handsets
from tests.conformance.npm.sdk import NpmClient, NpmError
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


def test_what_is_a_sub_accounts_is_its_own(client: NpmClient, handset: Handsets) -> None:
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
