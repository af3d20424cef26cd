"""Faults that others had, retold: numbers that come, move and go."""

from functools import partial

import pytest

from ringback.testing import Handsets, Ringback, WebhookInbox
from tests.phones import until
from tests.scenarios.lines import Line, together

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def test_life_release_race(line: Line) -> None:
    path = f"/v1/numbers/{line.number_id}"
    answers = together(*[partial(line.ringback.request, "DELETE", path)] * 8)
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7
    line.refused("DELETE", path, 400)
    assert line.ask("GET", path)["status"] == "released"


def test_life_text_to_a_released_number(line: Line, webhook_inbox: WebhookInbox) -> None:
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    line.ask("DELETE", f"/v1/numbers/{line.number_id}")
    line.phone.text(line.number, "anybody?")
    path = f"/sim/v1/handsets/{line.phone.id}/messages"
    until(lambda: line.ask("GET", path)["data"][0]["status"] == "failed")
    assert webhook_inbox.received == []
    assert line.messages() == []
    assert not line.ask("GET", f"/v1/agents/{line.agent_id}")["numbers"]


def test_life_two_owners(line: Line) -> None:
    other = line.ask("POST", "/v1/agents", {"name": "second"})["id"]
    agents = [line.agent_id, other] * 4
    together(
        *[
            partial(line.ask, "POST", f"/v1/agents/{agent}/numbers", {"numberId": line.number_id})
            for agent in agents
        ]
    )
    owner = line.ask("GET", f"/v1/numbers/{line.number_id}")["agentId"]
    listed = {agent: line.ask("GET", f"/v1/agents/{agent}")["numbers"] for agent in (line.agent_id, other)}
    assert [number["id"] for number in listed.pop(owner)] == [line.number_id]
    assert not any(listed.values())


RACERS = 8


def race(line: Line, method: str, path: str, body: object = None) -> list[int]:
    """The statuses of the same request made at the same moment."""
    answers = together(*[partial(line.ringback.request, method, path, json=body)] * RACERS)
    return sorted(answer.status for answer in answers)


def test_other_races_have_one_winner(line: Line, handset: Handsets) -> None:
    """Whatever can be done once is done once, however many ask for it at once."""
    agent = line.ask("POST", "/v1/agents", {"name": "short-lived"})["id"]
    assert race(line, "DELETE", f"/v1/agents/{agent}") == [200] + [404] * 7
    contact = {"phoneNumber": "+14155550112", "name": "Ann"}
    assert race(line, "POST", "/v1/contacts", contact) == [201] + [409] * 7
    contact_id = line.ask("GET", "/v1/contacts")["data"][0]["id"]
    assert race(line, "DELETE", f"/v1/contacts/{contact_id}") == [204] + [404] * 7
    wanted = line.ask("GET", "/v1/numbers/available?limit=1")["data"][0]["phoneNumber"]
    assert race(line, "POST", "/v1/numbers", {"ringback": {"phoneNumber": wanted}}) == [200] + [409] * 7
    phone = {"phoneNumber": "+14155550113"}
    assert race(line, "POST", "/sim/v1/handsets", phone) == [200] + [409] * 7
    sub = line.ask("POST", "/v1/sub-accounts", {"name": "branch"})["id"]
    assert race(line, "DELETE", f"/v1/sub-accounts/{sub}") == [200] + [404] * 7
    path = f"/v1/agents/{line.agent_id}/webhook"
    line.ask("POST", path, {"url": "http://127.0.0.1:9/"})
    assert set(race(line, "DELETE", path)) <= {200, 404}
    assert line.ask("GET", path) is None
    detached = race(line, "DELETE", f"/v1/agents/{line.agent_id}/numbers/{line.number_id}")
    assert detached == [200] + [404] * 7
    assert line.ask("GET", f"/v1/numbers/{line.number_id}")["agentId"] is None


def test_the_last_number_of_a_limit_is_sold_once(line: Line) -> None:
    for _ in range(8):
        line.ask("POST", "/v1/numbers", {})
    assert race(line, "POST", "/v1/numbers", {}) == [200] + [400] * 7
    assert line.ask("GET", "/v1/numbers")["total"] == 10


def test_first_texts_at_once_make_one_conversation(line: Line, handset: Handsets) -> None:
    phones = [handset() for _ in range(4)]
    for phone in phones:
        together(
            *[partial(line.send, f"out {n}", phone.number) for n in range(4)],
            *[partial(phone.text, line.number, f"in {n}") for n in range(4)],
        )
    until(lambda: len(line.messages()) == 32)
    found = line.ask("GET", "/v1/conversations")["data"]
    assert sorted((one["participant"], one["messageCount"]) for one in found) == sorted(
        (phone.number, 8) for phone in phones
    )


def test_attached_and_released_at_once(line: Line) -> None:
    """A released number belongs to nobody, whichever came first."""
    for _ in range(4):
        number = line.ask("POST", "/v1/numbers", {})["id"]
        together(
            partial(line.ringback.request, "DELETE", f"/v1/numbers/{number}"),
            partial(
                line.ringback.request,
                "POST",
                f"/v1/agents/{line.agent_id}/numbers",
                json={"numberId": number},
            ),
        )
        assert line.ask("GET", f"/v1/numbers/{number}")["agentId"] is None
        listed = line.ask("GET", f"/v1/agents/{line.agent_id}")["numbers"]
        assert [one["id"] for one in listed] == [line.number_id]


def test_an_agent_deleted_while_numbers_are_attached(line: Line) -> None:
    number = line.ask("POST", "/v1/numbers", {})["id"]
    for _ in range(4):
        agent = line.ask("POST", "/v1/agents", {"name": "going"})["id"]
        together(
            partial(line.ringback.request, "DELETE", f"/v1/agents/{agent}"),
            partial(line.ringback.request, "POST", f"/v1/agents/{agent}/numbers", json={"numberId": number}),
        )
        assert line.ask("GET", f"/v1/numbers/{number}")["agentId"] is None


def test_what_a_released_number_left_behind(line: Line, webhook_inbox: WebhookInbox) -> None:
    """Its agent's other number goes on, and it can neither send nor be attached nor changed."""
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    other = line.ask("POST", "/v1/numbers", {"agentId": line.agent_id})
    line.ask("DELETE", f"/v1/numbers/{line.number_id}")
    line.phone.text(other["phoneNumber"], "to the other")
    assert webhook_inbox.wait_for("agent.message").body["data"]["numberId"] == other["id"]
    sent = line.ask(
        "POST", "/v1/messages", {"agent_id": line.agent_id, "to_number": line.phone.number, "body": "x"}
    )
    assert sent["from_number"] == other["phoneNumber"]
    line.refused("POST", "/v1/messages", 400, 404, body=line.text("x"))
    by_number = {"from_number": line.number, "to_number": line.phone.number, "body": "x"}
    line.refused("POST", "/v1/messages", 400, 404, body=by_number)
    attach = {"numberId": line.number_id}
    line.refused("POST", f"/v1/agents/{line.agent_id}/numbers", 400, 404, body=attach)
    listed = line.ask("GET", f"/v1/agents/{line.agent_id}")["numbers"]
    assert [number["id"] for number in listed] == [other["id"]]
    assert [number["id"] for number in line.ask("GET", "/v1/numbers")["data"]] == [other["id"]]
