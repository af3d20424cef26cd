"""Calls by tools alone, both ends of them: the demo brain speaks for the agent, phones of the network for people."""

from typing import Any

import pytest

from ringback.testing import Ringback
from tests.callers import FAKE
from tests.mcp.rpc import Tools
from tests.phones import until
from tests.speech import need

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(150)]


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    need("voice", "pipecat", "numpy")
    return dict(FAKE)


@pytest.fixture
def tools(ringback: Ringback) -> Tools:
    return Tools(ringback)


@pytest.fixture
def agent(tools: Tools) -> dict[str, Any]:
    made: dict[str, Any] = tools.call(
        "create_agent",
        name="Desk",
        voice_mode="hosted",
        system_prompt="You take bookings.",
        begin_message="Hello, this is the desk.",
    )
    made |= tools.call("buy_number", agent_id=made["id"], confirm=True)["number"]
    return made


def test_a_person_calls_the_agent(tools: Tools, agent: dict[str, Any]) -> None:
    phone = tools.call("create_phone", name="Ann")
    call = tools.call(
        "call_from_phone", phone_id=phone["id"], to_number=agent["phoneNumber"], say="thank you goodbye"
    )
    heard = tools.call("get_phone_call", call_id=call["id"], wait=60)
    assert heard["status"] == "completed", heard
    assert any(word["who"] == "other" for word in heard["words"])
    until(lambda: tools.call("list_calls", status="completed")["total"] == 1)
    [ended] = tools.call("list_calls", number_id=agent["id"])["calls"]
    assert ended["direction"] == "inbound"
    told = tools.call("get_call", call_id=ended["id"], wait=True, timeout="10")
    assert told["transcript"][0] == {"agent": "Hello, this is the desk."}
    [resource] = [one for one in tools.result("resources/list")["resources"] if "/calls/" in one["uri"]]
    [content] = tools.result("resources/read", {"uri": resource["uri"]})["contents"]
    assert "Hello, this is the desk." in content["text"]


def test_the_agent_calls_a_person_about_something(tools: Tools, agent: dict[str, Any]) -> None:
    phone = tools.call("create_phone", call_personality="hangs-up-midway")
    told = tools.call(
        "make_conversation_call",
        agent_id=agent["agentId"],
        to_number=phone["phoneNumber"],
        topic="Ask whether the table for four still stands.",
        initial_greeting="Hello, the bakery here.",
        max_wait_seconds=60,
    )
    assert told["status"] == "completed", told
    agents = [line["agent"] for line in told["transcript"] if "agent" in line]
    assert agents[0].startswith("Hello, the bakery"), told


def test_a_call_is_ended(tools: Tools, agent: dict[str, Any]) -> None:
    phone = tools.call("create_phone", call_personality="silent")
    call = tools.call(
        "make_call", agent_id=agent["agentId"], to_number=phone["phoneNumber"], idempotency_key="one"
    )
    assert call == tools.call(
        "make_call", agent_id=agent["agentId"], to_number=phone["phoneNumber"], idempotency_key="one"
    )
    until(lambda: tools.call("get_call", call_id=call["id"])["status"] == "in-progress")
    tools.call("end_call", call_id=call["id"])
    told = tools.call("get_call", call_id=call["id"], wait=True, timeout=10)
    assert (told["status"], told["disconnectionReason"]) == ("completed", "api_end")
    assert tools.call("list_calls", search=phone["phoneNumber"])["total"] == 1


def test_asked_twice_with_one_key_phones_ring_once(tools: Tools, agent: dict[str, Any]) -> None:
    silent = tools.call("create_phone", call_personality="silent")
    to = {"agent_id": agent["agentId"], "to_number": silent["phoneNumber"], "idempotency_key": "k"}
    made = [tools.call("make_call", **to) for _ in range(2)]
    assert made[0] == made[1]
    until(lambda: tools.call("get_call", call_id=made[0]["id"])["status"] == "in-progress")
    ended = [tools.call("end_call", call_id=made[0]["id"], idempotency_key="k")["id"] for _ in range(2)]
    assert ended == [made[0]["id"]] * 2
    brief = tools.call("create_phone", call_personality="hangs-up-midway")
    about = {"agent_id": agent["agentId"], "to_number": brief["phoneNumber"], "topic": "Say hello."}
    held = [tools.call("make_conversation_call", **about, idempotency_key="t") for _ in range(2)]
    assert held[0] == held[1]
    said = {"phone_id": silent["id"], "to_number": agent["phoneNumber"], "say": "goodbye"}
    called = [tools.call("call_from_phone", **said, idempotency_key="k")["id"] for _ in range(2)]
    assert called[0] == called[1]
    tools.call("get_phone_call", call_id=called[0], wait=60)
    until(lambda: tools.call("list_calls")["total"] == 3)
