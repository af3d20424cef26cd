"""What tools take: the vendor's names and arguments, null as absent, and what models write where its meaning is plain."""

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ringback.doors.docs.shelf import text_of
from ringback.doors.mcp.advice import advice_on
from ringback.doors.mcp.arguments import Arguments, BadArguments, Writing
from ringback.doors.mcp.catalogue import BY_NAME, TOOLS
from ringback.doors.mcp.results import MOST, listed
from tests.mcp import vendor

pytestmark = pytest.mark.unit

_KINDS = {"string": "string", "number": "integer", "boolean": "boolean", "array": "array", "record": "object"}
_DECIMALS = {"voice_speed", "interruption_sensitivity"}


def inner(field: dict[str, Any]) -> dict[str, Any]:
    """A property's schema without its null."""
    return {**field, **field["anyOf"][0]} if "anyOf" in field else field


def test_every_tool_of_the_vendor_is_here_with_its_arguments() -> None:
    assert set(vendor.ARGUMENTS) - set(BY_NAME) == set()
    wrong = []
    for name, arguments in vendor.ARGUMENTS.items():
        schema = BY_NAME[name].arguments.schema_of()
        for argument, (told, needed) in arguments.items():
            field = schema["properties"].get(argument)
            if field is None or (argument in schema.get("required", [])) is not needed:
                wrong.append(f"{name}.{argument}: {field}")
                continue
            wrong += [f"{name}.{argument}: {fault}" for fault in differences(argument, told, field)]
    assert wrong == []


def differences(argument: str, told: str, field: dict[str, Any]) -> list[str]:
    """How a property differs from what the vendor's table says: type, choices, bounds, default."""
    plain, faults = inner(field), []
    kind, _, default = told.partition(" = ")
    if " or " in kind:
        if plain.get("enum") != kind.split(" or "):
            faults.append(f"takes {plain.get('enum')}")
    else:
        wanted = "number" if argument in _DECIMALS else _KINDS[kind.split()[0]]
        if plain.get("type") != wanted:
            faults.append(f"is {plain.get('type')}")
    bounds = re.search(r"([\d.]+?)\.\.([\d.]*)$", kind)
    if bounds and " or " not in kind:
        lowest, highest = float(bounds[1]), float(bounds[2]) if bounds[2] else None
        if (plain.get("minimum"), plain.get("maximum")) != (lowest, highest):
            faults.append(f"goes from {plain.get('minimum')} to {plain.get('maximum')}")
    if default and str(field.get("default")).lower() != default.lower():
        faults.append(f"is {field.get('default')} when left out")
    return faults


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_schema_takes_null_for_what_may_be_left_out_and_says_what_each_is(tool: Any) -> None:
    schema = tool.arguments.schema_of()
    Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    optional = schema["properties"].keys() - set(schema.get("required", []))
    assert all({"type": "null"} in schema["properties"][name]["anyOf"] for name in optional)
    assert tool.changes is ("idempotency_key" in schema["properties"])
    assert 20 <= len(tool.description) <= 400
    assert "title" not in str(schema)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_null_is_not_given(tool: Any) -> None:
    required = tool.arguments.schema_of().get("required", [])
    wanted = {"to_number": "+14155550123", "action": "create" if "contact" in tool.name else "freeze"}
    given = {name: wanted.get(name, {} if name == "metadata" else "x") for name in required}
    nulls = {name: None for name in tool.arguments.model_fields if name not in required}
    assert tool.arguments.read(given | nulls) == tool.arguments.read(given)


@pytest.mark.parametrize(
    ("tool", "given", "meant"),
    [
        ("list_numbers", {"limit": "5"}, {"limit": 5}),
        ("list_numbers", {"limit": 5.0, "offset": " 3 "}, {"limit": 5, "offset": 3}),
        ("list_numbers", {"limit": ""}, {}),
        ("send_message", {"to_number": 14155550124, "body": 42}, {"to_number": "14155550124", "body": "42"}),
        ("send_message", {"toNumber": "+14155550124", "body": ""}, {"to_number": "+14155550124", "body": ""}),
        ("buy_number", {"area_code": 415, "confirm": "true"}, {"area_code": "415", "confirm": True}),
        ("buy_number", {"agentId": "agt_1", "country": "us"}, {"agent_id": "agt_1", "country": "us"}),
        (
            "update_conversation",
            {"conversation_id": "c", "metadata": '{"a": [1]}'},
            {"conversation_id": "c", "metadata": {"a": [1]}},
        ),
        (
            "call_from_phone",
            {"phone_id": "h", "to_number": "1", "say": '["Hi"]'},
            {"phone_id": "h", "to_number": "1", "say": ["Hi"]},
        ),
        (
            "call_from_phone",
            {"phone_id": "h", "to_number": "1", "say": "Hi"},
            {"phone_id": "h", "to_number": "1", "say": ["Hi"]},
        ),
        ("update_agent", {"agent_id": "a", "transfer_number": ""}, {"agent_id": "a", "transfer_number": ""}),
        ("update_agent", {"agent_id": "a", "voice_speed": "1.5"}, {"agent_id": "a", "voice_speed": 1.5}),
        ("list_calls", {"direction": " Inbound"}, {"direction": "inbound"}),
        (
            "create_agent",
            {"name": "Desk", "ambient_sound": "Coffee Shop", "enable_backchannel": "False"},
            {"name": "Desk", "ambient_sound": "coffee-shop", "enable_backchannel": False},
        ),
        (
            "call_from_phone",
            {"phone_id": " h ", "to_number": " (415) 555-0124", "script": {"say": "Hi"}},
            {"phone_id": "h", "to_number": "(415) 555-0124", "script": [{"say": "Hi"}]},
        ),
        ("list_events", {"types": ["message.*", "call.ended"]}, {"types": "message.*,call.ended"}),
        ("list_events", {"types": '["message.*"]'}, {"types": "message.*"}),
        (
            "send_message",
            {"to_number": "1", "body": " as it is ", "media_urls": "http://a.example/b.png"},
            {"to_number": "1", "body": " as it is ", "media_urls": ["http://a.example/b.png"]},
        ),
    ],
)
def test_what_is_plain_is_understood(tool: str, given: Any, meant: Any) -> None:
    assert BY_NAME[tool].arguments.read(given).given() == meant


