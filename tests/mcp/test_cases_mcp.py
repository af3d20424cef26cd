"""Faults that others had, retold: what models send to tools, and what must not come of it.

`mcp-stdout-is-the-wire` is in test_clients.py.
"""

import io
import json

import pytest

from ringback.testing import Handsets, Ringback
from tests.mcp.rpc import ACCEPT, Tools
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario

CANARY = "sk_live_CANARY4f9c2d7e8a1b"


@pytest.fixture
def line(debug_log: io.StringIO, ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


@pytest.fixture
def tools(ringback: Ringback) -> Tools:
    return Tools(ringback)


def test_mcp_null_means_absent(tools: Tools) -> None:
    for name, nulls in (
        ("list_numbers", ("limit", "offset")),
        ("list_conversations", ("agent_id", "limit", "offset")),
        ("list_calls", ("agent_id", "number_id", "limit", "offset", "status", "direction", "search")),
        ("list_contacts", ("search", "limit", "offset")),
        ("get_usage", ("breakdown", "days", "months")),
        ("list_webhook_deliveries", ("agent_id", "limit", "hours")),
    ):
        plain = tools.post("tools/call", {"name": name})
        assert "error" not in plain.json
        assert tools.call(name, **dict.fromkeys(nulls)) == tools.call(name)
    asked = tools.call("buy_number", area_code=None, agent_id=None, country=None, confirm=None)
    assert not asked["bought"]
    null = tools.post("tools/call", {"name": "list_numbers", "arguments": None})
    assert not null.json["result"]["isError"]


def test_mcp_loose_numbers(line: Line, tools: Tools) -> None:
    for _ in range(6):
        line.ask("POST", "/v1/numbers", {})
    assert len(tools.call("list_numbers", limit="5")["numbers"]) == 5
    line.send("one")
    line.send("two")
    line.send("three")
    assert len(tools.call("get_messages", number_id=line.number_id, limit="2")["messages"]) == 2
    sent = tools.call("send_message", number_id=line.number_id, to_number=14155550124, body=42)
    assert sent["to_number"] == "+14155550124"
    assert line.ask("GET", f"/v1/messages/{sent['id']}")["body"] == "42"
    for wrong in ("5px", True, [5], {"limit": 5}, "0x5", "5.5", 5.5, "-1", 0):
        assert "limit" in tools.refused("list_numbers", limit=wrong), wrong


def test_mcp_arguments_missing(line: Line, tools: Tools) -> None:
    before = line.ask("GET", "/v1/usage")["stats"]["totalMessages"]
    for params in (
        {"name": "send_message"},
        {"name": "send_message", "arguments": None},
        {"name": "send_message", "arguments": {}},
        {"name": "send_message", "arguments": {"to_number": "+14155550125"}},
        {"name": "send_message", "arguments": {"to_number": "+14155550125", "body": None}},
    ):
        told = tools.result("tools/call", params)
        assert told["isError"]
        assert "body is missing" in told["content"][0]["text"]
    assert "from" in tools.refused("send_message", to_number="+14155550125", body="Who sends this?")
    assert line.ask("GET", "/v1/usage")["stats"]["totalMessages"] == before


def test_sec_key_shown_nowhere(line: Line, tools: Tools, debug_log: io.StringIO) -> None:
    """Neither a wrong key nor a good one comes back from this door, and the log has neither."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    for accept in ({}, ACCEPT):
        refused = line.ringback.request("POST", "/mcp", json=asked, headers=accept, api_key=CANARY)
        assert refused.status == 401
        assert CANARY not in refused.content.decode() + json.dumps(dict(refused.headers))
    key = line.ringback.api_key
    for params in (
        {"name": key},
        {"name": "get_agent", "arguments": {key: 1}},
        {"name": "list_numbers", "arguments": {"limit": key}},
    ):
        answer = tools.post("tools/call", params)
        assert answer.status == 200
    secret = tools.call("set_webhook", url="http://127.0.0.1:9/x")["secret"]
    assert secret not in json.dumps(tools.call("get_webhook"))
    assert secret not in json.dumps(tools.call("account_overview"))
    log = debug_log.getvalue()
    assert not any(word in log for word in (CANARY, key, secret))


def test_con_markup_in_a_text(line: Line, tools: Tools) -> None:
    """A text is told as it was sent: inside JSON, whose marks it can't leave."""
    body = '<img src=x onerror=alert(1)>"\'},{"id":"msg_fake"'
    line.hear(body)
    page = tools.call("get_messages", number_id=line.number_id)
    assert [one["body"] for one in page["messages"]] == [body]
