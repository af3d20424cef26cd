"""Faults that others had, retold: a request that is sent again."""

import json
from functools import partial

import pytest

from ringback.testing import Answer, Handsets, Ringback
from tests.phones import until
from tests.scenarios.lines import Line, together

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def keyed(line: Line, path: str, body: object, key: str = "case") -> Answer:
    return line.ringback.request("POST", path, json=body, headers={"Idempotency-Key": key})


def ids_of(answers: list[Answer]) -> set[str]:
    """The ids that the successes tell; whatever is no success must be "still running"."""
    assert {answer.status for answer in answers} <= {200, 409}, answers
    refused = [answer.json["error"]["code"] for answer in answers if answer.status == 409]
    assert set(refused) <= {"IDEMPOTENCY_IN_PROGRESS"}
    return {answer.json["id"] for answer in answers if answer.status == 200}


def test_idem_race(line: Line) -> None:
    """Looking for the key and storing it are one step."""
    answers = together(*[partial(keyed, line, "/v1/messages", line.text("only once"))] * 16)
    assert len(ids_of(answers)) == 1
    assert line.phone.wait_for().body == "only once"
    until(lambda: line.messages()[0]["status"] == "delivered")
    assert len(line.messages()) == len(line.phone.inbox()) == 1


def test_idem_other_body(line: Line) -> None:
    """A key belongs to a request, not to an answer; what the JSON means decides, not how it is spelled."""
    first = keyed(line, "/v1/messages", line.text("a"))
    assert first.status == 200
    other = keyed(line, "/v1/messages", line.text("b"))
    assert (other.status, other.json["error"]["code"]) == (409, "IDEMPOTENCY_MISMATCH")
    assert keyed(line, "/v1/messages", line.text("a")).content == first.content
    spelled = json.dumps(dict(reversed(line.text("a").items())), indent=3)
    again = line.raw("POST", "/v1/messages", spelled.encode(), {"Idempotency-Key": "case"})
    assert again.content == first.content
    line.phone.wait_for("a")
    assert [message["body"] for message in line.messages()] == ["a"]


def test_idem_after_validation_error(line: Line) -> None:
    """A slip does nothing, so it keeps nothing: the corrected request goes through under the same key."""
    empty = {"number_id": line.number_id, "to_number": line.phone.number}
    assert keyed(line, "/v1/messages", empty).status == 422
    sent = keyed(line, "/v1/messages", line.text("now right"))
    assert sent.status == 200
    assert [message["id"] for message in line.messages()] == [sent.json["id"]]


def test_idem_buy_once(line: Line) -> None:
    """A client that gave up waiting and asks again buys nothing more."""
    before = line.ask("GET", "/v1/numbers?limit=1")["total"]
    ids = ids_of(together(*[partial(keyed, line, "/v1/numbers", {})] * 16))
    again = keyed(line, "/v1/numbers", {})
    assert (again.status, {again.json["id"]}) == (200, ids)
    assert line.ask("GET", "/v1/numbers?limit=1")["total"] == before + 1
