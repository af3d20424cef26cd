"""Contacts, lookups, feedback and what takes another line, as the vendor's Python client finds them."""

import re
from collections.abc import Callable
from typing import Any

import agentphone
import pytest
from agentphone import models

from ringback.testing import Handsets
from tests.conformance.steps import agent_with_number, received
from tests.phones import at


class Contacts:
    def test_create_with_least(self, client: Any) -> None:
        contact = client.contacts.create("(415) 555-0114", "Ann")
        assert isinstance(contact, models.Contact)
        assert re.fullmatch(r"con_[0-9a-z]+", contact.id)
        assert (contact.phone_number, contact.name) == ("+14155550114", "Ann")
        assert (contact.email, contact.notes) == (None, None)
        assert at(contact.created_at) == at(contact.updated_at)

    def test_create_with_most(self, client: Any) -> None:
        contact = client.contacts.create("+442079460018", "Ben Größe", email="ben@example.com", notes="a\nb")
        assert (contact.email, contact.notes) == ("ben@example.com", "a\nb")
        assert client.contacts.get(contact.id) == contact

    def test_list(self, client: Any) -> None:
        empty = client.contacts.list()
        assert (empty.data, empty.has_more, empty.total) == ([], False, 0)
        made = [client.contacts.create(f"+1415555011{n}", f"Ann {n}") for n in range(3)]
        everything = client.contacts.list()
        assert isinstance(everything, models.ContactList)
        assert everything.data == made[::-1], "newest first"
        assert (everything.has_more, everything.total) == (False, 3)
        page = client.contacts.list(limit=1, offset=1)
        assert (page.data, page.has_more, page.total) == ([made[1]], True, 3)
        found = client.contacts.list(search="ann 2")
        assert (found.data, found.has_more, found.total) == ([made[2]], False, 1)
        assert client.contacts.list(search="(415) 555-01").total == 3

    def test_update(self, client: Any) -> None:
        contact = client.contacts.create("+14155550114", "Ann", email="ann@example.com", notes="VIP")
        assert client.contacts.update(contact.id) == contact, "nothing given changes nothing"
        changed = client.contacts.update(contact.id, phone_number="+1 415 555 0115", name="Anna")
        assert (changed.phone_number, changed.name) == ("+14155550115", "Anna")
        assert (changed.email, changed.notes) == ("ann@example.com", "VIP")
        assert at(changed.updated_at) >= at(changed.created_at)
        cleared = client.contacts.update(contact.id, email="", notes="")
        assert (cleared.email, cleared.notes, cleared.name) == (None, None, "Anna")
        assert client.contacts.get(contact.id) == cleared

    def test_delete(self, client: Any) -> None:
        contact = client.contacts.create("+14155550114", "Ann")
        assert client.contacts.delete(contact.id) == {}
        for call in (client.contacts.get, client.contacts.delete, client.contacts.update):
            with pytest.raises(agentphone.NotFoundError):
                call(contact.id)
        assert client.contacts.list().total == 0
        assert client.contacts.create("+14155550114", "Ann again").id != contact.id

    def test_one_for_each_number(self, client: Any) -> None:
        client.contacts.create("+14155550114", "Ann")
        other = client.contacts.create("+14155550115", "Ben")
        calls: list[Callable[[], Any]] = [
            lambda: client.contacts.create("415-555-0114", "Cem"),
            lambda: client.contacts.update(other.id, phone_number="4155550114"),
        ]
        for call in calls:
            with pytest.raises(agentphone.AgentPhoneError) as refused:
                call()
            assert (type(refused.value), refused.value.status) == (agentphone.AgentPhoneError, 409)
        assert client.contacts.get(other.id) == other

    def test_capabilities_take_another_line(self, client: Any, answers: list[dict[str, Any]]) -> None:
        with pytest.raises(agentphone.AgentPhoneError) as refused:
            client.contacts.get_capabilities("+14155550114")
        assert (refused.value.status, answers[-1]["error"]["code"]) == (400, "UNSUPPORTED_CHANNEL")
        with pytest.raises(agentphone.AgentPhoneError) as refused:
            client.contacts.get_capabilities("nobody")
        assert refused.value.status == 422


