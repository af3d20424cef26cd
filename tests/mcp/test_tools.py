"""Every tool on a real server: what it does, that it does it once, and what it tells when it is refused."""

import json
import threading
from typing import Any

import pytest

from ringback.doors.mcp.catalogue import TOOLS
from ringback.testing import Clock, Handset, Handsets, Ringback, WebhookInbox
from tests.mcp.rpc import Tools
from tests.phones import until

pytestmark = pytest.mark.scenario


@pytest.fixture
def tools(ringback: Ringback) -> Tools:
    return Tools(ringback)


@pytest.fixture
def agent(tools: Tools) -> dict[str, Any]:
    made: dict[str, Any] = tools.call("create_agent", name="Front desk")
    return made


@pytest.fixture
def number(tools: Tools, agent: dict[str, Any]) -> dict[str, Any]:
    bought: dict[str, Any] = tools.call("buy_number", agent_id=agent["id"], confirm=True)["number"]
    return bought


def test_an_agent_buys_a_number_and_holds_a_conversation(tools: Tools, handset: Handsets) -> None:
    phone = handset("+14155550123")
    agent = tools.call("create_agent", name="Front desk")["id"]
    left = tools.call("search_numbers", area_code=415, limit=3)["available"]
    assert [one["phoneNumber"][:5] for one in left] == ["+1415"] * 3
    [vanity] = tools.call("search_numbers", area_code=415, pattern="CATS", limit=1)["available"]
    assert vanity["phoneNumber"].endswith("2287")
    asked = tools.call("buy_number", area_code="415", agent_id=agent)
    assert not asked["bought"]
    assert asked["wouldBuy"][0].startswith("+1415")
    assert tools.call("list_numbers") == {"numbers": [], "total": 0}
    number = tools.call("buy_number", area_code="415", agent_id=agent, confirm=True)["number"]
    assert number["phoneNumber"].startswith("+1415")
    sent = tools.call("send_message", agent_id=agent, to_number="(415) 555-0123", body="Your table is ready.")
    phone.wait_for("Your table is ready.")
    until(lambda: tools.call("get_message", message_id=sent["id"])["status"] == "delivered")
    phone.text(number["phoneNumber"], "On my way")
    after = {"number_id": number["id"], "after": sent["id"]}
    until(lambda: tools.call("get_messages", **after)["messages"] != [])
    page = tools.call("get_messages", **after)
    assert [(one["direction"], one["body"]) for one in page["messages"]] == [("inbound", "On my way")]
    [held] = tools.call("list_conversations", agent_id=agent)["conversations"]
    assert held["participant"] == "+14155550123"
    tools.call("update_conversation", conversation_id=held["id"], metadata={"table": 4})
    whole = tools.call("get_conversation", conversation_id=held["id"], message_limit=1)
    assert whole["metadata"] == {"table": 4}
    assert [one["body"] for one in whole["messages"]] == ["On my way"]
    older = tools.call("get_conversation", conversation_id=held["id"], **whole["next"])
    assert [one["body"] for one in older["messages"]] == ["Your table is ready."]
    told = tools.call("account_overview")
    assert (told["numbersInAll"], told["agentsInAll"], told["usage"]["stats"]["totalMessages"]) == (1, 1, 2)


def test_both_ends_are_played_by_tools(tools: Tools, number: dict[str, Any], clock: Clock) -> None:
    phone = tools.call("create_phone", name="Bob", phone_number="+14155550145", personality="echo")
    assert phone in tools.call("list_phones")["phones"]
    sent = tools.call("text_from_phone", phone_id=phone["id"], to_number=number["phoneNumber"], body="Hello?")
    assert sent["status"] == "sent"
    tools.call("send_message", number_id=number["id"], to_number=phone["phoneNumber"], body="Hi Bob")
    page = tools.call("read_phone", phone_id=phone["id"], after=sent["id"], wait=5)
    assert [one["body"] for one in page["messages"] if one["direction"] == "in"] == ["Hi Bob"]
    assert tools.call("move_clock", action="freeze")["mode"] == "frozen"
    before = tools.call("get_clock")["now"]
    assert not tools.call("move_clock", action="advance", seconds=60)["moved"]
    assert tools.call("get_clock")["now"] == before
    assert tools.call("move_clock", action="advance", seconds="60", confirm=True)["now"] > before
    assert tools.call("move_clock", action="resume")["mode"] == "real"
    assert "either seconds or to" in tools.refused("move_clock", action="advance", confirm=True)


