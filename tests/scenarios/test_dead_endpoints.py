"""Endpoints that fail for days, and the longer schedule that gives them three."""

from typing import Any

import pytest

from ringback.checkup import check_webhooks
from ringback.testing import Clock, Handsets, Ringback, WebhookInbox
from tests.phones import until
from tests.scenarios.lines import Line
from tests.scenarios.test_webhook_delivery import PROJECT, all_ended, events_of, listed

pytestmark = pytest.mark.scenario


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    return {"webhook_retry": "three-days"}


@pytest.fixture
def line(ringback: Ringback, handset: Handsets, clock: Clock) -> Line:
    clock.freeze()
    return Line(ringback, handset)


def check(line: Line) -> dict[str, Any]:
    [part] = line.ringback.on_loop(check_webhooks(line.ringback.server.store))
    return part


def test_three_days(line: Line, webhook_inbox: WebhookInbox, clock: Clock) -> None:
    line.ask("POST", PROJECT, {"url": webhook_inbox.url})
    webhook_inbox.answer(500)
    line.hear("x")
    until(lambda: listed(line)[0]["attemptCount"] == 1)
    clock.advance(hours=50)
    [one] = listed(line)
    assert (one["status"], one["attemptCount"] > 8) == ("pending", True)
    clock.advance(hours=40)
    [one] = listed(line)
    assert (one["status"], one["attemptCount"]) == ("failed", 15)
    assert len({(event.id, event.raw) for event in webhook_inbox.received}) == 1
    assert line.ask("GET", PROJECT)["status"] == "active", "three days are not five"