class Lookup:
    def test_lookup(self, client: Any, handset: Handsets) -> None:
        own, phone, fixed = client.numbers.buy(), handset(), handset(personality="landline")
        asked = [own.phone_number, phone.number, fixed.number, "+18005550100", "+14155550100", phone.number]
        found = client.numbers.lookup(asked)
        assert all(isinstance(entry, models.NumberLookupEntry) for entry in found)
        assert [entry.phone_number for entry in found] == asked
        assert [entry.line_type for entry in found] == [
            "voip", "mobile", "landline", "toll_free", None, "mobile"
        ]  # fmt: skip
        assert {entry.country for entry in found} == {"US"}
        assert [entry.rcs_enabled for entry in found] == [False, False, False, None, None, False]
        assert client.numbers.lookup("+442079460018,+447400123456") == [
            models.NumberLookupEntry("+442079460018", "landline", "GB", None),
            models.NumberLookupEntry("+447400123456", "mobile", "GB", None),
        ]

    def test_too_many(self, client: Any) -> None:
        assert len(client.numbers.lookup(["+14155550100"] * 25)) == 25
        with pytest.raises(agentphone.AgentPhoneError) as refused:
            client.numbers.lookup(["+14155550100"] * 26)
        assert refused.value.status == 422


class Feedback:
    def test_submit(self, client: Any) -> None:
        least = client.feedback.submit("docs", "A page is missing.")
        most = client.feedback.submit(
            "bug", "It broke.", request_id="req_1", url="https://example.com/x", tags=["sms", "us"]
        )
        assert (least["success"], most["success"]) == (True, True)
        assert least["id"] != most["id"]


class AnotherLine:
    def test_what_only_another_line_can_do(
        self, client: Any, handset: Handsets, answers: list[dict[str, Any]]
    ) -> None:
        agent, number = agent_with_number(client)
        [message] = received(client, number, handset(), "Hello")
        conversation_id = message.conversation_id
        calls: list[Callable[[], Any]] = [
            lambda: client.messages.react(message.id, "love"),
            lambda: client.messages.react(message.id, "🎉"),
            lambda: client.conversations.send_typing(conversation_id),
            lambda: client.conversations.set_background(conversation_id, "https://example.com/x.png"),
            lambda: client.conversations.delete_background(conversation_id),
            lambda: client.conversations.update(conversation_id, group_name="Friends"),
            lambda: client.numbers.get_contact_card(number.id),
            lambda: client.numbers.set_contact_card(number.id, "Ann", "Smith", display_name="Ann"),
            lambda: client.numbers.delete_contact_card(number.id),
            lambda: client.messages.send(agent_id=agent.id, to_number="ann@example.com", body="x"),
            lambda: client.messages.send(agent_id=agent.id, to_number="grp_1", body="x"),
            lambda: client.messages.send(
                agent_id=agent.id, recipients=["+14155550100", "+14155550101"], body="x"
            ),
        ]
        for call in calls:
            with pytest.raises(agentphone.AgentPhoneError) as refused:
                call()
            assert (refused.value.status, answers[-1]["error"]["code"]) == (400, "UNSUPPORTED_CHANNEL")
            assert "iMessage" in refused.value.message
        assert len(client.numbers.get_messages(number.id).data) == 1

    def test_what_is_not_there(self, client: Any) -> None:
        calls: list[Callable[[], Any]] = [
            lambda: client.messages.react("msg_nowhere", "love"),
            lambda: client.conversations.send_typing("conv_nowhere"),
            lambda: client.conversations.set_background("conv_nowhere", "https://example.com/x.png"),
            lambda: client.conversations.delete_background("conv_nowhere"),
            lambda: client.conversations.update("conv_nowhere", group_name="Friends"),
            lambda: client.numbers.get_contact_card("num_nowhere"),
            lambda: client.numbers.set_contact_card("num_nowhere", "Ann", "Smith"),
            lambda: client.numbers.delete_contact_card("num_nowhere"),
            lambda: client.messages.send(number_id="num_nowhere", to_number="ann@example.com", body="x"),
        ]
        for call in calls:
            with pytest.raises(agentphone.NotFoundError):
                call()
