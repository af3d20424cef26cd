"""Messages and conversations, as the vendor's Python client finds them."""

import re
from typing import Any

import agentphone
import pytest
from agentphone import models

from ringback.testing import Handsets
from tests.conformance.steps import MEDIA, agent_with_number, received
from tests.media import png, serving
from tests.phones import at, until


class Messages:
    def test_send_with_least(self, client: Any, handset: Handsets) -> None:
        agent, number = agent_with_number(client)
        phone = handset()
        sent = client.messages.send(agent_id=agent.id, to_number=phone.number, body="Hi")
        assert re.fullmatch(r"msg_[0-9a-z]+", sent["id"])
        assert sent["status"] in ("queued", "sent", "delivered")
        assert sent["channel"] == "sms"
        assert (sent["from_number"], sent["to_number"]) == (number.phone_number, phone.number)
        assert re.fullmatch(r"conv_[0-9a-z]+", sent["conversation_id"])
        assert (sent["media_urls"], sent["reply_to_message_id"]) == ([], None)
        phone.wait_for(body="Hi")
        until(lambda: client.numbers.get_messages(number.id).data[0].status == "delivered")

    def test_each_way_to_name_the_sender(self, client: Any, handset: Handsets) -> None:
        agent, number = agent_with_number(client)
        loose, phone = client.numbers.buy(), handset()
        to = {"to_number": phone.number, "body": "Hi"}
        assert client.messages.send(number_id=loose.id, **to)["from_number"] == loose.phone_number
        assert client.messages.send(from_number=loose.phone_number, **to)["from_number"] == loose.phone_number
        both = client.messages.send(agent_id=agent.id, number_id=number.id, **to)
        assert both["from_number"] == number.phone_number
        second = client.numbers.buy(agent_id=agent.id)
        assert client.messages.send(agent_id=agent.id, **to)["from_number"] == number.phone_number
        named = client.messages.send(agent_id=agent.id, from_number=second.phone_number, **to)
        assert named["from_number"] == second.phone_number
        for contradiction in (
            {"number_id": number.id, "from_number": second.phone_number},
            {"agent_id": agent.id, "number_id": loose.id},
        ):
            with pytest.raises(agentphone.AgentPhoneError) as refused:
                client.messages.send(**contradiction, **to)
            assert refused.value.status == 400

    def test_send_with_most(self, client: Any, handset: Handsets) -> None:
        agent, number = agent_with_number(client)
        phone = handset()
        [message] = received(client, number, phone, "Hello")
        with serving() as web:
            pictures = [web.put("/one.png", png(1_000)), web.put("/two.png", png(2_000))]
            sent = client.messages.send(
                agent_id=agent.id,
                to_number=phone.number,
                body="Look",
                media_urls=pictures,
                number_id=number.id,
                from_number=number.phone_number,
                reply_to_message_id=message.id,
                send_style="confetti",
            )
            assert (sent["channel"], sent["media_urls"]) == ("mms", pictures)
            assert sent["conversation_id"] == message.conversation_id
            assert len(phone.wait_for(body="Look").media_urls) == 2

    def test_media_alone(self, client: Any, handset: Handsets) -> None:
        agent, number = agent_with_number(client)
        phone = handset()
        sent = client.messages.send(agent_id=agent.id, to_number=phone.number, media_url=MEDIA[0])
        assert (sent["channel"], sent["media_urls"]) == ("mms", [MEDIA[0]])
        [listed] = client.numbers.get_messages(number.id).data
        assert (listed.body, listed.media_url, listed.media_urls) == ("", MEDIA[0], [MEDIA[0]])
        with pytest.raises(agentphone.AgentPhoneError) as refused:
            client.messages.send(agent_id=agent.id, to_number=phone.number)
        assert refused.value.status in (400, 422)

    def test_recipients_take_another_line(self, client: Any, handset: Handsets) -> None:
        agent, number = agent_with_number(client)
        with pytest.raises(agentphone.AgentPhoneError) as refused:
            client.messages.send(
                agent_id=agent.id, recipients=[handset().number, handset().number], body="All"
            )
        assert refused.value.status == 400
        assert client.numbers.get_messages(number.id).data == []