def test_events_are_followed(ringback: Ringback, tools: Tools, number: dict[str, Any]) -> None:
    told = tools.call("list_events", limit=5)
    assert [event["type"] for event in told["events"]][-1] == "number.attached" or told["events"]
    after = told["next"]["after"]
    later = threading.Timer(
        0.3,
        lambda: ringback.request("POST", "/v1/contacts", json={"phoneNumber": "+14155550123", "name": "A"}),
    )
    later.start()
    page = tools.call("list_events", after=after, wait=10)
    later.join()
    assert [event["type"] for event in page["events"]] == ["contact.created"]
    assert page["next"]["after"] > after


def test_agents_are_set_up(tools: Tools, agent: dict[str, Any]) -> None:
    [voice, *_] = tools.call("list_voices")["voices"]
    changed = tools.call(
        "update_agent",
        agent_id=agent["id"],
        voice_mode="hosted",
        system_prompt="You take bookings.",
        voice=voice["voice_id"],
        voice_speed=1.25,
        transfer_number="+14155550199",
        max_silence_ms=20_000,
    )
    assert (changed["voiceMode"], changed["voiceSpeed"], changed["maxSilenceMs"]) == ("hosted", 1.25, 20_000)
    assert "transferNumber" not in tools.call("update_agent", agent_id=agent["id"], transfer_number="")
    told = tools.call("get_agent", agent_id=agent["id"])
    assert told["systemPrompt"] == "You take bookings."
    assert "system_prompt" in tools.refused("create_agent", name="x", voice_mode="hosted").replace("P", "_p")
    number = tools.call("buy_number", confirm=True)["number"]
    tools.call("attach_number", agent_id=agent["id"], number_id=number["id"])
    assert tools.call("list_agents")["agents"][0]["numbers"] == [number["phoneNumber"]]
    tools.call("detach_number", agent_id=agent["id"], number_id=number["id"])
    assert tools.call("list_agents")["agents"][0]["numbers"] == []
    tools.call("delete_agent", agent_id=agent["id"])
    assert "AGENT_NOT_FOUND" in tools.refused("get_agent", agent_id=agent["id"])


def test_an_earlier_prompt_is_read_and_taken_back(tools: Tools, agent: dict[str, Any]) -> None:
    for prompt in ("You take bookings.", "You take bookings. " + "Be kind. " * 600):
        tools.call("update_agent", agent_id=agent["id"], system_prompt=prompt)
    second, first = tools.call("list_prompt_versions", agent_id=agent["id"])["versions"]
    assert (second["current"], second["setBy"]["door"], len(second["preview"])) == (True, "mcp", 200)
    whole = tools.call("list_prompt_versions", agent_id=agent["id"], version_id=first["id"])
    assert whole["systemPrompt"] == "You take bookings."
    for _ in range(2):
        used = tools.call(
            "use_prompt_version", agent_id=agent["id"], version_id=first["id"], idempotency_key="k"
        )
        assert (used["number"], used["takenFrom"], used["current"]) == (3, 1, True)
    assert tools.call("get_agent", agent_id=agent["id"])["systemPrompt"] == "You take bookings."
    refused = tools.refused("use_prompt_version", agent_id=agent["id"], version_id="pv_none")
    assert "PROMPT_VERSION_NOT_FOUND" in refused


