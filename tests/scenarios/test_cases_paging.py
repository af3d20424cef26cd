"""Faults that others had, retold: walks and their edges."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from ringback.testing import Clock, Handsets, Ringback
from tests.phones import at, until
from tests.scenarios.lines import Line, together

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def walk(line: Line, path: str, by: str = "id") -> list[str]:
    """The ids of a cursor list, two at a time, by id or by time."""
    ids: list[str] = []
    page = line.ask("GET", f"{path}?limit=2")
    while True:
        ids += [message["id"] for message in page["data"]]
        if not page["hasMore"]:
            return ids
        page = line.ask("GET", f"{path}?limit=2&before={page['data'][-1][by]}")


def test_page_equal_times_by_id(line: Line, clock: Clock) -> None:
    clock.freeze()
    together(*[partial(line.phone.text, line.number, f"m{n}") for n in range(5)])
    until(lambda: len(line.messages()) == 5)
    clock.resume()
    conversation = line.messages()[0]["conversationId"]
    for path in (f"/v1/numbers/{line.number_id}/messages", f"/v1/conversations/{conversation}/messages"):
        for by in ("id", "receivedAt"):
            ids = walk(line, path, by)
            assert len(ids) == len(set(ids)) == 5
    ids = walk(line, f"/sim/v1/handsets/{line.phone.id}/messages")
    assert len(ids) == len(set(ids)) == 5


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/agents", "name"),
        ("/v1/numbers", ""),
        ("/v1/sub-accounts", "name"),
        ("/v1/contacts", "name"),
        ("/sim/v1/handsets", "name"),
    ],
)
def test_offsets_over_equal_times(line: Line, clock: Clock, path: str, name: str) -> None:
    """Rows of the same moment have an order all the same, so that pages neither repeat nor lose one."""
    clock.freeze()
    before = line.ask("GET", path)["total"]
    for n in range(5):
        body = {name: f"{n}"} if name else {}
        line.ringback.request("POST", path, json={**body, "phoneNumber": f"+1415555011{n}"})
    ids = [
        line.ask("GET", f"{path}?limit=1&offset={offset}")["data"][0]["id"] for offset in range(before + 5)
    ]
    assert len(set(ids)) == before + 5
    assert line.ask("GET", f"{path}?limit=100")["data"] == [
        line.ask("GET", f"{path}?limit=1&offset={offset}")["data"][0] for offset in range(before + 5)
    ]


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


LISTS = [
    "/v1/numbers",
    "/v1/agents",
    "/v1/conversations",
    "/v1/contacts",
    "/v1/sub-accounts",
    "/v1/agents/{agent_id}/conversations",
    "/v1/webhooks/deliveries",
    "/sim/v1/handsets",
    "/sim/v1/faults",
]


@pytest.mark.parametrize("path", LISTS)
def test_page_huge_offset(line: Line, path: str) -> None:
    path = path.format(agent_id=line.agent_id)
    for offset in (2**63 - 1, 2**63, 99_999_999_999_999_999_999, int("9" * 300)):
        answer = line.ringback.request("GET", f"{path}?offset={offset}&limit=1")
        assert (answer.status == 200 and answer.json["data"] == []) or answer.status == 422, answer
        if answer.status == 422:
            line.refused("GET", f"{path}?offset={offset}", 422, field="offset")
    line.refused("GET", f"{path}?offset=-1", 422, field="offset")
    line.refused("GET", f"{path}?limit=1e2", 422, field="limit")
    line.refused("GET", f"{path}?limit=99999999999999999999", 422, field="limit")
    line.ask("GET", f"{path}?limit=")
    line.ask("GET", f"{path}?offset=")


@pytest.mark.parametrize(
    "query",
    [
        "/v1/webhooks/deliveries?hours={}",
        "/v1/webhooks/deliveries/stats?hours={}",
        "/v1/agents/{agent_id}/webhook/deliveries?hours={}",
        "/v1/usage/daily?days={}",
        "/v1/usage/monthly?months={}",
        "/v1/conversations/{conversation_id}?message_limit={}",
    ],
)
def test_other_huge_integers(line: Line, query: str) -> None:
    conversation_id = line.hear("hi")["conversationId"]
    for value in (2**31, 2**63 - 1, 2**63, 99_999_999_999_999_999_999):
        path = query.replace("{}", str(value)).format(agent_id=line.agent_id, conversation_id=conversation_id)
        answer = line.ringback.request("GET", path)
        assert answer.status in (200, 422), (path, answer)
    number = {"areaCode": 99_999_999_999_999_999_999}
    line.refused("POST", "/v1/numbers", 422, field="areaCode", body=number)
    webhook = {"url": "http://127.0.0.1:9/", "contextLimit": 2**63}
    line.refused("POST", "/v1/webhooks", 422, field="contextLimit", body=webhook)
    fault = {"kind": "throttled", "count": 2**63}
    assert line.ringback.request("POST", "/sim/v1/faults", json=fault).status in (200, 422)
    clock = {"advanceSeconds": 2**63}
    assert line.ringback.request("POST", "/sim/v1/clock", json=clock).status in (400, 422)


@pytest.mark.parametrize(
    "value",
    ["1700000000", "1700000000000", "0", "13_18", "1.5", "1e9", "-1", "20261125", "2099-01-01",
     "2099-01-01T00:00:60Z", "2099-06-30T23:59:60Z",
     "2099-01-01T24:00:00Z", "2099-02-30T00:00:00Z"],
)  # fmt: skip
def test_page_number_as_date(line: Line, value: str) -> None:
    """A date-time is one as RFC 3339 has it; a number is none, so that nobody has to guess its unit."""
    conversation = line.hear("hi")["conversationId"]
    for path in (
        f"/v1/numbers/{line.number_id}/messages",
        f"/v1/conversations/{conversation}/messages",
        f"/sim/v1/handsets/{line.phone.id}/messages",
    ):
        for cursor in ("before", "after"):
            line.refused("GET", f"{path}?{cursor}={value}", 422, field=cursor)
    line.refused("POST", "/v1/numbers", 422, field="expiresAt", body={"expiresAt": value})
    line.refused("PATCH", f"/v1/numbers/{line.number_id}", 422, field="expiresAt", body={"expiresAt": value})
    line.refused("POST", "/sim/v1/clock", 422, field="advanceTo", body={"advanceTo": value})


NO_ZONES = (
    "Mars/Olympus", "..", "../../etc/passwd", "/UTC", "%2FUTC", "America/", "America", "__init__.py", "a" * 300, "%FF",
    "America/New_York%00", "america/new_york", "right/UTC", "UTC%20", "%2B02:00", "0", "null",
)  # fmt: skip


def test_page_bad_time_zone(line: Line) -> None:
    """Whatever is no time zone is told alike; nothing falls back to UTC."""
    for tz in NO_ZONES:
        for period in ("week", "month", "year"):
            line.refused("GET", f"/v1/usage/by-agent?period={period}&tz={tz}", 422, field="tz")


def test_page_good_time_zone(line: Line) -> None:
    for tz in ("", "UTC", "America/New_York", "Asia/Kathmandu", "Africa/Cairo", "Etc%2FGMT-14"):
        for period in ("week", "month", "year"):
            used = line.ask("GET", f"/v1/usage/by-agent?period={period}&tz={tz}")
            assert at(used["periodStart"]) <= datetime.now(UTC) < at(used["periodEnd"])
    assert line.ask("GET", "/v1/usage/by-agent?tz=") == line.ask("GET", "/v1/usage/by-agent?tz=UTC")


def test_page_month_on_the_31st(line: Line, clock: Clock) -> None:
    """Months are the calendar's, whatever day it is, and what was used stands in its own."""
    clock.freeze()
    days = [
        "2026-12-31T23:59:59.999Z",
        "2027-01-01T00:00:00Z",
        "2027-01-31T12:00:00Z",
        "2027-02-28T23:59:59.999Z",
    ]
    for day in days:
        clock.advance_to(day)
        line.send(day)
    clock.advance_to("2027-03-31T12:00:00Z")
    usage = line.ask("GET", "/v1/usage/monthly?months=6")
    assert [(point["month"], point["messages"]) for point in usage["data"]] == [
        ("2026-10", 0),
        ("2026-11", 0),
        ("2026-12", 1),
        ("2027-01", 2),
        ("2027-02", 1),
        ("2027-03", 0),
    ]
    month = line.ask("GET", "/v1/usage/by-agent?period=month")
    assert (month["periodStart"], month["periodEnd"]) == (
        "2027-03-01T00:00:00.000Z",
        "2027-04-01T00:00:00.000Z",
    )
    assert line.ask("GET", "/v1/usage")["periodStart"] == month["periodStart"]
    clock.advance_to("2028-02-29T12:00:00Z")
    leap = line.ask("GET", "/v1/usage/monthly?months=24")["data"]
    assert [leap[0]["month"], leap[12]["month"], leap[-1]["month"]] == ["2026-03", "2027-03", "2028-02"]
    assert len({point["month"] for point in leap}) == 24
    daily = [point["date"] for point in line.ask("GET", "/v1/usage/daily?days=365")["data"]]
    assert (daily[0], daily[-1], len(set(daily))) == ("2027-03-02", "2028-02-29", 365)
    year = line.ask("GET", "/v1/usage/by-agent?period=year&tz=Asia/Kathmandu")
    assert (year["periodStart"], year["periodEnd"]) == (
        "2027-12-31T18:15:00.000Z",
        "2028-12-31T18:15:00.000Z",
    )
