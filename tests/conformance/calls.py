"""Calls, as the vendor's Python client finds them. Who speaks is told by the test."""

import re
import threading
from typing import Any

import agentphone
import pytest
from agentphone import models

from ringback.testing import Ringback, WebhookInbox
from tests.conformance.steps import agent_with_number
from tests.phones import at, until
from tests.switchboard import Exchange

ANN = "+14155550114"
WAV = b"RIFF" + bytes(1_000)


class Calls:
    @pytest.fixture
    def exchange(self, ringback: Ringback) -> Exchange:
        return Exchange(ringback)

    def test_make(self, client: Any, exchange: Exchange) -> None:
        agent, number = agent_with_number(client)
        with pytest.raises(agentphone.AgentPhoneError) as refused:
            client.calls.make(agent.id, ANN)
        assert refused.value.status == 400, "without a prompt this agent needs a webhook"
        client.webhooks.set(url="http://127.0.0.1:9/hook")
        call = client.calls.make(agent.id, "(415) 555-0114")
        assert isinstance(call, models.Call)
        assert re.fullmatch(r"call_[0-9a-z]+", call.id)
        assert (call.status, call.direction, call.agent_id) == ("queued", "outbound", agent.id)
        assert (call.from_number, call.to_number) == (number.phone_number, ANN)
        assert (call.phone_number_id, call.phone_number) == (number.id, number.phone_number)
        assert (call.ended_at, call.duration_seconds, call.transcripts) == (None, None, [])
        assert (call.recording_available, call.recording_url) == (False, None)
        plan = exchange.answered(call.id)
        assert plan["brain"]["kind"] == "webhook"

    def test_make_with_most(self, client: Any, exchange: Exchange) -> None:
        agent, number = agent_with_number(client)
        call = client.calls.make(
            agent.id,
            ANN,
            initial_greeting="Hi {{name}}",
            from_number_id=number.id,
            voice="alba",
            system_prompt="Ask {{name}} for the time.",
            variables={"name": "Ann"},
            model_tier="max",
            disable_recording=True,
        )
        plan = exchange.answered(call.id)
        assert (plan["greeting"], plan["agent"]["voice"], plan["record"]) == ("Hi Ann", "alba", False)
        assert plan["agent"]["system_prompt"] == "Ask Ann for the time."
        assert plan["agent"]["model_tier"] == "max"

    def test_make_conversation(self, client: Any, exchange: Exchange) -> None:
        agent, _ = agent_with_number(client)
        call = client.calls.make_conversation(agent.id, ANN, topic="Dinner")
        assert exchange.answered(call.id)["agent"]["system_prompt"] == "Dinner"

    def test_get_and_transcript(self, client: Any, exchange: Exchange, webhook_inbox: WebhookInbox) -> None:
        hook = client.webhooks.set(url=webhook_inbox.url)
        webhook_inbox.secret = hook.secret
        agent, number = agent_with_number(client)
        call_id = exchange.ring(number.phone_number, ANN)["call_id"]
        ringing = client.calls.get(call_id)
        assert (ringing.status, ringing.direction, ringing.from_number) == ("ringing", "inbound", ANN)
        exchange.tell(call_id, "answered", at=0)
        exchange.say(call_id, "user", "Is it ready?")
        exchange.say(call_id, "agent", "It is.")
        exchange.tell(call_id, "ended", at=2_500, reason="agent_hangup")
        call = client.calls.get(call_id)
        assert (call.status, call.duration_seconds, call.last_transcript_snippet) == (
            "completed",
            3,
            "It is.",
        )
        assert at(call.started_at) <= at(call.ended_at)
        [entry] = call.transcripts
        assert (entry.transcript, entry.response) == ("Is it ready?", "It is.")
        told = client.calls.get_transcript(call_id)
        assert [(said["role"], said["content"]) for said in told["transcript"]] == [
            ("user", "Is it ready?"),
            ("agent", "It is."),
        ]
        event = webhook_inbox.wait_for(event="agent.call_ended")
        parsed = agentphone.construct_event(
            event.raw, event.headers["X-Webhook-Signature"], hook.secret, event.headers["X-Webhook-Timestamp"]
        )
        assert (parsed.event, parsed.channel, parsed.agent_id) == ("agent.call_ended", "voice", agent.id)
        assert parsed.raw["data"]["callId"] == call_id
        with pytest.raises(agentphone.NotFoundError):
            client.calls.get("call_nobody")

    def test_stream_transcript(self, client: Any, exchange: Exchange) -> None:
        _, number = agent_with_number(client)
        call_id = exchange.ring(number.phone_number, ANN)["call_id"]
        exchange.tell(call_id, "answered", at=0)
        exchange.say(call_id, "agent", "Hello.")

        def go_on() -> None:
            exchange.say(call_id, "user", "Hi.", "t2")
            exchange.tell(call_id, "ended", at=1_000, reason="user_hangup")

        timer = threading.Timer(0.3, go_on)
        timer.start()
        events = list(client.calls.stream_transcript(call_id))
        timer.join()
        assert [event["event"] for event in events] == ["connected", "turn", "turn", "ended"]
        assert [event["data"]["content"] for event in events[1:3]] == ["Hello.", "Hi."]
        assert events[0]["data"] == {"callId": call_id, "status": "in-progress"}
        assert events[-1]["data"]["disconnectionReason"] == "user_hangup"

    def test_end(self, client: Any, exchange: Exchange) -> None:
        agent, _ = agent_with_number(client)
        call = client.calls.make(agent.id, ANN, system_prompt="x")
        ended = client.calls.end(call.id)
        assert (ended["status"], ended["disconnectionReason"]) == ("canceled", "api_end")
        assert client.calls.get(call.id).status == "canceled"

    def test_get_recording(self, client: Any, exchange: Exchange) -> None:
        agent, _ = agent_with_number(client)
        call = client.calls.make(agent.id, ANN, system_prompt="x")
        with pytest.raises(agentphone.NotFoundError):
            client.calls.get_recording(call.id)
        exchange.answered(call.id)
        exchange.record(call.id, WAV)
        exchange.tell(call.id, "ended", reason="user_hangup")
        recording = client.calls.get_recording(call.id)
        assert isinstance(recording, models.CallRecording)
        assert (bytes(recording), recording.content_type) == (WAV, "audio/wav")
        found = client.calls.get(call.id)
        assert found.recording_available is True
        assert f"/v1/calls/{call.id}/recording?" in found.recording_url

    def test_create_web_call(self, client: Any, exchange: Exchange) -> None:
        agent, _ = agent_with_number(client)
        call = client.calls.create_web_call(agent.id, metadata={"page": 1}, variables={"name": "Ann"})
        assert (call["agentId"], call["direction"], call["status"]) == (agent.id, "web", "queued")
        assert call["accessToken"].startswith("web_")
        found = client.calls.get(call["id"])
        assert (found.direction, found.status) == ("web", "queued")

    def test_lists(self, client: Any, exchange: Exchange) -> None:
        empty = client.calls.list()
        assert (empty.data, empty.has_more, empty.total) == ([], False, 0)
        agent, number = agent_with_number(client)
        made = [client.calls.make(agent.id, f"+1415555011{n}", system_prompt="x").id for n in range(3)]
        inbound = exchange.ring(number.phone_number, "+442079460018")["call_id"]
        every = client.calls.list()
        assert isinstance(every, models.CallList)
        assert [call.id for call in every.data] == [inbound, *made[::-1]]
        page = client.calls.list(limit=1, offset=1)
        assert ([call.id for call in page.data], page.has_more, page.total) == ([made[2]], True, 4)
        found = client.calls.list(status="ringing", direction="inbound", type="pstn", search="7946")
        assert [call.id for call in found.data] == [inbound]
        assert client.calls.list(type="web").total == 0
        assert client.agents.list_calls(agent.id).total == 4
        assert client.numbers.list_calls(number.id, limit=2).has_more is True

    def test_turns_are_listed_deliveries(self, client: Any, exchange: Exchange) -> None:
        client.webhooks.set(url="http://127.0.0.1:9/hook")
        agent, _ = agent_with_number(client)
        call = client.calls.make(agent.id, ANN)
        exchange.answered(call.id)
        exchange.tell(call.id, "hook", turn_id="t", http_status=200, error=None, ms=20)
        [delivery] = until(lambda: client.webhooks.list_deliveries())
        assert (delivery.event_type, delivery.channel, delivery.status) == (
            "agent.message",
            "voice",
            "delivered",
        )
        assert (delivery.message_id, delivery.http_status) == (None, 200)
