"""Messages and conversations, as the vendor's TypeScript client finds them."""

from urllib.request import urlopen

import pytest

from ringback.testing import Handsets
from tests.conformance.npm.sdk import NpmClient, NpmError
from tests.conformance.npm.steps import agent_with_number, received
from tests.media import png, serving
from tests.phones import until

pytestmark = pytest.mark.conformance


def test_a_text_reaches_a_phone(client: NpmClient, handset: Handsets) -> None:
    agent, number = agent_with_number(client)
    phone = handset()
    sent = client.messages.sendMessage({"agent_id": agent["id"], "to_number": phone.number, "body": "Hi"})
    assert (sent["channel"], sent["from_number"], sent["to_number"]) == (
        "sms",
        number["phoneNumber"],
        phone.number,
    )
    assert phone.wait_for("Hi").from_ == number["phoneNumber"]
    here = {"number_id": number["id"]}
    until(lambda: client.numbers.getMessages(here)["data"][0]["status"] == "delivered")
    assert client.numbers.getMessages(here)["data"][0]["id"] == sent["id"]


def test_a_picture_reaches_a_phone(client: NpmClient, handset: Handsets) -> None:
    number, phone = client.numbers.createNumber(), handset()
    with serving() as web:
        pictures = [web.put("/one.png", png(1_000)), web.put("/two.png", png(2_000))]
        text = {"number_id": number["id"], "from_number": number["phoneNumber"], "to_number": phone.number}
        sent = client.messages.sendMessage(
            text | {"body": "Look", "media_urls": pictures, "send_style": "confetti"}
        )
        assert (sent["channel"], sent["media_urls"]) == ("mms", pictures)
        shown = phone.wait_for("Look").media_urls
    assert [len(urlopen(url).read()) for url in shown] == [1_000, 2_000]


def test_a_conversation(client: NpmClient, handset: Handsets) -> None:
    agent, number = agent_with_number(client)
    phone = handset()
    one, two = received(client, number, phone, "one", "two")
    sent = client.messages.sendMessage({"agent_id": agent["id"], "to_number": phone.number, "body": "three"})
    listed = client.conversations.listConversations()
    [summary] = listed["data"]
    assert (listed["hasMore"], listed["total"]) == (False, 1)
    assert (summary["participant"], summary["lastMessagePreview"]) == (phone.number, "three")
    assert client.conversations.listConversations({"offset": 1})["data"] == []
    here = {"conversation_id": one["conversationId"]}
    whole = client.conversations.getConversation(here)
    assert (whole["id"], whole["agentId"], whole["messageCount"]) == (summary["id"], agent["id"], 3)
    assert [one["id"] for one in whole["messages"]] == [sent["id"], two["id"], one["id"]]
    some = client.conversations.getConversation(here | {"message_limit": 1})
    assert [one["id"] for one in some["messages"]] == [sent["id"]]
    page = client.conversations.getConversationMessages(here | {"limit": 1, "before": sent["id"]})
    assert ([one["body"] for one in page["data"]], page["hasMore"]) == (["two"], True)
    after = client.conversations.getConversationMessages(here | {"after": one["receivedAt"]})
    assert [one["body"] for one in after["data"]] == ["three", "two"]


def test_what_a_conversation_remembers(client: NpmClient, handset: Handsets) -> None:
    _, number = agent_with_number(client)
    [message] = received(client, number, handset(), "Hello")
    here = {"conversation_id": message["conversationId"]}
    metadata = {"step": 2, "nested": {"none": None}}
    assert client.conversations.updateConversation(here | {"metadata": metadata})["metadata"] == metadata
    assert client.conversations.getConversation(here)["metadata"] == metadata
    with pytest.raises(NpmError) as refused:
        client.conversations.updateConversation(here | {"group_name": "Friends"})
    assert refused.value.status == 400, "a group's name takes an iMessage-class line"
