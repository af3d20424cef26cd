"""Usage and statistics as they are told, against what the lists say; on both stores."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from ringback.testing import Clock, Handsets, Ringback, WebhookInbox
from tests.phones import at, until
from tests.postgres import databases, postgres_url
from tests.scenarios.lines import Line, together

__all__ = ["databases", "postgres_url"]
pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]

START = datetime(2031, 12, 30, 22, 53, 20, 1000, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def ringback_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "sqlite":
        return {}
    return {"database_url": request.getfixturevalue("postgres_url")}


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def all_messages(line: Line) -> list[Any]:
    found: list[Any] = []
    for number in line.ask("GET", "/v1/usage/by-number")["data"]:
        path = f"/v1/numbers/{number['numberId']}/messages?limit=200"
        page = line.ask("GET", path)
        found += page["data"]
        while page["hasMore"]:
            page = line.ask("GET", f"{path}&before={page['data'][-1]['id']}")
            found += page["data"]
    return found


def all_deliveries(line: Line) -> list[Any]:
    found: list[Any] = []
    more = True
    while more:
        page = line.ask("GET", f"/v1/webhooks/deliveries?limit=100&offset={len(found)}")
        found += page["items"]
        more = page["hasMore"]
    return found


def check(line: Line, now: datetime, agents: dict[str | None, int]) -> None:
    """All that is told, against the lists; `agents` tells how many texts each had."""
    messages, deliveries = all_messages(line), all_deliveries(line)
    statuses = Counter(delivery["status"] for delivery in deliveries)
    counts = {"total": len(deliveries), "success": statuses["delivered"], "failed": statuses["failed"]}

    usage = line.ask("GET", "/v1/usage")
    stats = usage["stats"]
    for name, days in (("messagesLast24h", 1), ("messagesLast7d", 7), ("messagesLast30d", 30)):
        since = now - timedelta(days=days)
        assert stats[name] == sum(at(message["receivedAt"]) >= since for message in messages), name
    assert stats["totalMessages"] == len(messages)
    assert [
        stats[name]
        for name in ("totalWebhookDeliveries", "successfulWebhookDeliveries", "failedWebhookDeliveries")
    ] == [*counts.values()]

    daily = line.ask("GET", "/v1/usage/daily?days=365")["data"]
    assert len(daily) == 365
    assert _told(daily, "date", "messages") == Counter(m["receivedAt"][:10] for m in messages)
    assert _told(daily, "date", "webhooks") == Counter(d["createdAt"][:10] for d in deliveries)
    monthly = line.ask("GET", "/v1/usage/monthly?months=24")["data"]
    assert len(monthly) == 24
    assert _told(monthly, "month", "messages") == Counter(m["receivedAt"][:7] for m in messages)
    assert _told(monthly, "month", "webhooks") == Counter(d["createdAt"][:7] for d in deliveries)

    by_number = line.ask("GET", "/v1/usage/by-number")["data"]
    for number in by_number:
        held = sum(number["phoneNumber"] in (m["from_"], m["to"]) for m in messages)
        assert number["messages"] == held, number
    by_agent = line.ask("GET", "/v1/usage/by-agent?period=year&tz=America/Los_Angeles")
    start, end = at(by_agent["periodStart"]), at(by_agent["periodEnd"])
    assert all(start <= at(message["receivedAt"]) < end for message in messages)
    assert {item["agentId"]: item["messages"] for item in by_agent["data"]} == agents

    for hours in (1, 2, 24, 1_000_000_000):
        told = line.ask("GET", f"/v1/webhooks/deliveries/stats?hours={hours}")
        since = now - timedelta(hours=min(hours, 100_000))
        inside = [d for d in deliveries if at(d["createdAt"]) >= since]
        became = Counter(delivery["status"] for delivery in inside)
        sums = {"total": len(inside), "success": became["delivered"], "failed": became["failed"]}
        assert {name: told[name] for name in sums} == sums
        assert told["pending"] == became["pending"]
        assert told["byEventType"] == ({"agent.message": sums} if inside else {})
        assert {hour["hour"][:13]: hour["total"] for hour in told["byHour"]} == Counter(
            d["createdAt"][:13] for d in inside
        )
        assert [hour["hour"] for hour in told["byHour"]] == sorted(hour["hour"] for hour in told["byHour"])
        for name in ("success", "failed"):
            assert sum(hour[name] for hour in told["byHour"]) == sums[name]
        listed = line.ask("GET", f"/v1/webhooks/deliveries?hours={hours}&limit=1")
        assert listed["total"] == len(inside)
    everything = line.ask("GET", "/v1/webhooks/deliveries/all-time")
    assert {name: everything[name] for name in counts} == counts


def _told(points: list[Any], key: str, name: str) -> Counter[str]:
    assert [point[key] for point in points] == sorted({point[key] for point in points})
    return Counter({point[key]: point[name] for point in points if point[name]})


def test_what_is_told_is_what_the_lists_say(
    line: Line, handset: Handsets, clock: Clock, webhook_inbox: WebhookInbox
) -> None:
    clock.freeze()
    clock.advance_to(START)
    people = [handset() for _ in range(3)]
    other_agent = line.ask("POST", "/v1/agents", {"name": "Ben"})["id"]
    other = line.ask("POST", "/v1/numbers", {"agentId": other_agent})
    line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})

    def everybody_texts(expected: int) -> None:
        before = len(all_messages(line))
        together(
            *[partial(person.text, line.number, "Hello") for person in people],
            *[partial(person.text, other["phoneNumber"], "é" * 71) for person in people],
            *[partial(line.send, "Hello yourself", person.number) for person in people],
        )
        until(lambda: len(all_messages(line)) == before + expected)

    everybody_texts(9)
    clock.advance(seconds=1)
    check(line, clock.now, {line.agent_id: 6, other_agent: 3})

    # Retries that go on over hours and the end of the year; an answer to STOP; a number that moves.
    webhook_inbox.answer(status=500)
    clock.advance(minutes=47)
    people[2].text(line.number, "STOP")
    until(lambda: len(all_messages(line)) == 11)
    people[2].wait_for()
    until(lambda: all_deliveries(line)[0]["attemptCount"] == 1)
    clock.advance(minutes=20, seconds=0.5)
    check(line, clock.now, {line.agent_id: 8, other_agent: 3})
    line.ask("POST", f"/v1/agents/{other_agent}/numbers", {"numberId": line.number_id})
    line.refused("POST", "/v1/messages", 403, body=line.text("still there?", people[2].number))
    people.pop()
    everybody_texts(6)
    clock.advance(seconds=1)
    check(line, clock.now, {line.agent_id: 8, other_agent: 9})

    # An endpoint that is deleted under its retries; an agent that is deleted; a number that is released.
    clock.advance(minutes=3)
    line.ask("DELETE", "/v1/webhooks")
    line.ask("DELETE", f"/v1/agents/{other_agent}")
    line.ask("DELETE", f"/v1/numbers/{other['id']}")
    clock.advance(hours=5)
    check(line, clock.now, {line.agent_id: 8, None: 9})
    assert {delivery["status"] for delivery in all_deliveries(line)} == {"delivered", "failed"}
    assert len(line.ask("GET", "/v1/usage/by-number")["data"]) == 2

    # Windows end to the millisecond.
    times = [at(message["receivedAt"]) for message in all_messages(line)]
    for since in (min(times), min(times) + timedelta(milliseconds=1)):
        now = clock.advance_to(since + timedelta(days=30))
        told = line.ask("GET", "/v1/usage")["stats"]["messagesLast30d"]
        assert told == sum(time >= now - timedelta(days=30) for time in times) > 0
    clock.advance(days=30)
    stats = line.ask("GET", "/v1/usage")["stats"]
    assert (stats["messagesLast30d"], stats["smsSegmentsLast30d"], stats["totalMessages"]) == (
        0,
        0,
        len(times),
    )


def test_texts_that_tie_at_the_last_moment_of_the_year_are_of_it(line: Line, clock: Clock) -> None:
    """Their times run ahead of a clock that stands; nothing that was sent is missing from what is told now."""
    clock.freeze()
    clock.advance_to(datetime(2031, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC))
    for n in range(3):
        line.send(f"text {n}")
    assert [message["receivedAt"][:4] for message in line.messages()] == ["2032", "2032", "2031"]

    def told() -> list[Any]:
        by_agent = [
            line.ask("GET", f"/v1/usage/by-agent?period={period}")["data"][0]["messages"]
            for period in ("week", "month", "year")
        ]
        daily = [point["messages"] for point in line.ask("GET", "/v1/usage/daily?days=2")["data"]]
        monthly = [point["messages"] for point in line.ask("GET", "/v1/usage/monthly?months=2")["data"]]
        stats = line.ask("GET", "/v1/usage")["stats"]
        return [by_agent, daily, monthly, stats["messagesLast24h"], stats["totalMessages"]]

    assert told() == [[3, 3, 3], [0, 3], [0, 3], 3, 3]
    clock.advance(seconds=0.001)
    assert told() == [[3, 2, 2], [1, 2], [1, 2], 3, 3], "each where its own time is"


def test_each_account_is_told_its_own(line: Line, handset: Handsets, webhook_inbox: WebhookInbox) -> None:
    """A sub-account's usage is neither its parent's nor its sibling's, nor a stranger's."""
    line.ask("POST", "/v1/webhooks", {"url": webhook_inbox.url})
    line.hear("Hello")
    until(lambda: line.ask("GET", "/v1/webhooks/deliveries/all-time")["success"] == 1)
    subs = [line.ask("POST", "/v1/sub-accounts", {"name": name})["id"] for name in ("one", "two")]
    stranger = line.ringback.new_account("stranger")

    def used(headers: dict[str, str] | None, key: str | None = None) -> list[Any]:
        answers = [
            line.ringback.request("GET", path, headers=headers, api_key=key or line.ringback.api_key).json
            for path in ("/v1/usage", "/v1/usage/by-number", "/v1/webhooks/deliveries/stats")
        ]
        return [answers[0]["stats"]["totalMessages"], len(answers[1]["data"]), answers[2]["total"]]

    inside = {"X-Sub-Account-Id": subs[0]}
    bought = line.ringback.request("POST", "/v1/numbers", json={}, headers=inside).json
    text = {"number_id": bought["id"], "to_number": line.phone.number, "body": "Hi"}
    for _ in range(2):
        assert line.ringback.request("POST", "/v1/messages", json=text, headers=inside).status == 200
    assert used(inside) == [2, 1, 0]
    assert used({"X-Sub-Account-Id": subs[1]}) == [0, 0, 0]
    assert used(None) == [1, 1, 1]
    assert used(None, stranger) == [0, 0, 0]
