"""The vendor's tools for LangChain, CrewAI and OpenAI Agents, through each framework's own way to use a tool."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Handsets, Ringback
from tests.conformance.limited import TOLD, Limited
from tests.conformance.packs.pack import Pack, Process
from tests.conformance.seen import Request
from tests.switchboard import Exchange

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

TOOLS = {
    "buy_number", "create_agent", "create_contact", "get_conversation", "get_transcript", "list_agents", "list_calls",
    "list_contacts", "list_conversations", "list_numbers", "make_call", "send_sms",
}  # fmt: skip


def test_there_are_twelve_tools_and_each_is_used_here(pack: Pack) -> None:
    assert set(pack.tools()) == TOOLS
    source = Path(__file__).read_text(encoding="utf-8")
    assert set(re.findall(r"\.use\(\s*\"(\w+)\"", source)) == TOOLS


def test_buy_and_list_numbers(pack: Pack, ringback: Ringback) -> None:
    assert pack.use("list_numbers").value == {"data": [], "has_more": False, "total": 0}
    agent = pack.use("create_agent", name="Desk").value
    bought = pack.use("buy_number", country="US", area_code="415", agent_id=agent["id"]).value
    [held] = ringback.client().numbers.list().data
    assert (held.id, held.phone_number) == (bought["id"], bought["phone_number"])
    assert (held.phone_number[:5], held.agent_id) == ("+1415", agent["id"])
    listed = pack.use("list_numbers", limit=5).value
    assert (listed["total"], held.phone_number in listed["data"][0]) == (1, True)


def test_make_and_list_agents(pack: Pack, ringback: Ringback) -> None:
    made = pack.use("create_agent", name="Desk", description="Front desk", voice="alba").value
    [agent] = ringback.client().agents.list().data
    assert (agent.id, agent.name, agent.description) == (made["id"], "Desk", "Front desk")
    listed = pack.use("list_agents").value
    assert (listed["total"], agent.id in listed["data"][0]) == (1, True)


def test_text_somebody_and_read_the_answer(pack: Pack, handset: Handsets) -> None:
    number, phone = pack.use("buy_number", country="US").value, handset(personality="echo")
    sent = pack.use("send_sms", number_id=number["id"], to_number=phone.number, body="Anybody there?").value
    assert phone.wait_for("Anybody there?").from_ == number["phone_number"]

    def read() -> Any:
        return pack.use("get_conversation", conversation_id=sent["conversation_id"], message_limit=5).value

    while (conversation := read())["message_count"] < 2:
        pass
    assert conversation["participant"] == phone.number
    assert "direction='inbound'" in conversation["messages"][0]
    listed = pack.use("list_conversations", limit=1).value
    assert (listed["total"], sent["conversation_id"] in listed["data"][0]) == (1, True)


def test_make_and_list_contacts(pack: Pack, ringback: Ringback) -> None:
    given = {"phone_number": "(415) 555-0114", "name": "Ann", "email": "ann@example.com", "notes": "VIP"}
    made = pack.use("create_contact", **given).value
    [contact] = ringback.client().contacts.list().data
    assert (contact.id, contact.phone_number, contact.notes) == (made["id"], "+14155550114", "VIP")
    found = pack.use("list_contacts", search="ann").value
    assert (found["total"], contact.id in found["data"][0]) == (1, True)
    assert pack.use("list_contacts", search="Ben", limit=5).value["total"] == 0


def test_list_calls_and_read_one(pack: Pack, ringback: Ringback) -> None:
    exchange = Exchange(ringback)
    number = pack.use("buy_number", country="US").value
    agent = pack.use("create_agent", name="Desk").value
    ringback.client().agents.attach_number(agent["id"], number["id"])
    call_id = exchange.ring(number["phone_number"], "+14155550114")["call_id"]
    exchange.tell(call_id, "answered")
    exchange.say(call_id, "user", "Is it ready?")
    listed = pack.use("list_calls", limit=5).value
    assert (listed["total"], call_id in listed["data"][0]) == (1, True)
    told = pack.use("get_transcript", call_id=call_id).value
    assert told["transcript"][0]["content"] == "Is it ready?"


def test_tools_that_fail_before_any_request(pack: Pack, requests: list[Request]) -> None:
    """They hand the SDK what it doesn't take. Should the vendor mend them, docs/clients.md has to be told."""
    called = pack.use("make_call", agent_id="agt_1", to_number="+14155550100", topic="Dinner")
    assert called == pack.failure(
        "TypeError", "CallsResource.make_conversation() got an unexpected keyword argument 'model'"
    )
    prompted = pack.use("create_agent", name="Desk", system_prompt="Be brief.")
    assert prompted == pack.failure(
        "TypeError", "AgentsResource.create() got an unexpected keyword argument 'systemPrompt'"
    )
    hosted = pack.use("create_agent", name="Desk", voice_mode="webhook")
    assert hosted == pack.failure(
        "TypeError", "AgentsResource.create() got an unexpected keyword argument 'voiceMode'"
    )
    assert requests == []


def test_a_key_must_be_given(
    pack: Pack, process: Process, ringback: Ringback, requests: list[Request]
) -> None:
    """They say that they read AGENTPHONE_API_KEY, but the SDK under them doesn't."""
    keyless = Pack(process, pack.name, ringback.base_url, None).use("list_agents")
    assert "missing 1 required positional argument: 'api_key'" in keyless.said
    assert requests == []


def test_refusals_as_they_are_shown(
    pack: Pack, process: Process, ringback: Ringback, handset: Handsets
) -> None:
    unknown = pack.use("send_sms", number_id="num_nowhere", to_number="+14155550100", body="Hi")
    message = ringback.request("GET", "/v1/numbers/num_nowhere").json["error"]["message"]
    assert unknown == pack.failure("NotFoundError", f"AgentPhone API error 404: {message}")
    nobody = Pack(process, pack.name, ringback.base_url, "sk_live_nobody").use("list_agents")
    message = ringback.request("GET", "/v1/agents", api_key="sk_live_nobody").json["error"]["message"]
    assert nobody == pack.failure("AuthenticationError", f"AgentPhone API error 401: {message}")
    wrong = pack.use("buy_number", country="Utopia")
    assert "AgentPhone API error 422: [{'loc': ['body', 'country'], 'msg': " in wrong.said
    assert wrong.raised in (None, "AgentPhoneError")
    number, phone = pack.use("buy_number", country="US").value, handset(personality="stops")
    text = {"number_id": number["id"], "to_number": phone.number, "body": "Hi"}
    pack.use("send_sms", **text)
    phone.wait_for("Hi")
    while (again := pack.use("send_sms", **text)).said.startswith("{"):
        pass
    assert "AgentPhone API error 403: " in again.said


class TestTooManyRequests:
    @pytest.fixture
    def ringback_asgi(self, ringback_asgi: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda app: ringback_asgi(Limited(app, times=1))

    def test_429(self, pack: Pack) -> None:
        refused = pack.use("list_agents")
        assert refused == pack.failure("RateLimitError", f"AgentPhone API error 429: {TOLD}")
        assert pack.use("list_agents").value["total"] == 0
