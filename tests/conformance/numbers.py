"""Numbers and agents, as the vendor's Python client finds them."""

import re
from typing import Any

import agentphone
import pytest
from agentphone import models

from ringback.speech import registry
from ringback.testing import Handsets, Ringback
from tests.conformance.steps import EXPIRES, agent_with_number, received
from tests.phones import at


class Numbers:
    def test_buy_with_least(self, client: Any) -> None:
        number = client.numbers.buy()
        assert isinstance(number, models.PhoneNumber)
        assert re.fullmatch(r"num_[0-9a-z]+", number.id)
        assert re.fullmatch(r"\+1[2-9]\d{9}", number.phone_number)
        assert (number.country, number.status, number.type) == ("US", "active", "sms")
        assert number.agent_id is None
        assert number.external_id is None
        assert number.expires_at is None
        assert number.outbound_sms == "enabled"
        assert at(number.created_at) <= at(client.numbers.buy().created_at)

    def test_buy_with_most(self, client: Any) -> None:
        agent = client.agents.create(name="Desk")
        number = client.numbers.buy(
            country="ca",
            area_code="416",
            agent_id=agent.id,
            type="sms",
            external_id="order-7",
            expires_at=EXPIRES,
        )
        assert number.phone_number.startswith("+1416")
        assert (number.country, number.agent_id, number.external_id) == ("CA", agent.id, "order-7")
        assert at(number.expires_at) == at(EXPIRES)
        assert client.numbers.get(number.id) == number

    def test_lines_that_are_not_sold(self, client: Any) -> None:
        with pytest.raises(agentphone.AgentPhoneError) as refused:
            client.numbers.buy(type="imessage", imessage_type="dedicated")
        assert refused.value.status == 400
        assert client.numbers.list().total == 0

    def test_list(self, client: Any) -> None:
        empty = client.numbers.list()
        assert (empty.data, empty.has_more, empty.total) == ([], False, 0)
        bought = [client.numbers.buy() for _ in range(3)]
        everything = client.numbers.list()
        assert isinstance(everything, models.PhoneNumberList)
        assert everything.data == bought[::-1], "newest first, and each as it was bought"
        assert (everything.has_more, everything.total) == (False, 3)
        page = client.numbers.list(limit=1, offset=1)
        assert page.data == [bought[1]]
        assert (page.has_more, page.total) == (True, 3)
        assert client.numbers.list(limit=100, offset=3).data == []

    def test_get_and_update(self, client: Any) -> None:
        number = client.numbers.buy()
        assert client.numbers.get(number.id) == number
        assert client.numbers.update(number.id) == number, "nothing given changes nothing"
        named = client.numbers.update(number.id, external_id="crm-1")
        assert (named.external_id, named.expires_at) == ("crm-1", None)
        both = client.numbers.update(number.id, external_id="crm-2", expires_at=EXPIRES)
        assert (both.external_id, at(both.expires_at)) == ("crm-2", at(EXPIRES))
        assert client.numbers.get(number.id) == both
        assert client.numbers.list().data == [both]

    def test_available(self, client: Any) -> None:
        offers = client.numbers.available()
        assert len(offers) == 20
        assert all(isinstance(offer, models.AvailableNumber) for offer in offers)
        assert len({offer.phone_number for offer in offers}) == 20
        assert all(re.fullmatch(r"\+1[2-9]\d{9}", offer.phone_number) for offer in offers)
        near = client.numbers.available(
            area_code="212", city="New York", state="NY", zip="10001", country="US", limit=3
        )
        assert len(near) <= 3
        coded = client.numbers.available(area_code="212", limit=3)
        assert [offer.area_code for offer in coded] == ["212"] * 3
        assert all(offer.phone_number.startswith("+1212") for offer in coded)
        assert client.numbers.list().total == 0, "searching buys nothing"

    def test_release(self, client: Any) -> None:
        number = client.numbers.buy()
        answer = client.numbers.release(number.id)
        assert answer["success"] is True
        assert answer["phoneNumber"] == number.phone_number
        assert answer["status"] == "released"
        assert answer.get("id", number.id) == number.id
        assert client.numbers.list().data == []
        gone = client.numbers.get(number.id)
        assert (gone.id, gone.phone_number, gone.status) == (number.id, number.phone_number, "released")
        with pytest.raises(agentphone.AgentPhoneError) as again:
            client.numbers.release(number.id)
        assert again.value.status == 400

    def test_get_messages(self, client: Any, handset: Handsets) -> None:
        agent, number = agent_with_number(client)
        phone = handset()
        none = client.numbers.get_messages(number.id)
        assert isinstance(none, models.MessageList)
        assert (none.data, none.has_more) == ([], False)
        one, two, three = received(client, number, phone, "one", "two", "three")
        assert isinstance(one, models.Message)
        assert re.fullmatch(r"msg_[0-9a-z]+", one.id)
        assert (one.from_number, one.to_number) == (phone.number, number.phone_number)
        assert (one.body, one.direction, one.channel, one.status) == ("one", "inbound", "sms", "received")
        assert (one.failure_reason, one.media_url, one.media_urls or []) == (None, None, [])
        assert re.fullmatch(r"conv_[0-9a-z]+", one.conversation_id)
        assert at(one.received_at) < at(two.received_at) < at(three.received_at)
        assert client.numbers.get_messages(number.id).data == [three, two, one]
        page = client.numbers.get_messages(number.id, limit=2)
        assert (page.data, page.has_more) == ([three, two], True)
        for first, second in ((one.id, three.id), (one.received_at, three.received_at)):
            window = client.numbers.get_messages(number.id, limit=1, before=second, after=first)
            assert (window.data, window.has_more) == ([two], False)
        sent = client.messages.send(agent_id=agent.id, to_number=phone.number, body="back")
        [back, *_] = client.numbers.get_messages(number.id).data
        assert (back.id, back.direction, back.body) == (sent["id"], "outbound", "back")
        assert (back.from_number, back.to_number) == (number.phone_number, phone.number)


