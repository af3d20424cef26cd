"""What is peculiar to the vendor's TypeScript client, and that the server takes it well."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from ringback.testing import Handsets, Network, Ringback, WebhookInbox
from tests.conformance.npm.sdk import Node, NpmClient, NpmError
from tests.conformance.npm.steps import ANYTHING, agent_with_number, received
from tests.conformance.seen import Request
from tests.phones import until

pytestmark = pytest.mark.conformance


def test_who_it_says_it_is(client: NpmClient, requests: list[Request], ringback: Ringback) -> None:
    client.numbers.listNumbers()
    [request] = requests
    assert request.headers["user-agent"] == "agentphone/1.0.17"
    assert request.headers["x-fern-sdk-version"] == "1.0.17"
    assert request.headers["authorization"] == f"Bearer {ringback.api_key}"
    assert "content-type" not in request.headers


def test_a_base_url_may_end_in_a_slash(node: Node, ringback: Ringback) -> None:
    client = NpmClient(node, ringback.base_url + "/", ringback.api_key)
    assert client.numbers.listNumbers()["total"] == 0


def test_a_502_is_asked_again_and_has_one_effect(
    client: NpmClient, requests: list[Request], network: Network
) -> None:
    outage = network.fault("outage")
    with ThreadPoolExecutor(1) as other:
        bought = other.submit(client.numbers.createNumber, {"country": "US"})
        until(lambda: requests)
        outage.clear()
        number = bought.result(10)
    first, again = requests
    assert (first.method, first.body, again.body) == ("POST", first.body, first.body)
    assert "idempotency-key" not in again.headers, "nothing tells that it was asked before"
    assert client.numbers.listNumbers()["data"] == [number]


def test_a_502_that_stays_is_told_after_three_requests(
    client: NpmClient, requests: list[Request], network: Network
) -> None:
    network.fault("outage")
    with pytest.raises(NpmError) as refused:
        client.numbers.createNumber()
    assert (refused.value.name, refused.value.status) == ("AgentPhoneError", 502)
    assert refused.value.body["error"]["code"] == "CARRIER_ERROR"
    assert len(requests) == 3
    assert client.numbers.listNumbers()["total"] == 0


def test_null_is_not_given(client: NpmClient, requests: list[Request], handset: Handsets) -> None:
    agent = client.agents.createAgent({"name": "Desk", "description": None, "systemPrompt": None})
    number = client.numbers.createNumber({"areaCode": None, "agentId": None})
    client.agents.attachNumberToAgent({"agent_id": agent["id"], "numberId": number["id"]})
    phone = handset()
    nothing = dict.fromkeys(("recipients", "media_url", "media_urls", "from_number", "reply_to_message_id"))
    text = {"agent_id": None, "number_id": number["id"], "to_number": phone.number, "body": "Hi"}
    client.messages.sendMessage(text | nothing)
    phone.wait_for("Hi")
    assert json.loads(requests[-1].body)["media_urls"] is None


def test_null_clears_in_a_patch(client: NpmClient, handset: Handsets) -> None:
    agent, number = agent_with_number(client)
    here = {"agent_id": agent["id"]}
    given = {"description": "Front", "transferNumber": "+14155550123", "voicemailMessage": "Later."}
    assert client.agents.updateAgent(here | given)["description"] == "Front"
    cleared = client.agents.updateAgent(here | dict.fromkeys(given))
    assert [cleared[name] for name in given] == [None, None, None]
    [message] = received(client, number, handset(), "Hello")
    there = {"conversation_id": message["conversationId"]}
    client.conversations.updateConversation(there | {"metadata": {"step": 1}})
    assert client.conversations.updateConversation(there | {"metadata": None})["metadata"] is None


def test_a_null_in_the_query_is_sent_empty_and_means_nothing(
    client: NpmClient, requests: list[Request], handset: Handsets
) -> None:
    _, number = agent_with_number(client)
    [message] = received(client, number, handset(), "Hello")
    nothing = {"before": None, "after": None}
    page = client.numbers.getMessages(nothing | {"number_id": number["id"]})
    assert ([one["id"] for one in page["data"]], requests[-1].query) == ([message["id"]], "before=&after=")
    page = client.conversations.getConversationMessages(
        nothing | {"conversation_id": message["conversationId"]}
    )
    assert ([one["id"] for one in page["data"]], requests[-1].query) == ([message["id"]], "before=&after=")
    page = client.webhooks.listDeliveries({"hours": None})
    assert (page["items"], requests[-1].query) == ([], "hours=")


def test_a_post_with_nothing_to_say_has_no_body(
    client: NpmClient, requests: list[Request], webhook_inbox: WebhookInbox
) -> None:
    agent = client.agents.createAgent({"name": "Desk"})
    here = {"agent_id": agent["id"]}
    client.agentWebhooks.createOrUpdateAgentWebhook(here | {"body": {"url": webhook_inbox.url}})
    assert client.agentWebhooks.testAgentWebhook(here)["success"] is True
    asked = requests[-1]
    assert (asked.method, asked.body, "content-type" in asked.headers) == ("POST", b"", False)


def test_the_recording_is_asked_for_without_a_key(client: NpmClient, requests: list[Request]) -> None:
    """A recording takes a key here, so this one method can't work (docs/clients.md tells)."""
    with pytest.raises(NpmError) as refused:
        client.calls.getCallRecording({"call_id": "call_1"})
    assert "authorization" not in requests[0].headers
    assert (refused.value.status, refused.value.body["error"]["code"]) == (401, "UNAUTHORIZED")


def test_these_methods_can_name_a_sub_account(client: NpmClient, requests: list[Request]) -> None:
    named: dict[str, int | None] = {}
    for resource, methods in client.methods().items():
        for method in methods:
            status: int | None = None
            try:
                getattr(getattr(client, resource), method)(ANYTHING | {"X-Sub-Account-Id": "acct_nobodys"})
            except NpmError as refused:
                status = refused.status
            if requests[-1].headers.get("x-sub-account-id") == "acct_nobodys":
                named[f"{resource}.{method}"] = status
    assert named == dict.fromkeys(
        (
            "agents.createAgent",
            "agents.deleteAgent",
            "agents.getAgent",
            "agents.listAgents",
            "agents.updateAgent",
            "calls.createOutboundCall",
            "calls.listCalls",
            "contacts.listContacts",
            "conversations.listConversations",
            "numbers.createNumber",
            "numbers.deleteNumber",
            "numbers.listNumbers",
            "registration.getRegistrationStatus",
            "webhooks.createOrUpdateWebhook",
            "webhooks.getWebhook",
        ),
        404,
    )
