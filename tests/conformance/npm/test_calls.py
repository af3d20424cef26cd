"""Calls, as the vendor's TypeScript client finds them. Who speaks is told by the test."""

import pytest

from ringback.testing import Ringback
from tests.conformance.npm.sdk import NpmClient, NpmError
from tests.conformance.npm.steps import agent_with_number
from tests.conformance.seen import Request
from tests.switchboard import Exchange

pytestmark = pytest.mark.conformance

ANN = "+14155550114"


@pytest.fixture
def exchange(ringback: Ringback) -> Exchange:
    return Exchange(ringback)


def test_a_call_from_its_beginning_to_its_end(
    client: NpmClient, exchange: Exchange, requests: list[Request]
) -> None:
    agent, number = agent_with_number(client)
    asked = {"agentId": agent["id"], "toNumber": ANN}
    with pytest.raises(NpmError) as refused:
        client.calls.createOutboundCall(asked)
    assert (refused.value.status, refused.value.body["error"]["code"]) == (400, "WEBHOOK_REQUIRED")
    call = client.calls.createOutboundCall({**asked, "systemPrompt": "x", "variables": {"a": "b"}})
    assert (call["status"], call["fromNumber"], call["toNumber"]) == ("queued", number["phoneNumber"], ANN)
    exchange.answered(call["id"])
    exchange.say(call["id"], "user", "Hi.")
    exchange.say(call["id"], "agent", "Hello.")
    found = client.calls.getCall({"call_id": call["id"]})
    assert (found["status"], found["transcripts"][0]["response"]) == ("in-progress", "Hello.")
    exchange.tell(call["id"], "ended", at=1_000, reason="user_hangup")
    ended = client.calls.getCall({"call_id": call["id"], "wait": True, "timeout": 5})
    assert (ended["status"], ended["disconnectionReason"]) == ("completed", "user_hangup")
    told = client.calls.getCallTranscript({"call_id": call["id"]})
    assert [said["content"] for said in told["transcript"]] == ["Hi.", "Hello."]
    streamed = client.calls.streamCallTranscript({"call_id": call["id"]})
    assert "event: ended" in streamed["error"]["rawBody"], (
        "it has no reader of events, and gives the text back"
    )


def test_ending_without_body_or_content_type(
    client: NpmClient, exchange: Exchange, requests: list[Request]
) -> None:
    agent, _ = agent_with_number(client)
    call = client.calls.createOutboundCall({"agentId": agent["id"], "toNumber": ANN, "systemPrompt": "x"})
    ended = client.calls.endCall({"call_id": call["id"]})
    assert (ended["status"], ended["disconnectionReason"]) == ("canceled", "api_end")
    assert requests[-1].body == b""
    assert "content-type" not in requests[-1].headers


def test_lists(client: NpmClient, exchange: Exchange) -> None:
    agent, number = agent_with_number(client)
    web = client.calls.createWebCall({"agentId": agent["id"], "metadata": {"a": 1}})
    inbound = exchange.ring(number["phoneNumber"], ANN)["call_id"]
    every = client.calls.listCalls({"status": None, "direction": None, "type": None, "search": None})
    assert [call["id"] for call in every["data"]] == [inbound, web["id"]]
    assert client.calls.listCalls({"type": "web"})["total"] == 1
    assert client.agents.listAgentCalls({"agent_id": agent["id"], "limit": 1})["hasMore"] is True
    assert client.calls.listCallsForNumber({"number_id": number["id"]})["total"] == 2


def test_voices(client: NpmClient) -> None:
    for voice in client.agents.listVoices()["data"]:
        assert voice["voice_id"]
        assert voice["preview_audio_url"].startswith("http")
