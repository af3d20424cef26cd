"""Whatever stands for arguments: a tool does what is plain, or refuses in words; it never breaks, and the next call works."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringback.doors.mcp.catalogue import BY_NAME, TOOLS
from ringback.testing import Ringback
from tests.mcp.rpc import Tools
from tests.mcp.test_clients import DOORS, connected

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]

LONGEST = 25_000
"""Characters of an answer: a page of 20,000, and what stands beside it."""
ODD = st.sampled_from(
    [
        "",
        " ",
        "null",
        "undefined",
        "5px",
        "-1",
        "1e9",
        "٣",
        "true",
        "[]",
        "[" * 500,
        '{"a":',
        "../numbers",
        "%2e%2e/",
        "a/b?c#d",
        "\x00",
        "a\r\nX-Evil: 1",
        "\u202e\u2067",
        "num_1' OR '1'='1",
        "(415) 555-0123",
        "+1 415 555 0123",
        "tel:+14155550123",
        "911",
        "2026-11-26T12:00:00Z",
        "http://169.254.169.254/",
        "x" * 5_000,
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ODD | st.text(max_size=20)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def arguments_of(tool: Any) -> st.SearchStrategy[dict[str, Any]]:
    """What is required, mostly, with anything as its value, and some of the rest; now and then a name of nobody's."""
    schema = tool.arguments.schema_of()
    # Waiting for events is not what is tried here.
    names = [name for name in schema["properties"] if name != "wait"]
    needed = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: plausible(schema["properties"][name]) for name in names if name in needed},
        optional={name: plausible(schema["properties"][name]) for name in names if name not in needed}
        | {"nobodys": VALUES},
    )


def call_of(tool: Any) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    return st.tuples(st.just(tool.name), arguments_of(tool))


def plausible(field: dict[str, Any]) -> st.SearchStrategy[Any]:
    plain = field["anyOf"][0] if "anyOf" in field else field
    known = st.sampled_from(plain["enum"]) if "enum" in plain else st.just("+14155550123")
    return VALUES | known


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_never_breaks(ringback: Ringback, tool: Any) -> None:
    tools = Tools(ringback)

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(arguments_of(tool))
    def ask(given: dict[str, Any]) -> None:
        answer = tools.post("tools/call", {"name": tool.name, "arguments": given})
        assert answer.status == 200, answer
        check(answer.json["result"])

    ask()
    assert tools.call("account_overview")["agentsInAll"] < 100


def check(told: dict[str, Any]) -> None:
    [content] = told["content"]
    assert len(content["text"]) <= LONGEST
    if told["isError"]:
        assert "INTERNAL_ERROR" not in content["text"], content["text"]
        assert len(content["text"]) > 20
    else:
        json.loads(content["text"])


@given(st.sampled_from(TOOLS).flatmap(call_of))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_refused_names_what_is_wrong(asked: tuple[str, dict[str, Any]]) -> None:
    """Each refusal says which argument, and no value of it comes back whole."""
    from ringback.doors.mcp.arguments import BadArguments

    name, given = asked
    try:
        read = BY_NAME[name].arguments.read(given)
    except BadArguments as refused:
        said = str(refused)
        assert any(argument in said for argument in (*given, *BY_NAME[name].arguments.model_fields)), said
        assert len(said) < 5_000
    else:
        assert "nobodys" not in given or given["nobodys"] in (None, "")
        assert read.given().keys() <= BY_NAME[name].arguments.model_fields.keys()


@pytest.mark.parametrize("door", DOORS)
async def test_the_official_client_survives_it(ringback: Ringback, door: str) -> None:
    """One connection takes them all, one after another."""
    asked: list[tuple[str, dict[str, Any]]] = []

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(TOOLS).flatmap(call_of))
    def gather(one: tuple[str, dict[str, Any]]) -> None:
        asked.append(one)

    gather()
    async with connected(ringback, door, "auto") as client:
        for name, arguments in asked:
            told = await client.call_tool(name, arguments)
            check({"isError": told.is_error, "content": [{"text": told.content[0].text}]})  # type: ignore[union-attr]
        assert not (await client.call_tool("account_overview", {})).is_error


@pytest.mark.parametrize(
    "raw",
    [
        '{"limit": NaN}',
        '{"limit": Infinity}',
        '{"limit": 1e999}',
        '{"limit": ' + "9" * 5_000 + "}",
        '{"limit": 1, "limit": 2}',
        '{"\\ud800": 1}',
        '{"limit": "\\udfff"}',
        "[1]",
        '"limit"',
        "7",
    ],
)
def test_json_that_is_barely_json(ringback: Ringback, raw: str) -> None:
    """Refused as a tool's failure or as no JSON-RPC, and never by a fault of the server."""
    body = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"list_numbers","arguments":{raw}}}}}'
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    answer = ringback.request("POST", "/mcp", content=body.encode(), headers=headers)
    assert answer.status in (200, 400), answer
    if "result" in answer.json:
        check(answer.json["result"])
    else:
        assert answer.json["error"]["code"] in (-32700, -32600, -32602), answer.json
