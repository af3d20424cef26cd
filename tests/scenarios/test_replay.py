"""Telling an endpoint again of events that are past."""

import pytest

from ringback.flows import replay_events
from ringback.testing import Clock, Handsets, Ringback, WebhookInbox
from tests.phones import until
from tests.scenarios.lines import Line
from tests.storage import recount
from tests.switchboard import Exchange

pytestmark = pytest.mark.scenario
REPLAY = "/v1/events/replay"


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def newest(line: Line) -> int:
    return int(line.ask("GET", "/v1/events?limit=1")["newest"])


def hook(line: Line, inbox: WebhookInbox, path: str = "/v1/webhooks", **extras: object) -> None:
    inbox.secret = line.ask("POST", path, {"url": inbox.url, "ringback": extras})["secret"]


def test_texts_of_before_are_told_as_webhooks_tell_them(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    heard = [line.hear(f"Text {n}") for n in range(3)]
    line.send("Not asked for")
    hook(line, webhook_inbox)
    heard.append(line.hear("The last, told at once"))
    first = webhook_inbox.wait_for(event="agent.message")
    until_ = newest(line)
    done = line.ask("POST", REPLAY, {"webhook": "project", "after": 0})
    assert (done["planned"], done["hasMore"]) == (4, False)
    assert done["nextAfter"] >= until_
    clock.advance(seconds=1)
    told = webhook_inbox.received[1:]
    assert sorted(one.body["data"]["id"] for one in told) == sorted(one["id"] for one in heard)
    assert len({first.id, *[one.id for one in told]}) == 5
    again = next(one for one in told if one.body["data"]["id"] == heard[-1]["id"])
    assert again.raw == first.raw
    assert all(one.body["agentId"] == line.agent_id for one in told)
    replayed = line.ask("GET", "/v1/events?types=event.replayed")["data"]
    originals = line.ask("GET", "/v1/events?types=message.received")["data"]
    assert [one["data"]["eventSeq"] for one in replayed] == [one["seq"] for one in originals]
    assert {one["agentId"] for one in replayed} == {line.agent_id}
    listed = line.ask("GET", "/v1/webhooks/deliveries")
    assert (listed["total"], {one["status"] for one in listed["data"]}) == (5, {"delivered"})


def test_what_it_asked_for_in_its_order_and_a_range_of_it(
    line: Line, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    line.hear("Before")
    after = newest(line)
    for n in range(4):
        line.send(f"Text {n}")
        clock.advance(seconds=1)
    until_ = newest(line)
    line.send("Behind")
    clock.advance(seconds=1)
    hook(line, webhook_inbox, events=["message.sent", "message.delivered"], ordered=True)
    body = {"webhook": "project", "after": after, "until": until_}
    assert line.ask("POST", REPLAY, body) == {"planned": 8, "hasMore": False, "nextAfter": until_}
    clock.advance(seconds=1)
    assert [one.event for one in webhook_inbox.received] == ["message.sent", "message.delivered"] * 4
    only = {**body, "types": ["message.delivered"]}
    assert line.ask("POST", REPLAY, only)["planned"] == 4
    clock.advance(seconds=1)
    assert [one.event for one in webhook_inbox.received[8:]] == ["message.delivered"] * 4
    assert line.ask("POST", REPLAY, {**body, "until": after})["planned"] == 0
    refused = line.refused(
        "POST", REPLAY, 422, field="types.1", body={**only, "types": ["message.sent", "message.failed"]}
    )
    assert "message.received and call.ended and message.sent and message.delivered only" in refused["message"]
    for nothing in ("", "message", "x" * 4_000, "*"):
        line.refused("POST", REPLAY, 422, field="types.0", body={**only, "types": [nothing]})
    line.refused("POST", REPLAY, 422, field="types.0", body={**only, "types": ["contact.*"]})
    for wrong in ({**body, "after": -1}, {**body, "after": 10_000}, {"webhook": "project"}):
        line.refused("POST", REPLAY, 422, body=wrong)


def test_each_endpoint_gets_its_own(line: Line, webhook_inbox: WebhookInbox, clock: Clock) -> None:
    """Two programs must not answer one text because somebody replayed."""
    other = line.ask("POST", "/v1/agents", {"name": "Bo"})["id"]
    line.hear("For Ada")
    line.ask("POST", f"/v1/agents/{other}/numbers", {"numberId": line.number_id})
    mine = line.hear("For Bo")
    line.refused("POST", REPLAY, 404, body={"webhook": "project", "after": 0})
    line.refused("POST", REPLAY, 404, body={"webhook": other, "after": 0})
    line.refused("POST", REPLAY, 404, body={"webhook": "agt_nobody", "after": 0})
    hook(line, webhook_inbox, f"/v1/agents/{other}/webhook")
    with WebhookInbox() as project:
        hook(line, project)
        assert line.ask("POST", REPLAY, {"webhook": other, "after": 0})["planned"] == 1
        assert line.ask("POST", REPLAY, {"webhook": "project", "after": 0})["planned"] == 1
        assert webhook_inbox.wait_for().body["data"]["id"] == mine["id"]
        assert project.wait_for().body["data"]["message"] == "For Ada"
        clock.advance(seconds=1)
        assert (len(webhook_inbox.received), len(project.received)) == (1, 1)


def test_once_by_its_key_and_bounded(
    line: Line, ringback: Ringback, webhook_inbox: WebhookInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_events, "MOST", 2)
    for n in range(5):
        line.hear(f"Text {n}")
    hook(line, webhook_inbox)
    counts, after, more = [], 0, True
    while more:
        asked = {"webhook": "project", "after": after, "until": newest(line)}
        key = {"Idempotency-Key": f"replay {after}"}
        first = ringback.request("POST", REPLAY, json=asked, headers=key)
        assert ringback.request("POST", REPLAY, json=asked, headers=key).content == first.content
        counts.append(first.json["planned"])
        after, more = first.json["nextAfter"], first.json["hasMore"]
    assert counts == [2, 2, 1]
    webhook_inbox.wait_for(count=5)
    until(lambda: line.ask("GET", "/v1/webhooks/deliveries/all-time")["success"] == 5)


def test_counters_are_what_the_rows_say(
    line: Line, ringback: Ringback, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    from sqlalchemy import select

    from ringback.storage import schema
    from ringback.storage.statements import Statement

    heard = line.hear("For Ada")
    other = line.ask("POST", "/v1/agents", {"name": "Bo"})["id"]
    line.ask("POST", f"/v1/agents/{other}/numbers", {"numberId": line.number_id})
    hook(line, webhook_inbox)
    line.ask("POST", REPLAY, {"webhook": "project", "after": 0})
    clock.advance(seconds=1)

    def rows(table: object) -> list[dict[str, object]]:
        found: list[dict[str, object]] = ringback.on_loop(
            ringback.server.store.read(lambda db: db.all(Statement(select(table))))  # type: ignore[call-overload]
        )
        return found

    counted = recount.counted(rows(schema.messages), rows(schema.deliveries), {heard["id"]: line.agent_id})
    for table in recount.TABLES:
        assert recount.kept(table, rows(table)) == counted[table]


def test_the_end_of_a_call_is_told_again_and_its_turns_are_not(
    line: Line, ringback: Ringback, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    exchange = Exchange(ringback)
    hook(line, webhook_inbox)
    call_id = exchange.ring(line.number, "+14155550142")["call_id"]
    exchange.tell(call_id, "answered", at=0)
    exchange.say(call_id, "user", "Is it ready?")
    exchange.tell(call_id, "hook", turn_id="t1", http_status=200, error=None, ms=12)
    exchange.say(call_id, "agent", "It is.")
    exchange.tell(call_id, "ended", at=2_000, reason="user_hangup")
    first = webhook_inbox.wait_for(event="agent.call_ended")
    line.hear("A text")
    webhook_inbox.wait_for(event="agent.message")
    before = line.ask("GET", "/v1/usage")["stats"]["totalWebhookDeliveries"]
    assert line.ask("POST", REPLAY, {"webhook": "project", "after": 0})["planned"] == 2
    assert line.ask("GET", "/v1/usage")["stats"]["totalWebhookDeliveries"] == before + 2
    ended = {"webhook": "project", "after": 0, "types": ["call.ended"]}
    assert line.ask("POST", REPLAY, ended)["planned"] == 1
    clock.advance(seconds=1)
    told = [one for one in webhook_inbox.received if one.event == "agent.call_ended"]
    assert len({one.id for one in told}) == len(told) == 3
    assert [one.body["data"] for one in told] == [first.body["data"]] * 3
    assert [said["content"] for said in first.body["data"]["transcript"]] == ["Is it ready?", "It is."]
    assert len([one for one in webhook_inbox.received if one.body["channel"] == "voice"]) == 3
    line.refused("POST", REPLAY, 422, field="types.0", body={**ended, "types": ["call.turn"]})


def test_an_endpoint_that_is_off_is_told_nothing(
    line: Line, ringback: Ringback, webhook_inbox: WebhookInbox
) -> None:
    from ringback.storage.schema import webhooks

    hook(line, webhook_inbox)
    account = ringback.on_loop(ringback.server.keys.find(ringback.api_key))
    assert account is not None

    def off(tx: object) -> None:
        row = tx.get(webhooks, account.account_id, "")  # type: ignore[attr-defined]
        tx.update(webhooks, row, status="disabled", disabled_at=1)  # type: ignore[attr-defined]

    ringback.on_loop(ringback.server.store.write(off, account=account.account_id))
    error = line.refused("POST", REPLAY, 409, body={"webhook": "project", "after": 0})
    assert error["code"] == "WEBHOOK_DISABLED"
