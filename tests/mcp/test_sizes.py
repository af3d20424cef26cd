"""A thousand rows of everything: each list ends where a model can still read it, and `next` leads to all of it."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ringback.doors.mcp.catalogue import TOOLS
from ringback.doors.mcp.results import MOST, rest_page
from ringback.testing import Ringback, WebhookInbox
from ringback.testing.server import serve
from tests.mcp.rpc import Tools
from tests.phones import until
from tests.switchboard import Exchange

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(300)]

ROWS = 1_000
LONGEST = MOST + 5_000
"""Characters of an answer: its rows, and what stands beside them."""


class Full:
    """A server with a thousand of each, and the ids that tools ask for."""

    def __init__(self, ringback: Ringback, inbox: WebhookInbox) -> None:
        self.ringback, self.tools = ringback, Tools(ringback)
        exchange = Exchange(ringback)
        self.agent = self.one("/v1/agents", {"name": "Desk"})["id"]
        number = self.one("/v1/numbers", {"agentId": self.agent})
        self.number = number["id"]
        self.one("/v1/webhooks", {"url": inbox.url})
        self.one(f"/v1/agents/{self.agent}/webhook", {"url": inbox.url})
        self.phone = self.one("/sim/v1/handsets", {"name": "Ann"})
        said = f"/sim/v1/handsets/{self.phone['id']}/messages"
        self.many(said, ({"to": number["phoneNumber"], "body": f"text {n} " + "x" * 90} for n in range(ROWS)))
        until(lambda: self.tools.call("get_messages", number_id=self.number, limit=1)["messages"])
        [held] = self.tools.call("list_conversations")["conversations"]
        self.conversation = held["id"]
        parties = [f"+1202{5_550_000 + n}" for n in range(ROWS)]
        sent = ({"number_id": self.number, "to_number": party, "body": "Hello"} for party in parties)
        self.many("/v1/messages", sent)
        self.many("/v1/contacts", ({"phoneNumber": party, "name": f"Person {party}"} for party in parties))
        described = "Answers the phone, takes bookings and sends what was asked for. " * 4
        self.many("/v1/agents", ({"name": f"Agent {n}", "description": described} for n in range(ROWS)))
        self.many("/sim/v1/handsets", ({"name": f"Phone {n}"} for n in range(ROWS)))
        self.many("/v1/numbers", ({} for _ in range(ROWS)))
        exchange.all_are_busy = True
        self.many("/v1/calls", ({"agentId": self.agent, "toNumber": party} for party in parties))
        exchange.all_are_busy = False
        self.call = self.one("/v1/calls", {"agentId": self.agent, "toNumber": parties[0]})["id"]
        exchange.answered(self.call)
        for n in range(ROWS):
            exchange.say(self.call, ("user", "agent")[n % 2], f"line {n} of what was said", f"t{n // 2}")

    def one(self, path: str, body: Any) -> Any:
        answer = self.ringback.request("POST", path, json=body)
        assert answer.status in (200, 201), answer
        return answer.json

    def many(self, path: str, bodies: Iterable[Any]) -> None:
        with ThreadPoolExecutor(4) as pool:
            for _ in pool.map(lambda body: self.one(path, body), bodies):
                pass


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, _ringback_template: Any) -> Iterator[Full]:
    """One server for all tests here, which only read."""
    folder: Path = tmp_path_factory.mktemp("full")
    own = {"number_limit": ROWS + 10}
    with (
        WebhookInbox() as inbox,
        serve(folder, settings=own, wrap=lambda app: app, template=_ringback_template) as ringback,
    ):
        yield Full(ringback, inbox)


def page(full: Full, name: str, arguments: dict[str, Any]) -> Any:
    """What a tool tells, which is short."""
    told = full.tools.result("tools/call", {"name": name, "arguments": arguments})
    text = told["content"][0]["text"]
    assert not told["isError"], text
    assert len(text) <= LONGEST, f"{name} tells {len(text)} characters"
    return json.loads(text)


def walk(full: Full, name: str, rows: str, arguments: dict[str, Any]) -> list[Any]:
    """All rows of a list, page after page."""
    found: list[Any] = []
    following: dict[str, Any] | None = {}
    while following is not None:
        told = page(full, name, arguments | following)
        if following and not told[rows]:
            break
        found += told[rows]
        following = told.get("next")
    return found


LISTS: dict[str, tuple[str, int]] = {
    "list_numbers": ("numbers", ROWS + 1),
    "list_agents": ("agents", ROWS + 1),
    "list_conversations": ("conversations", ROWS + 1),
    "get_conversation": ("messages", ROWS),
    "get_messages": ("messages", 2 * ROWS),
    "list_contacts": ("contacts", ROWS),
    "list_calls": ("calls", ROWS + 1),
    "get_call": ("transcript", ROWS),
    "list_webhook_deliveries": ("deliveries", ROWS),
    "list_events": ("events", 4 * ROWS),
    "list_phones": ("phones", ROWS + 1),
    "read_phone": ("messages", ROWS),
    "search_conversations": ("found", ROWS),
}
"""By tool: where its rows are, and how many there are at least."""
SHORT = {"list_prompt_versions", "account_overview", "search_numbers", "list_voices", "get_usage"}
"""What tells a list and has no thousand rows here."""
OF_ONE = {"get_message", "get_agent", "get_webhook", "get_clock", "get_phone_call"}
"""What tells of one thing."""


def asked(full: Full, name: str) -> dict[str, Any]:
    given: dict[str, dict[str, Any]] = {
        "get_conversation": {"conversation_id": full.conversation, "message_limit": 100},
        "get_messages": {"number_id": full.number, "limit": 200},
        "get_call": {"call_id": full.call},
        "list_events": {"after": 0, "limit": 100},
        "read_phone": {"phone_id": full.phone["id"], "limit": 100},
        "search_conversations": {"query": "hello", "limit": 40},
    }
    return given.get(name, {"limit": 100})


@pytest.mark.parametrize("name", LISTS)
def test_a_thousand_rows_are_told_in_pages(full: Full, name: str) -> None:
    rows, least = LISTS[name]
    until(lambda: full.ringback.request("POST", "/sim/v1/clock", json={"advanceSeconds": 0}).json["settled"])
    given = asked(full, name)
    page(full, name, {key: value for key, value in given.items() if "limit" not in key})
    found = walk(full, name, rows, given)
    assert len(found) >= least
    ids = [one.get("id") or one.get("messageId") or one.get("seq") or json.dumps(one) for one in found]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", ["get_messages", "read_phone"])
def test_what_is_newer_is_walked_forwards_without_a_loss(full: Full, name: str) -> None:
    given = asked(full, name)
    oldest = walk(full, name, "messages", given)[-1]["id"]
    found = walk(full, name, "messages", given | {"after": oldest})
    assert len({one["id"] for one in found}) == len(found) >= ROWS - 1


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("account_overview", {}),
        ("search_numbers", {"limit": 100}),
        ("list_voices", {}),
        ("get_usage", {}),
        ("get_usage", {"breakdown": "daily", "days": 365}),
        ("get_usage", {"breakdown": "monthly"}),
    ],
)
def test_what_is_no_long_list_is_short(full: Full, name: str, given: dict[str, Any]) -> None:
    page(full, name, given)


def test_an_agents_deliveries_are_the_newest_hundred(full: Full) -> None:
    given = {"agent_id": full.agent, "limit": 40}
    found = walk(full, "list_webhook_deliveries", "deliveries", given)
    assert len({one["id"] for one in found}) == len(found) == 100
    assert "newest 100" in full.tools.refused("list_webhook_deliveries", **given, offset=100)


def test_resources_are_short(full: Full) -> None:
    told = full.tools.result("resources/list")
    assert len(json.dumps(told)) <= LONGEST
    for uri in (f"ringback://conversations/{full.conversation}", f"ringback://calls/{full.call}/transcript"):
        [content] = full.tools.result("resources/read", {"uri": uri})["contents"]
        assert len(content["text"]) <= LONGEST


def test_what_is_told_of_one_thing_is_short(full: Full) -> None:
    """Also where the API lets it be long."""
    full.one("/v1/agents", {"name": "Wordy", "systemPrompt": "p" * 100_000})
    [wordy] = [one for one in page(full, "list_agents", {})["agents"] if one["name"] == "Wordy"]
    told = page(full, "get_agent", {"agent_id": wordy["id"]})
    assert told["systemPrompt"].endswith("... (100000 characters)")
    metadata = {"note": "m" * 60_000}
    page(full, "update_conversation", {"conversation_id": full.conversation, "metadata": metadata})
    page(full, "get_conversation", {"conversation_id": full.conversation, "message_limit": 1})
    page(full, "list_conversations", {})


def test_a_list_at_hand_is_told_in_pages_too() -> None:
    words = [{"who": "other", "text": "word " * 20, "startMs": n} for n in range(ROWS)]
    found: list[Any] = []
    following: dict[str, Any] | None = {"offset": 0}
    while following is not None:
        told = rest_page("words", words, following["offset"])
        assert len(json.dumps(told)) <= LONGEST
        found += told["words"]
        following = told.get("next")
    assert found == words


def test_every_tool_that_reads_is_judged_here() -> None:
    assert LISTS.keys() | SHORT | OF_ONE == {tool.name for tool in TOOLS if not tool.changes}
