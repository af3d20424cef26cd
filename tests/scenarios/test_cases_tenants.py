"""Faults that others had, retold: an owner forgotten in a query. `tests/fuzz/test_tenants.py` tries every operation."""

from typing import Any

import pytest

from ringback.kit.ids import IdMaker
from ringback.testing import Answer, Handset, Handsets, Ringback
from tests.phones import until

pytestmark = pytest.mark.scenario


class Branch:
    """A sub-account, and what its parent asks in its name."""

    def __init__(self, ringback: Ringback, name: str) -> None:
        self.ringback = ringback
        self.id: str = ringback.request("POST", "/v1/sub-accounts", json={"name": name}).json["id"]

    def say(self, method: str, path: str, body: Any = None) -> Answer:
        return self.ringback.request(method, path, json=body, headers={"X-Sub-Account-Id": self.id})

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.say(method, path, body)
        assert answer.status in (200, 201), (method, path, answer)
        return answer.json


def furnish(branch: Branch, phone: Handset) -> dict[str, str]:
    """An agent with a webhook and a number, a contact and a conversation."""
    agent = branch.ask("POST", "/v1/agents", {"name": "A's"})["id"]
    number = branch.ask("POST", "/v1/numbers", {"agentId": agent})
    branch.ask("POST", f"/v1/agents/{agent}/webhook", {"url": "http://127.0.0.1:9/"})
    contact = branch.ask("POST", "/v1/contacts", {"phoneNumber": "+14155550120", "name": "A's"})
    phone.text(number["phoneNumber"], "A's")
    [conversation] = until(lambda: branch.ask("GET", "/v1/conversations")["data"])
    return {
        "agt": agent,
        "num": number["id"],
        "con": contact["id"],
        "conv": conversation["id"],
        "from": number["phoneNumber"],
    }


def requests(theirs: dict[str, str], own_agent: str) -> list[tuple[str, str, Any]]:
    """What a curious neighbour may ask with these ids."""
    agent, number = f"/v1/agents/{theirs['agt']}", f"/v1/numbers/{theirs['num']}"
    contact, conversation = f"/v1/contacts/{theirs['con']}", f"/v1/conversations/{theirs['conv']}"
    text = {"to_number": "+14155550121", "body": "x"}
    return [
        ("GET", agent, None),
        ("PATCH", agent, {"name": "x"}),
        ("GET", f"{agent}/webhook", None),
        ("POST", f"{agent}/webhook", {"url": "http://127.0.0.1:9/"}),
        ("DELETE", f"{agent}/webhook", None),
        ("POST", f"{agent}/webhook/test", {}),
        ("GET", f"{agent}/webhook/deliveries", None),
        ("GET", f"{agent}/conversations", None),
        ("POST", f"{agent}/numbers", {"numberId": theirs["num"]}),
        ("POST", f"/v1/agents/{own_agent}/numbers", {"numberId": theirs["num"]}),
        ("DELETE", f"{agent}/numbers/{theirs['num']}", None),
        ("GET", number, None),
        ("PATCH", number, {"externalId": "x"}),
        ("GET", f"{number}/messages", None),
        ("POST", "/v1/messages", {**text, "number_id": theirs["num"]}),
        ("POST", "/v1/messages", {**text, "agent_id": theirs["agt"]}),
        ("POST", "/v1/messages", {**text, "from_number": theirs["from"]}),
        ("POST", "/v1/numbers", {"agentId": theirs["agt"]}),
        ("POST", f"/v1/webhooks/test?agentId={theirs['agt']}", {}),
        ("GET", conversation, None),
        ("PATCH", conversation, {"metadata": {"x": 1}}),
        ("GET", f"{conversation}/messages", None),
        ("GET", contact, None),
        ("PATCH", contact, {"name": "x"}),
        ("DELETE", contact, None),
        ("DELETE", number, None),
        ("DELETE", agent, None),
    ]


def test_sec_foreign_ids(ringback: Ringback, handset: Handsets) -> None:
    """Foreign and unknown ids get one and the same 404, and nothing of their owner's changes."""
    a, b = Branch(ringback, "A"), Branch(ringback, "B")
    theirs = furnish(a, handset())
    new_id = IdMaker(ringback.server.clock).new
    nowhere = {prefix: new_id(prefix) for prefix in theirs} | {"from": "+14155550122"}
    own_agent = b.ask("POST", "/v1/agents", {"name": "B's"})["id"]
    looks = [
        f"/v1/agents/{theirs['agt']}",
        f"/v1/agents/{theirs['agt']}/webhook",
        f"/v1/numbers/{theirs['num']}",
        f"/v1/numbers/{theirs['num']}/messages",
        f"/v1/contacts/{theirs['con']}",
        f"/v1/conversations/{theirs['conv']}",
    ]
    before = [a.ask("GET", path) for path in looks]
    for foreign, unknown in zip(requests(theirs, own_agent), requests(nowhere, own_agent), strict=True):
        told, wanted = b.say(*foreign), b.say(*unknown)
        assert (told.status, wanted.status) == (404, 404), (foreign, told, wanted)
        said = told.content.decode()
        for kind, value in theirs.items():
            said = said.replace(value, nowhere[kind])
        assert said == wanted.content.decode()
    assert [a.ask("GET", path) for path in looks] == before
    assert before[2]["status"] == "active"
    nobody = ringback.request("GET", looks[0], headers={"X-Sub-Account-Id": "sub_nope"})
    assert nobody.status == 404