def test_an_endpoint_that_fails_for_five_days_is_switched_off(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    line.ask("POST", PROJECT, {"url": webhook_inbox.url})
    webhook_inbox.answer(500)
    assert check(line)["ok"]
    line.hear("one")
    until(lambda: listed(line)[0]["attemptCount"] == 1)
    since = line.ask("GET", PROJECT)["ringback"]["failingSince"]
    assert since is not None
    clock.advance(days=3)
    line.hear("two")
    until(lambda: listed(line)[-1]["attemptCount"])
    assert line.ask("GET", PROJECT)["ringback"]["failingSince"] == since
    clock.advance(days=2)
    clock.advance(hours=12)
    hook = line.ask("GET", PROJECT)
    assert hook["status"] == "disabled"
    assert hook["ringback"]["disabledAt"] is not None
    one, two = all_ended(line, 2)
    assert (one["status"], two["status"]) == ("failed", "failed")
    assert two["attemptCount"] < 15
    assert "switched off" in two["errorMessage"]
    assert events_of(line, "webhook.dis") == ["webhook.disabled"]
    assert not check(line)["ok"]
    assert hook["id"] in check(line)["line"]
    # What comes now is not lost: it is a dead letter.
    tried = len(webhook_inbox.received)
    line.hear("three")
    three = all_ended(line, 3)[-1]
    assert (three["status"], three["attemptCount"]) == ("failed", 0)
    assert len(webhook_inbox.received) == tried
    refused = line.refused("POST", f"{PROJECT}/deliveries/{three['id']}/redeliver", 409)
    assert refused["code"] == "WEBHOOK_DISABLED"
    everything = {"from": one["createdAt"]}
    assert line.ask("POST", f"{PROJECT}/redeliver", everything)["skipped"] == 3
    webhook_inbox.answer(200)
    tested = line.ask("POST", f"{PROJECT}/test")
    assert (tested["success"], tested["ringback"]["disabledAt"]) == (True, hook["ringback"]["disabledAt"])
    assert webhook_inbox.received[-1].body["test"] is True
    assert line.ask("GET", PROJECT) == hook, "a test switches nothing on"
    assert line.ask("POST", f"{PROJECT}/enable")["status"] == "active"
    assert line.ask("POST", f"{PROJECT}/test")["ringback"]["disabledAt"] is None
    assert check(line)["ok"]
    assert line.ask("POST", f"{PROJECT}/redeliver", everything)["count"] == 3
    assert [d["status"] for d in all_ended(line, 3)] == ["delivered"] * 3
    assert line.ask("GET", PROJECT)["ringback"]["failingSince"] is None
    stats = line.ask("GET", f"{PROJECT}/deliveries/all-time")
    assert (stats["total"], stats["success"], stats["failed"]) == (3, 3, 0)


def test_one_success_begins_the_five_days_anew(line: Line, webhook_inbox: WebhookInbox, clock: Clock) -> None:
    path = f"/v1/agents/{line.agent_id}/webhook"
    line.ask("POST", path, {"url": webhook_inbox.url})
    webhook_inbox.answer(500, times=1)
    line.hear("one")
    clock.advance(minutes=1)
    all_ended(line, 1)
    assert line.ask("GET", path)["ringback"]["failingSince"] is None
    clock.advance(days=6)
    webhook_inbox.answer(500)
    line.hear("two")
    until(lambda: listed(line)[-1]["attemptCount"])
    assert line.ask("GET", path)["status"] == "active"
    assert line.ask("POST", f"{path}/enable")["status"] == "active"


def test_silence_is_no_failure(line: Line, webhook_inbox: WebhookInbox, clock: Clock) -> None:
    """One failure, five quiet days, one failure: the endpoint stays on, and its time begins with the second."""
    line.ask("POST", PROJECT, {"url": webhook_inbox.url})
    webhook_inbox.answer(500, times=15)
    line.hear("one")
    clock.advance(days=4)
    all_ended(line, 1)
    before = line.ask("GET", PROJECT)["ringback"]["failingSince"]
    clock.advance(days=5)
    webhook_inbox.answer(500, times=1)
    line.hear("two")
    until(lambda: listed(line)[-1]["attemptCount"])
    hook = line.ask("GET", PROJECT)
    assert (hook["status"], hook["ringback"]["failingSince"] > before) == ("active", True)
    clock.advance(minutes=1)
    assert all_ended(line, 2)[-1]["status"] == "delivered"


def test_a_test_that_fails_begins_the_time_of_failures_and_switches_nothing_off(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    line.ask("POST", PROJECT, {"url": webhook_inbox.url})
    webhook_inbox.answer(500)
    tested = line.ask("POST", f"{PROJECT}/test")
    since = tested["ringback"]["failingSince"]
    assert (tested["success"], since) == (False, line.ask("GET", PROJECT)["ringback"]["failingSince"])
    assert since is not None
    for _ in range(7):
        clock.advance(hours=23)
        assert line.ask("POST", f"{PROJECT}/test")["ringback"]["failingSince"] == since
    assert line.ask("GET", PROJECT)["status"] == "active"
    webhook_inbox.answer(200)
    line.hear("one")
    assert line.ask("GET", PROJECT)["ringback"]["failingSince"] is None


@pytest.mark.parametrize("agents", [False, True])
def test_a_test_that_succeeds_ends_the_time_of_failures(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock, agents: bool
) -> None:
    path = f"/v1/agents/{line.agent_id}/webhook" if agents else PROJECT
    line.ask("POST", path, {"url": webhook_inbox.url})
    webhook_inbox.answer(500)
    line.hear("one")
    clock.advance(days=3)
    since = line.ask("GET", path)["ringback"]["failingSince"]
    tested = line.ask("POST", f"{path}/test")
    assert (tested["success"], tested["ringback"]["failingSince"]) == (False, since)
    webhook_inbox.answer(200)
    tested = line.ask("POST", f"{path}/test")
    assert (tested["success"], tested["ringback"]["failingSince"]) == (True, None)
    webhook_inbox.answer(500)
    line.hear("two")
    clock.advance(days=3)
    assert line.ask("GET", path)["status"] == "active"


def test_setting_it_again_switches_it_on_and_an_ordered_one_leaves_nothing_waiting(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    line.ask("POST", PROJECT, {"url": webhook_inbox.url, "ringback": {"ordered": True}})
    webhook_inbox.answer(500)
    for n in range(4):
        line.hear(f"text {n}")
    clock.advance(days=4)
    for n in range(4):
        line.hear(f"text {n}")
    clock.advance(days=2)
    assert line.ask("GET", PROJECT)["status"] == "disabled"
    assert {d["status"] for d in all_ended(line, 8)} == {"failed"}
    webhook_inbox.answer(200)
    assert line.ask("POST", PROJECT, {"url": webhook_inbox.url})["status"] == "active"
    line.hear("and on")
    assert all_ended(line, 9)[-1]["status"] == "delivered"