def test_conversations_are_searched(tools: Tools, number: dict[str, Any]) -> None:
    for n in range(45):
        body = f"Your refund {n} is {'on its way, and ' * 20}soon there."
        tools.call("send_message", number_id=number["id"], to_number="+14155550123", body=body)
    seen: list[str] = []
    following: dict[str, Any] | None = {}
    while following is not None:
        page = tools.call(
            "search_conversations", query="REFUND soon", number=4155550123, limit=40, **following
        )
        seen += [hit["messageId"] for hit in page["found"]]
        following = page.get("next")
    assert len(set(seen)) == len(seen) == 45
    [held] = tools.call("search_conversations", query="(415) 555-0123")["found"]
    assert (held["foundIn"], "direction" in held) == ("number", False)
    assert tools.call("search_conversations", query="lost") == {"found": []}
    assert "8 words" in tools.refused("search_conversations", query="a b c d e f g h i")


def test_contacts(tools: Tools) -> None:
    assert "needs phone_number and name" in tools.refused("manage_contact", action="create")
    made = tools.call(
        "manage_contact", action="create", phone_number=14155550123, name="Ann", notes="regular"
    )
    assert "CONTACT_EXISTS" in tools.refused(
        "manage_contact", action="create", phone_number="+14155550123", name="A"
    )
    changed = tools.call("manage_contact", action="update", contact_id=made["id"], name="Anna", notes="")
    assert (changed["name"], changed.get("notes")) == ("Anna", None)
    assert [one["name"] for one in tools.call("list_contacts", search="ann")["contacts"]] == ["Anna"]
    assert "needs contact_id" in tools.refused("manage_contact", action="delete")
    assert tools.call("manage_contact", action="delete", contact_id=made["id"])["deleted"]
    assert tools.call("list_contacts")["total"] == 0


def test_webhooks(tools: Tools, agent: dict[str, Any], webhook_inbox: WebhookInbox) -> None:
    assert tools.call("get_webhook") == {"webhook": None}
    for whose in ({}, {"agent_id": agent["id"]}):
        made = tools.call("set_webhook", url=webhook_inbox.url, context_limit="3", **whose)
        assert made["secret"].startswith("whsec_")
        told = tools.call("get_webhook", **whose)["webhook"]
        assert told == {name: made[name] for name in ("id", "url", "status", "contextLimit", "timeout")}
        assert tools.call("test_webhook", **whose)["success"]
        assert isinstance(tools.call("list_webhook_deliveries", hours=1, **whose)["deliveries"], list)
        assert tools.call("delete_webhook", **whose)["success"]
        assert tools.call("get_webhook", **whose) == {"webhook": None}


def test_usage(tools: Tools, number: dict[str, Any]) -> None:
    tools.call("send_message", number_id=number["id"], to_number="+14155550123", body="Hello")
    assert tools.call("get_usage")["stats"]["totalMessages"] == 1
    [today] = tools.call("get_usage", breakdown="daily", days=7)["daily"]
    [month] = tools.call("get_usage", breakdown="monthly")["monthly"]
    assert (today["messages"], month["messages"]) == (1, 1)


def test_calls_are_listed_and_refused_by_what_is_missing(tools: Tools, agent: dict[str, Any]) -> None:
    assert tools.call("list_calls") == {"calls": [], "total": 0}
    assert tools.call("list_calls", agent_id=agent["id"]) == {"calls": [], "total": 0}
    assert "stand alone" in tools.refused("list_calls", agent_id=agent["id"], status="failed")
    assert "CALL_NOT_FOUND" in tools.refused("get_call", call_id="call_nowhere", wait=True, timeout=10)
    assert "CALL_NOT_FOUND" in tools.refused("end_call", call_id="call_nowhere")
    assert "attach one" in tools.refused("make_call", agent_id=agent["id"], to_number="+14155550123")


def test_releasing_asks_first(tools: Tools, number: dict[str, Any]) -> None:
    asked = tools.call("release_number", number_id=number["id"])
    assert (asked["released"], asked["wouldRelease"]["phoneNumber"]) == (False, number["phoneNumber"])
    assert tools.call("list_numbers")["total"] == 1
    assert tools.call("release_number", number_id=number["id"], confirm=True)["released"]
    assert tools.call("list_numbers")["total"] == 0
    assert "PHONE_NUMBER_RELEASED" in tools.refused("release_number", number_id=number["id"])


