"""Faults that others had, retold: walks and their edges."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from ringback.testing import Clock, Handsets, Ringback
from tests.phones import until
from tests.scenarios.lines import Line, together

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def walk(line: Line, path: str) -> list[str]:
    """The ids of a cursor list, two at a time, by id."""
    ids: list[str] = []
    page = line.ask("GET", f"{path}?limit=2")
    while True:
        ids += [message["id"] for message in page["data"]]
        if not page["hasMore"]:
            return ids
        page = line.ask("GET", f"{path}?limit=2&before={ids[-1]}")


def test_page_equal_times_by_id(line: Line, clock: Clock) -> None:
    clock.freeze()
    together(*[partial(line.phone.text, line.number, f"m{n}") for n in range(5)])
    until(lambda: len(line.messages()) == 5)
    clock.resume()
    conversation = line.messages()[0]["conversationId"]
    for path in (f"/v1/numbers/{line.number_id}/messages", f"/v1/conversations/{conversation}/messages"):
        ids = walk(line, path)
        assert len(ids) == len(set(ids)) == 5


def test_page_plus_in_query(line: Line) -> None:
    """RFC 3339 in a query, encoded or not: the instant or a refusal, never an unfiltered list."""
    line.hear("now")
    day = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    path = f"/v1/numbers/{line.number_id}/messages"
    for spelled in (f"{day}%2B00:00", f"{day}Z", f"{day}%2B14:00", f"{day.lower()}z"):
        assert line.ask("GET", f"{path}?before={spelled}")["data"] == [], spelled
    assert len(line.ask("GET", f"{path}?after={day}-12:00")["data"]) == 1
    bare = line.ringback.request("GET", f"{path}?before={day}+00:00")
    assert (bare.status == 200 and bare.json["data"] == []) or bare.status == 422


@pytest.mark.parametrize(
    "path", ["/v1/numbers", "/v1/agents", "/v1/conversations", "/v1/webhooks/deliveries"]
)
def test_page_huge_offset(line: Line, path: str) -> None:
    for offset in (2**63 - 1, 2**63, 99_999_999_999_999_999_999):
        answer = line.ringback.request("GET", f"{path}?offset={offset}")
        assert (answer.status == 200 and answer.json["data"] == []) or answer.status == 422, answer
    line.refused("GET", f"{path}?offset=-1", 422, field="offset")
    line.refused("GET", f"{path}?limit=1e2", 422, field="limit")
    line.refused("GET", f"{path}?limit=99999999999999999999", 422, field="limit")
    line.ask("GET", f"{path}?limit=")


@pytest.mark.parametrize("value", ["1700000000", "1700000000000", "0", "13_18", "1.5"])
def test_page_number_as_date(line: Line, value: str) -> None:
    for cursor in ("before", "after"):
        line.refused("GET", f"/v1/numbers/{line.number_id}/messages?{cursor}={value}", 422, field=cursor)
