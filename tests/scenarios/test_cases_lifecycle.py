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