def test_asked_twice_with_one_key_is_done_once(
    tools: Tools, agent: dict[str, Any], number: dict[str, Any], handset: Handsets
) -> None:
    phone: Handset = handset("+14155550123")
    for _ in range(2):
        sent = tools.call(
            "send_message", number_id=number["id"], to_number=phone.number, body="Once", idempotency_key="a"
        )
        bought = tools.call("buy_number", confirm=True, idempotency_key="b")
        gone = tools.call(
            "release_number", number_id=bought["number"]["id"], confirm=True, idempotency_key="c"
        )
        said = tools.call(
            "text_from_phone",
            phone_id=phone.id,
            to_number=number["phoneNumber"],
            body="Hi",
            idempotency_key="d",
        )
        changed = tools.call("update_agent", agent_id=agent["id"], name="Desk", idempotency_key="e")
        deleted = tools.call(
            "detach_number", agent_id=agent["id"], number_id=number["id"], idempotency_key="f"
        )
    assert all((sent, gone, said, changed, deleted))
    phone.wait_for("Once")
    assert tools.call("account_overview")["usage"]["stats"]["totalMessages"] == 2
    assert tools.call("list_numbers")["total"] == 1
    mismatch = tools.refused(
        "send_message", number_id=number["id"], to_number=phone.number, body="Other", idempotency_key="a"
    )
    assert "IDEMPOTENCY_MISMATCH" in mismatch
    assert "a new key" in mismatch
    other = tools.refused("update_agent", agent_id=agent["id"], name="Other", idempotency_key="e")
    assert "IDEMPOTENCY_MISMATCH" in other
    assert tools.call("get_agent", agent_id=agent["id"])["name"] == "Desk"


def test_what_was_refused_may_be_asked_again_with_its_key(tools: Tools, agent: dict[str, Any]) -> None:
    name = {"agent_id": agent["id"], "idempotency_key": "k"}
    assert "systemPrompt" in tools.refused("update_agent", voice_mode="hosted", **name)
    assert tools.call("update_agent", description="Books tables", **name)["description"] == "Books tables"


def test_failures_say_what_to_do(tools: Tools, number: dict[str, Any], handset: Handsets) -> None:
    phone = handset("+14155550123")
    phone.text(number["phoneNumber"], "STOP")
    until(lambda: tools.call("account_overview")["usage"]["stats"]["totalMessages"] == 2)
    refused = tools.refused("send_message", number_id=number["id"], to_number=phone.number, body="Hello")
    assert "RECIPIENT_OPTED_OUT" in refused
    assert "wait for their START" in refused
    assert "emergency" in tools.refused("send_message", number_id=number["id"], to_number="911", body="Hello")
    assert "to_number" in tools.refused("send_message", number_id=number["id"], to_number="12", body="Hello")
    assert tools.call("account_overview")["usage"]["stats"]["totalMessages"] == 2  # STOP and its confirmation


def test_a_path_can_not_be_left_by_an_id(tools: Tools, agent: dict[str, Any]) -> None:
    for hostile in (
        "../numbers",
        "..",
        "agt/../../x",
        "?limit=1",
        "#",
        "%2e%2e",
        "\x00",
        "é",
        "a b",
        "x" * 3_000,
    ):
        assert "NOT_FOUND" in tools.refused("get_agent", agent_id=hostile)
        assert tools.refused("delete_agent", agent_id=hostile)
    assert tools.call("list_agents")["total"] == 1