class Agents:
    def test_create_with_least(self, client: Any) -> None:
        agent = client.agents.create(name="Desk")
        assert isinstance(agent, models.Agent)
        assert re.fullmatch(r"agt_[0-9a-z]+", agent.id)
        assert (agent.name, agent.description, agent.numbers) == ("Desk", None, [])
        assert (agent.voice_mode, agent.model_tier, agent.stt_mode) == ("webhook", "balanced", "fast")
        assert (agent.ambient_sound, agent.denoising_mode) == ("none", "noise-cancellation")
        assert (agent.max_silence_ms, agent.voice_speed, agent.interruption_sensitivity) == (600_000, 1, 0.8)
        assert (agent.enable_messaging, agent.enable_backchannel, agent.language) == (True, True, "en-US")
        assert agent.system_prompt is agent.begin_message is agent.transfer_number is None
        assert agent.voicemail_message is None
        assert isinstance(agent.voice, str)
        at(agent.created_at)

    def test_create_with_most(self, client: Any) -> None:
        settings: dict[str, Any] = {
            "description": "Front desk",
            "voice_mode": "hosted",
            "model_tier": "max",
            "system_prompt": "Be brief, {{name}}.",
            "begin_message": "Hello!",
            "voice": "alba",
            "transfer_number": "+14155550123",
            "voicemail_message": "Call us back.",
            "stt_mode": "accurate",
            "ambient_sound": "office",
            "denoising_mode": "noise-and-background-speech-cancellation",
            "max_silence_ms": 10_000,
            "enable_messaging": False,
            "enable_backchannel": False,
            "interruption_sensitivity": 0.0,
            "voice_speed": 2.0,
            "language": "de-DE",
        }
        agent = client.agents.create(name="Desk", **settings)
        assert {name: getattr(agent, name) for name in settings} == settings
        assert client.agents.get(agent.id) == agent

    def test_list_voices(self, client: Any, ringback: Ringback) -> None:
        voices = client.agents.list_voices()
        # Which there are is the machine's: judged where engines are asked for (tests/scenarios/test_voices.py).
        assert [voice["voice_id"] for voice in voices] == [
            voice.id for voice in registry.voices("auto", ringback.settings.data)
        ]
        assert all(voice["preview_audio_url"].startswith(ringback.base_url) for voice in voices)

    def test_list(self, client: Any) -> None:
        made = [client.agents.create(name=name) for name in ("one", "two", "three")]
        everything = client.agents.list()
        assert isinstance(everything, models.AgentList)
        assert everything.data == made[::-1]
        assert (everything.has_more, everything.total) == (False, 3)
        page = client.agents.list(limit=2, offset=0)
        assert (page.data, page.has_more, page.total) == ([made[2], made[1]], True, 3)
        assert client.agents.list(limit=2, offset=2).data == [made[0]]

    def test_update(self, client: Any) -> None:
        agent = client.agents.create(name="Desk", transfer_number="+14155550123", voicemail_message="Later.")
        assert client.agents.update(agent.id) == agent, "nothing given changes nothing"
        changes: dict[str, Any] = {
            "name": "Night desk",
            "description": "Late",
            "voice_mode": "hosted",
            "model_tier": "turbo",
            "system_prompt": "Whisper.",
            "begin_message": "Good evening.",
            "voice": "alba",
            "transfer_number": "+14155550124",
            "voicemail_message": "Tomorrow.",
            "stt_mode": "accurate",
            "ambient_sound": "coffee-shop",
            "denoising_mode": "noise-and-background-speech-cancellation",
            "max_silence_ms": 3_600_000,
            "enable_messaging": False,
            "enable_backchannel": False,
            "interruption_sensitivity": 1.0,
            "voice_speed": 0.5,
            "language": "fr-CA",
        }
        changed = client.agents.update(agent.id, **changes)
        assert {name: getattr(changed, name) for name in changes} == changes
        assert client.agents.get(agent.id) == changed
        cleared = client.agents.update(agent.id, transfer_number="", voicemail_message="")
        assert (cleared.transfer_number, cleared.voicemail_message) == (None, None)
        assert cleared.name == "Night desk"

    def test_hosted_needs_a_prompt(self, client: Any) -> None:
        with pytest.raises(agentphone.AgentPhoneError) as on_create:
            client.agents.create(name="Desk", voice_mode="hosted")
        agent = client.agents.create(name="Desk")
        with pytest.raises(agentphone.AgentPhoneError) as on_switch:
            client.agents.update(agent.id, voice_mode="hosted")
        assert (on_create.value.status, on_switch.value.status) == (422, 422)
        assert on_create.value.message[0]["loc"][-1] == "systemPrompt"
        assert client.agents.get(agent.id).voice_mode == "webhook"

    def test_attach_and_detach(self, client: Any) -> None:
        agent, other = client.agents.create(name="Desk"), client.agents.create(name="Other")
        number = client.numbers.buy()
        answer = client.agents.attach_number(agent.id, number.id)
        assert answer["agentId"] == agent.id
        assert (answer["number"]["id"], answer["number"]["phoneNumber"]) == (number.id, number.phone_number)
        [held] = client.agents.get(agent.id).numbers
        assert isinstance(held, models.AgentNumber)
        assert (held.id, held.phone_number, held.status) == (number.id, number.phone_number, "active")
        assert held.type == number.type
        client.agents.attach_number(other.id, number.id)
        assert client.agents.get(agent.id).numbers == [], "attaching it elsewhere moves it"
        assert client.numbers.get(number.id).agent_id == other.id
        with pytest.raises(agentphone.AgentPhoneError) as not_there:
            client.agents.detach_number(agent.id, number.id)
        assert not_there.value.status in (400, 404)
        assert client.agents.detach_number(other.id, number.id)["success"] is True
        assert client.numbers.get(number.id).agent_id is None
        assert client.numbers.get(number.id).status == "active"

    def test_delete(self, client: Any) -> None:
        agent, number = agent_with_number(client)
        answer = client.agents.delete(agent.id)
        assert (answer["success"], answer["id"], answer["name"]) == (True, agent.id, "Desk")
        with pytest.raises(agentphone.NotFoundError):
            client.agents.get(agent.id)
        kept = client.numbers.get(number.id)
        assert (kept.status, kept.agent_id) == ("active", None)

    def test_list_conversations(self, client: Any, handset: Handsets) -> None:
        agent, number = agent_with_number(client)
        assert client.agents.list_conversations(agent.id).data == []
        first, second = handset(), handset()
        received(client, number, first, "from the first")
        received(client, number, second, "from the second", "and again")
        everything = client.agents.list_conversations(agent.id)
        assert isinstance(everything, models.ConversationList)
        assert (everything.has_more, everything.total) == (False, 2)
        late, early = everything.data
        assert (late.participant, early.participant) == (second.number, first.number)
        assert (late.message_count, late.last_message_preview) == (2, "and again")
        assert (late.agent_id, late.phone_number_id) == (agent.id, number.id)
        assert late.phone_number == number.phone_number
        assert at(late.last_message_at) > at(early.last_message_at)
        page = client.agents.list_conversations(agent.id, limit=1, offset=1)
        assert (page.data, page.has_more, page.total) == ([early], False, 2)