@pytest.mark.parametrize("given", [None, {}, "{}"])
def test_no_arguments_are_none(given: Any) -> None:
    assert BY_NAME["list_numbers"].arguments.read(given).given() == {}


@pytest.mark.parametrize(
    ("tool", "given", "named"),
    [
        ("list_numbers", {"limit": "5px"}, "limit: takes a whole number"),
        ("list_numbers", {"limit": True}, "limit: takes a whole number, not true or false"),
        ("list_numbers", {"limit": 5.5}, "limit:"),
        ("list_numbers", {"limit": 101}, "limit: should be less than or equal to 100"),
        ("list_numbers", {"limit": "9" * 400}, "limit:"),
        ("list_numbers", {"pages": 2}, "pages is no argument of this tool, which takes limit, offset"),
        ("list_numbers", ["limit"], "should be"),
        ("list_numbers", "{", "is no valid JSON"),
        ("list_numbers", {"limit": 1, "Limit": 2}, "limit is given twice"),
        ("send_message", {}, "to_number is missing; body is missing"),
        ("send_message", {"to_number": True, "body": "x"}, "to_number:"),
        ("send_message", {"to_number": ["+1"], "body": "x"}, "to_number:"),
        (
            "send_message",
            {"to_number": "1", "body": "x", "send_style": "huge"},
            "send_style: should be 'celebration'",
        ),
        ("send_message", {"to_number": "1", "body": "x", "idempotency_key": "a\nb"}, "idempotency_key:"),
        ("buy_number", {"confirm": 1}, "confirm: takes true or false"),
        ("buy_number", {"confirm": "yes"}, "confirm: takes true or false"),
        (
            "update_conversation",
            {"conversation_id": "c", "metadata": "[" * 5_000},
            "metadata: is nested deeper than 64 levels",
        ),
        ("get_agent", {"agent_id": ""}, "agent_id is missing"),
        ("get_agent", {"agent_id": "  "}, "agent_id: "),
        ("list_calls", {"direction": "in"}, "direction: should be 'inbound' or 'outbound'"),
        ("list_events", {"types": [1]}, "types: "),
        ("call_from_phone", {"phone_id": "h", "to_number": "1", "script": "Hi"}, "script"),
    ],
)
def test_what_could_mean_something_else_is_refused_by_name(tool: str, given: Any, named: str) -> None:
    with pytest.raises(BadArguments) as refused:
        BY_NAME[tool].arguments.read(given)
    assert named in str(refused.value)


def test_every_code_of_the_page_on_errors_that_has_an_advice_gives_it() -> None:
    rows = re.findall(
        r"^\| \d{3} \| `([A-Z_]+)` \| [^|]+ \| ([^|]+) \|$", text_of("errors") or "", re.MULTILINE
    )
    assert len(rows) > 30
    assert [code for code, advice in rows if advice.strip() and not advice_on(code)] == []
    assert advice_on("RECIPIENT_OPTED_OUT") == "wait for their START"
    assert advice_on("NO_SUCH_CODE") is None


def test_a_long_list_ends_where_the_next_page_begins() -> None:
    rows = [{"id": index, "body": "x" * 1_000} for index in range(100)]
    page = listed("rows", rows, more=False, next_=lambda shown: {"offset": len(shown)})
    assert page["next"] == {"offset": len(page["rows"])}
    assert 10 < len(page["rows"]) < 100
    assert len(str(page)) < MOST + 2_000
    big: list[dict[str, object]] = [{"id": 0, "body": "x" * MOST * 2}, {"id": 1}]
    assert listed("rows", big, more=False, next_=lambda shown: {"offset": len(shown)})["next"] == {
        "offset": 1
    }
    assert "next" not in listed("rows", rows[:3], more=False, next_=lambda shown: {"offset": len(shown)})


def test_what_writes_is_told_apart() -> None:
    reading = {tool.name for tool in TOOLS if not issubclass(tool.arguments, Writing)}
    assert reading >= {"account_overview", "list_numbers", "get_messages", "get_clock"}
    assert not any(name.startswith(("send", "buy", "make", "create", "delete", "update")) for name in reading)
    assert {tool.name for tool in TOOLS if tool.destroys} == {
        "release_number",
        "delete_agent",
        "delete_webhook",
        "manage_contact",
    }
    assert all(issubclass(tool.arguments, Arguments) for tool in TOOLS)
