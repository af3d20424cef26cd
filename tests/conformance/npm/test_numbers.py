"""Numbers and agents, as the vendor's TypeScript client finds them."""

import re
from typing import Any

import pytest

from ringback.testing import Handsets
from tests.conformance.npm.sdk import NpmClient, NpmError
from tests.conformance.npm.steps import agent_with_number, received

pytestmark = pytest.mark.conformance


def test_buy_find_and_release_a_number(client: NpmClient) -> None:
    assert client.numbers.listNumbers() == {"data": [], "hasMore": False, "total": 0}
    agent = client.agents.createAgent({"name": "Desk"})
    number = client.numbers.createNumber({"country": "CA", "areaCode": "416", "agentId": agent["id"]})
    assert re.fullmatch(r"num_[0-9a-z]+", number["id"])
    assert re.fullmatch(r"\+1416[2-9]\d{6}", number["phoneNumber"])
    assert (number["country"], number["status"], number["agentId"]) == ("CA", "active", agent["id"])
    assert client.numbers.getNumber({"number_id": number["id"]}) == number
    other = client.numbers.createNumber()
    assert (other["country"], other["agentId"]) == ("US", None)
    assert client.numbers.listNumbers() == {"data": [other, number], "hasMore": False, "total": 2}
    assert client.numbers.listNumbers({"offset": 1})["data"] == [number]
    released = client.numbers.deleteNumber({"number_id": number["id"]})
    assert (released["success"], released["phoneNumber"]) == (True, number["phoneNumber"])
    assert client.numbers.getNumber({"number_id": number["id"]})["status"] == "released"
    assert client.numbers.listNumbers()["data"] == [other]


def test_messages_of_a_number(client: NpmClient, handset: Handsets) -> None:
    number, phone = client.numbers.createNumber(), handset()
    empty: dict[str, Any] = {"data": [], "hasMore": False}
    assert client.numbers.getMessages({"number_id": number["id"]}) == empty
    one, two, three = received(client, number, phone, "one", "two", "three")
    assert (one["from_"], one["to"], one["direction"]) == (phone.number, number["phoneNumber"], "inbound")
    assert (one["channel"], one["status"]) == ("sms", "received")
    page = client.numbers.getMessages({"number_id": number["id"], "limit": 2})
    assert page == {"data": [three, two], "hasMore": True}
    for first, last in ((one["id"], three["id"]), (one["receivedAt"], three["receivedAt"])):
        window = {"number_id": number["id"], "limit": 1, "before": last, "after": first}
        assert client.numbers.getMessages(window) == {"data": [two], "hasMore": False}


def test_an_agents_life(client: NpmClient) -> None:
    settings: dict[str, Any] = {
        "name": "Desk",
        "description": "Front desk",
        "voiceMode": "hosted",
        "modelTier": "max",
        "systemPrompt": "Be brief.",
        "beginMessage": "Hello!",
        "transferNumber": "+14155550123",
        "voicemailMessage": "Call us back.",
        "sttMode": "accurate",
        "ambientSound": "coffee-shop",
        "denoisingMode": "noise-and-background-speech-cancellation",
        "maxSilenceMs": 10_000,
        "voiceSpeed": 2,
        "interruptionSensitivity": 0,
        "enableMessaging": False,
        "enableBackchannel": False,
        "language": "de-DE",
    }
    agent = client.agents.createAgent(settings)
    assert {name: agent[name] for name in settings} == settings
    assert client.agents.getAgent({"agent_id": agent["id"]}) == agent
    changed = client.agents.updateAgent({"agent_id": agent["id"], "name": "Night desk", "language": "fr-CA"})
    assert changed == agent | {"name": "Night desk", "language": "fr-CA"}
    other = client.agents.createAgent({"name": "Other"})
    assert client.agents.listAgents() == {"data": [other, changed], "hasMore": False, "total": 2}
    assert client.agents.listAgents({"offset": 1})["data"] == [changed]
    gone = client.agents.deleteAgent({"agent_id": agent["id"]})
    assert (gone["success"], gone["id"], gone["name"]) == (True, agent["id"], "Night desk")
    with pytest.raises(NpmError) as unknown:
        client.agents.getAgent({"agent_id": agent["id"]})
    assert unknown.value.status == 404


def test_numbers_of_an_agent(client: NpmClient) -> None:
    agent, number = client.agents.createAgent({"name": "Desk"}), client.numbers.createNumber()
    here = {"agent_id": agent["id"]}
    attached = client.agents.attachNumberToAgent(here | {"numberId": number["id"]})
    assert (attached["agentId"], attached["number"]["phoneNumber"]) == (agent["id"], number["phoneNumber"])
    assert [held["id"] for held in client.agents.getAgent(here)["numbers"]] == [number["id"]]
    assert client.agents.detachNumberFromAgent(here | {"number_id": number["id"]})["success"] is True
    assert client.agents.getAgent(here)["numbers"] == []
    assert client.numbers.getNumber({"number_id": number["id"]})["agentId"] is None


def test_conversations_of_an_agent(client: NpmClient, handset: Handsets) -> None:
    agent, number = agent_with_number(client)
    first, second = handset(), handset()
    received(client, number, first, "from the first")
    received(client, number, second, "from the second")
    everything = client.agents.listAgentConversations({"agent_id": agent["id"]})
    assert [one["participant"] for one in everything["data"]] == [second.number, first.number]
    assert (everything["hasMore"], everything["total"]) == (False, 2)
    page = client.agents.listAgentConversations({"agent_id": agent["id"], "limit": 1, "offset": 1})
    assert page == {"data": everything["data"][1:], "hasMore": False, "total": 2}