class Conversations:
    def test_list(self, client: Any, handset: Handsets) -> None:
        assert client.conversations.list().data == []
        _, number = agent_with_number(client)
        first, second = handset(), handset()
        received(client, number, first, "one")
        received(client, number, second, "two")
        everything = client.conversations.list()
        assert isinstance(everything, models.ConversationList)
        assert [c.participant for c in everything.data] == [second.number, first.number]
        assert (everything.has_more, everything.total) == (False, 2)
        received(client, number, first, "three")
        page = client.conversations.list(limit=1, offset=0)
        assert [c.participant for c in page.data] == [first.number], "by last activity"
        assert (page.has_more, page.total) == (True, 2)
        assert page.data[0].last_message_preview == "three"

    def test_get(self, client: Any, handset: Handsets) -> None:
        agent, number = agent_with_number(client)
        phone = handset()
        one, two = received(client, number, phone, "one", "two")
        sent = client.messages.send(agent_id=agent.id, to_number=phone.number, body="three")
        conversation = client.conversations.get(one.conversation_id)
        assert isinstance(conversation, models.Conversation)
        assert (conversation.id, conversation.participant) == (one.conversation_id, phone.number)
        assert (conversation.phone_number_id, conversation.phone_number) == (number.id, number.phone_number)
        assert (conversation.agent_id, conversation.message_count) == (agent.id, 3)
        assert conversation.metadata is None
        assert [m.id for m in conversation.messages] == [sent["id"], two.id, one.id]
        oldest = conversation.messages[-1]
        assert isinstance(oldest, models.ConversationMessage)
        assert (oldest.body, oldest.direction, oldest.channel) == ("one", "inbound", "sms")
        assert (oldest.from_number, oldest.to_number) == (phone.number, number.phone_number)
        assert (oldest.received_at, oldest.reactions, oldest.reply_to) == (one.received_at, [], None)
        assert at(conversation.last_message_at) == at(conversation.messages[0].received_at)
        some = client.conversations.get(one.conversation_id, message_limit=1)
        assert [m.id for m in some.messages] == [sent["id"]]
        assert some.message_count == 3

    def test_update(self, client: Any, handset: Handsets) -> None:
        _, number = agent_with_number(client)
        [message] = received(client, number, handset(), "Hello")
        metadata = {"step": 2, "tags": ["vip"], "nested": {"ok": True, "none": None}}
        changed = client.conversations.update(message.conversation_id, metadata=metadata)
        assert isinstance(changed, models.Conversation)
        assert changed.metadata == metadata
        assert client.conversations.update(message.conversation_id).metadata == metadata
        assert client.conversations.update(message.conversation_id, metadata={"only": 1}).metadata == {
            "only": 1
        }
        assert client.conversations.get(message.conversation_id).metadata == {"only": 1}
        assert client.conversations.list().data[0].metadata == {"only": 1}
        with pytest.raises(agentphone.AgentPhoneError) as refused:
            client.conversations.update(message.conversation_id, group_name="Friends")
        assert refused.value.status == 400, "a group's name takes an iMessage-class line"

    def test_get_messages(self, client: Any, handset: Handsets) -> None:
        _, number = agent_with_number(client)
        phone, other = handset(), handset()
        received(client, number, other, "elsewhere")
        one, two, three = received(client, number, phone, "one", "two", "three")
        page = client.conversations.get_messages(one.conversation_id)
        assert isinstance(page, models.MessageList)
        assert [m.id for m in page.data] == [three.id, two.id, one.id]
        assert page.has_more is False
        assert all(isinstance(m, models.Message) for m in page.data)
        assert (page.data[0].from_number, page.data[0].to_number) == (phone.number, number.phone_number)
        some = client.conversations.get_messages(one.conversation_id, limit=1)
        assert ([m.id for m in some.data], some.has_more) == ([three.id], True)
        window = client.conversations.get_messages(
            one.conversation_id, limit=200, before=three.received_at, after=one.id
        )
        assert [m.id for m in window.data] == [two.id]
