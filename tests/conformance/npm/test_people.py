"""Contacts, and what takes another line, as the vendor's TypeScript client finds them."""

from collections.abc import Callable
from typing import Any

import pytest

from ringback.testing import Handsets
from tests.conformance.npm.sdk import NpmClient, NpmError
from tests.conformance.npm.steps import agent_with_number, received

pytestmark = pytest.mark.conformance


def test_a_contacts_life(client: NpmClient) -> None:
    assert client.contacts.listContacts() == {"data": [], "hasMore": False, "total": 0}
    given = {"phoneNumber": "(415) 555-0114", "name": "Ann", "email": "ann@example.com", "notes": "VIP"}
    ann = client.contacts.createContact(given)
    assert (ann["phoneNumber"], ann["name"], ann["email"]) == ("+14155550114", "Ann", "ann@example.com")
    ben = client.contacts.createContact({"phoneNumber": "+442079460018", "name": "Ben", "email": None})
    assert (ben["email"], ben["notes"]) == (None, None)
    here = {"contact_id": ann["id"]}
    assert client.contacts.getContact(here) == ann
    assert client.contacts.listContacts({"limit": 1, "offset": 1})["data"] == [ann]
    changed = client.contacts.updateContact(here | {"name": "Anna", "email": None, "notes": None})
    assert (changed["name"], changed["email"], changed["notes"]) == ("Anna", None, None)
    with pytest.raises(NpmError) as taken:
        client.contacts.updateContact(here | {"phoneNumber": "+442079460018"})
    assert (taken.value.status, taken.value.body["error"]["code"]) == (409, "CONTACT_EXISTS")
    assert client.contacts.deleteContact(here) is None, "204, and the client returns undefined"
    assert client.contacts.listContacts()["data"] == [ben]


def test_what_only_another_line_can_do(client: NpmClient, handset: Handsets) -> None:
    _, number = agent_with_number(client)
    [message] = received(client, number, handset(), "Hello")
    there = {"conversation_id": message["conversationId"]}
    here = {"number_id": number["id"]}
    picture = {"image_url": "https://example.com/x.png"}
    calls: list[Callable[[], Any]] = [
        lambda: client.contactCards.deleteContactCard(here),
        lambda: client.contactCards.getContactCard(here),
        lambda: client.contactCards.putContactCard(here | {"firstName": "Ann", "lastName": None}),
        lambda: client.contacts.getContactCapabilities({"phone_number": "+14155550114"}),
        lambda: client.conversations.removeChatBackground(there),
        lambda: client.conversations.sendTypingIndicator(there),
        lambda: client.conversations.setChatBackground(there | picture),
        lambda: client.messages.sendReaction({"message_id": message["id"], "reaction": "love"}),
    ]
    for call in calls:
        with pytest.raises(NpmError) as refused:
            call()
        assert (refused.value.name, refused.value.status) == ("AgentPhoneError", 400)
        assert refused.value.body["error"]["code"] == "UNSUPPORTED_CHANNEL"
        assert "iMessage" in refused.value.text
