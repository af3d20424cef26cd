"""Steps that many of these tests take."""

from typing import Any

from ringback.testing import Handset
from tests.conformance.npm.sdk import NpmClient
from tests.phones import until

ANYTHING = dict.fromkeys(
    ("agent_id", "call_id", "contact_id", "conversation_id", "message_id", "number_id", "sub_account_id"),
    "x1",
) | {"phone_number": "+14155550100"}
"""Whatever any method needs for its path."""


def agent_with_number(client: NpmClient) -> tuple[Any, Any]:
    agent = client.agents.createAgent({"name": "Desk"})
    return agent, client.numbers.createNumber({"agentId": agent["id"]})


def received(client: NpmClient, number: Any, phone: Handset, *bodies: str) -> list[Any]:
    """Text the number from the phone; the messages as the client lists them, oldest first."""
    for body in bodies:
        phone.text(number["phoneNumber"], body)

    def look() -> list[Any]:
        page = client.numbers.getMessages({"number_id": number["id"], "limit": 200})
        found = {one["body"]: one for one in page["data"] if one["fromNumber"] == phone.number}
        return [found[body] for body in bodies] if found.keys() >= set(bodies) else []

    return until(look)