def test_sub_accounts_are_apart(ringback: Ringback, tools: Tools, number: dict[str, Any]) -> None:
    branch = ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}).json["id"]
    key = ringback.on_loop(ringback.server.book.create_key("own", None, account_id=branch)).key
    for own in (Tools(ringback, account=branch), Tools(ringback, key=key)):
        assert own.call("list_numbers")["total"] == 0
        assert "PHONE_NUMBER_NOT_FOUND" in own.refused("get_messages", number_id=number["id"])
        assert "PHONE_NUMBER_NOT_FOUND" in own.refused("release_number", number_id=number["id"], confirm=True)
    made = Tools(ringback, account=branch).call("create_agent", name="Branch's", idempotency_key="x")
    assert Tools(ringback, key=key).call("list_agents")["agents"][0]["id"] == made["id"]
    tools.call("set_webhook", url="http://127.0.0.1:9/ours")
    Tools(ringback, account=branch).call("set_webhook", url="http://127.0.0.1:9/theirs")
    for whose in (tools, Tools(ringback, account=branch)):
        whose.call("delete_webhook", idempotency_key="same")
        assert whose.call("get_webhook") == {"webhook": None}
    assert Tools(ringback, account="sub_nowhere").post("tools/list").status == 404


def test_lists_are_paged(tools: Tools, number: dict[str, Any]) -> None:
    for index in range(5):
        tools.call("manage_contact", action="create", phone_number=f"+1415555010{index}", name=f"P{index}")
        tools.call("send_message", number_id=number["id"], to_number="+14155550123", body=f"{index}")
    names: list[str] = []
    following: dict[str, Any] | None = {}
    while following is not None:
        page = tools.call("list_contacts", limit=2, **following)
        names += [one["name"] for one in page["contacts"]]
        following = page.get("next")
    assert sorted(names) == [f"P{index}" for index in range(5)]
    bodies: list[str] = []
    following = {}
    while following is not None:
        page = tools.call("get_messages", number_id=number["id"], limit=2, **following)
        bodies += [one["body"] for one in page["messages"]]
        following = page.get("next")
    assert bodies == ["4", "3", "2", "1", "0"]


def test_a_long_conversation_is_told_in_pages_that_a_model_can_read(
    tools: Tools, number: dict[str, Any]
) -> None:
    for index in range(30):
        tools.call(
            "send_message", number_id=number["id"], to_number="+14155550123", body=f"{index} " + "x" * 1_500
        )
    seen: list[str] = []
    following: dict[str, Any] | None = {}
    while following is not None:
        told = tools.result(
            "tools/call", {"name": "get_messages", "arguments": {"number_id": number["id"], **following}}
        )
        text = told["content"][0]["text"]
        assert len(text) < 25_000
        page = json.loads(text)
        seen += [one["body"].split()[0] for one in page["messages"]]
        following = page.get("next")
    assert seen == [str(index) for index in reversed(range(30))]


def test_resources(tools: Tools, number: dict[str, Any]) -> None:
    for index in range(25):
        tools.call("send_message", number_id=number["id"], to_number=f"+141555501{index:02}", body="Hello")
    first = tools.result("resources/list")
    assert len(first["resources"]) == 20
    rest = tools.result("resources/list", {"cursor": first["nextCursor"]})
    found = [one["uri"] for one in first["resources"] + rest["resources"]]
    assert len(set(found)) == 25
    assert "nextCursor" not in rest
    [content] = tools.result("resources/read", {"uri": found[0]})["contents"]
    assert json.loads(content["text"])["messages"][0]["body"] == "Hello"
    templates = tools.result("resources/templates/list")["resourceTemplates"]
    assert [one["uriTemplate"] for one in templates] == [
        "ringback://conversations/{id}",
        "ringback://calls/{id}/transcript",
    ]
    for uri in (
        "ringback://conversations/conv_nowhere",
        "ringback://calls/call_x/transcript",
        "ringback://calls/call_x",
        "file:///etc/passwd",
    ):
        assert tools.post("resources/read", {"uri": uri}).json["error"]["code"] == -32602
    for cursor in ("x", "LTE=", ""):
        assert tools.post("resources/list", {"cursor": cursor}).json["error"]["code"] == -32602


def test_the_tests_here_call_every_tool() -> None:
    """What no test calls could be anything."""
    from pathlib import Path

    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [
        tool.name for tool in TOOLS if f'call("{tool.name}"' not in text and f'"{tool.name}",' not in text
    ] == []
