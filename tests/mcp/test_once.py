"""Every tool that changes something, asked twice with one key: it answers the same, and does it once."""

from collections.abc import Callable
from typing import Any

import pytest

from ringback.doors.mcp.catalogue import TOOLS
from ringback.testing import Clock, Ringback, WebhookInbox
from tests.mcp.rpc import Tools

pytestmark = pytest.mark.scenario


class Mine:
    """An account with one of everything, seen from all sides."""

    def __init__(self, ringback: Ringback, tools: Tools, inbox: WebhookInbox) -> None:
        self._ringback, self._tools, self._inbox = ringback, tools, inbox
        self.agent = tools.call("create_agent", name="Desk")["id"]
        for prompt in ("You take bookings.", "You take no bookings."):
            tools.call("update_agent", agent_id=self.agent, system_prompt=prompt)
        self.prompt = tools.call("list_prompt_versions", agent_id=self.agent)["versions"][1]["id"]
        self.other = tools.call("create_agent", name="Night desk")["id"]
        self.number = tools.call("buy_number", agent_id=self.agent, confirm=True)["number"]
        self.spare = tools.call("buy_number", confirm=True)["number"]["id"]
        self.phone = tools.call("create_phone", name="Ann")
        made = tools.call("manage_contact", action="create", phone_number="+14155550177", name="Bob")
        self.contact = made["id"]
        self.hook = tools.call("set_webhook", url=inbox.url)["url"]
        tools.call("send_message", number_id=self.number["id"], to_number="+14155550177", body="Hello")
        [held] = tools.call("list_conversations")["conversations"]
        self.conversation = held["id"]

    def seen(self) -> list[Any]:
        """Everything that a second effect would show in, once nothing is under way."""
        settled = self._ringback.request("POST", "/sim/v1/clock", json={"advanceSeconds": 0})
        assert settled.status == 200
        ask = self._tools.call
        return [
            ask("list_events", limit=1)["next"],
            ask("account_overview"),
            [ask(name) for name in ("list_contacts", "list_phones", "list_conversations")],
            ask("read_phone", phone_id=self.phone["id"]),
            ask("get_webhook"),
            ask("get_clock")["now"],
            len(self._inbox.received),
        ]


CASES: dict[str, Callable[[Mine], dict[str, Any]]] = {
    "buy_number": lambda _: {"confirm": True},
    "release_number": lambda mine: {"number_id": mine.spare, "confirm": True},
    "send_message": lambda mine: {
        "agent_id": mine.agent,
        "to_number": mine.phone["phoneNumber"],
        "body": "Once",
    },
    "create_agent": lambda _: {"name": "Third desk"},
    "update_agent": lambda mine: {"agent_id": mine.agent, "name": "Front desk"},
    "use_prompt_version": lambda mine: {"agent_id": mine.agent, "version_id": mine.prompt},
    "delete_agent": lambda mine: {"agent_id": mine.other},
    "attach_number": lambda mine: {"agent_id": mine.other, "number_id": mine.spare},
    "detach_number": lambda mine: {"agent_id": mine.agent, "number_id": mine.number["id"]},
    "update_conversation": lambda mine: {"conversation_id": mine.conversation, "metadata": {"table": 4}},
    "manage_contact create": lambda _: {"action": "create", "phone_number": "+14155550178", "name": "Cy"},
    "manage_contact update": lambda mine: {"action": "update", "contact_id": mine.contact, "name": "Rob"},
    "manage_contact delete": lambda mine: {"action": "delete", "contact_id": mine.contact},
    "set_webhook": lambda mine: {"url": f"{mine.hook}?new"},
    "delete_webhook": lambda _: {},
    "test_webhook": lambda _: {},
    "create_phone": lambda _: {"name": "Dot"},
    "text_from_phone": lambda mine: {
        "phone_id": mine.phone["id"],
        "to_number": mine.number["phoneNumber"],
        "body": "Once",
    },
    "move_clock": lambda _: {"action": "advance", "seconds": 60, "confirm": True},
}
"""A tool, and of some the action; and what it is asked."""
CALLING = {"make_call", "make_conversation_call", "end_call", "call_from_phone"}
"""In test_calls.py, where somebody holds the calls."""


@pytest.fixture
def mine(ringback: Ringback, clock: Clock, webhook_inbox: WebhookInbox) -> Mine:
    clock.freeze()
    return Mine(ringback, Tools(ringback), webhook_inbox)


@pytest.mark.parametrize("case", CASES)
def test_asked_twice_with_one_key(ringback: Ringback, mine: Mine, case: str) -> None:
    tools, name, arguments = Tools(ringback), case.split()[0], CASES[case](mine)
    before = mine.seen()
    first = tools.call(name, **arguments, idempotency_key="k")
    once = mine.seen()
    assert once != before
    assert tools.call(name, **arguments, idempotency_key="k") == first
    assert mine.seen() == once


def test_every_tool_that_writes_is_among_them() -> None:
    assert {case.split()[0] for case in CASES} | CALLING == {tool.name for tool in TOOLS if tool.changes}
