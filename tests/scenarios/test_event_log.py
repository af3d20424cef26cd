"""The event log as a customer reads it: every change once, in order, waited for, streamed, filtered, and forgotten."""

import itertools
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from ringback.doors.rest.endpoints import events as door
from ringback.events import jobs
from ringback.events import store as log
from ringback.events.log import record
from ringback.kit.database_faults import DatabaseUnavailable
from ringback.storage.tx import Tx
from ringback.testing import Clock, Handsets, Network, Ringback, WebhookInbox
from tests.phones import until
from tests.scenarios.events import Event, Stream
from tests.scenarios.lines import Line

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]
LOG = "/v1/events"


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def read(line: Line, query: str = "") -> list[Event]:
    found: list[Event] = line.ask("GET", f"{LOG}?limit=1000{query}")["data"]
    return found


def newest(line: Line) -> int:
    return int(line.ask("GET", f"{LOG}?limit=1")["newest"])


def types_since(line: Line, after: int) -> list[str]:
    return [event["type"] for event in read(line, f"&after={after}")]


def account_of(ringback: Ringback) -> str:
    known = ringback.on_loop(ringback.server.keys.find(ringback.api_key))
    assert known is not None
    return known.account_id


def write_many(ringback: Ringback, count: int) -> None:
    """That many events in one unit."""
    account_id = account_of(ringback)

    def unit(tx: Tx) -> None:
        for n in range(count):
            record(tx, account_id, "agent.updated", agentId=f"agt_{n}")

    ringback.on_loop(ringback.server.store.write(unit, account=account_id))


# --- what is an event


def test_every_change_is_an_event(
    line: Line, handset: Handsets, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    ask, agent, number = line.ask, line.agent_id, line.number_id
    of_agent = f"/v1/agents/{agent}"
    assert [(one["type"], one["agentId"]) for one in read(line)] == [
        ("key.created", None),
        ("agent.created", agent),
        ("number.bought", None),
        ("number.attached", agent),
    ]

    seen = newest(line)

    def happened(*wanted: tuple[str, dict[str, Any]], of: str | None = agent) -> None:
        """Just these events have come since the last look, and all concern the agent."""
        nonlocal seen
        clock.advance(seconds=1)
        came = read(line, f"&after={seen}")
        assert [(one["type"], one["data"]) for one in came] == list(wanted)
        assert {one["agentId"] for one in came} == {of}
        assert all(one["version"] == 1 and one["requestId"].startswith("req_") for one in came)
        seen = came[-1]["seq"]

    sent = line.send("Hello")
    conversation = {"conversationId": sent["conversation_id"]}
    text = {"messageId": sent["id"], **conversation, "numberId": number}
    happened(
        ("conversation.created", {**conversation, "numberId": number}),
        ("message.queued", text),
        ("message.sent", {**text, "errorCode": None}),
        ("message.delivered", {**text, "errorCode": None}),
    )
    ask("PATCH", f"/v1/conversations/{sent['conversation_id']}", {"metadata": {"a": 1}})
    happened(("conversation.updated", conversation))

    stop = line.hear("Stop")
    confirmed = line.messages()[0]
    opted = {"numberId": number, "participant": line.phone.number}
    about = {"messageId": confirmed["id"], **conversation, "numberId": number}
    happened(
        ("message.received", {**text, "messageId": stop["id"]}),
        ("opt_out.recorded", opted),
        ("message.queued", about),
        ("message.sent", {**about, "errorCode": None}),
        ("message.delivered", {**about, "errorCode": None}),
    )
    line.hear("START")
    clock.advance(seconds=1)
    assert "opt_out.lifted" in types_since(line, seen)
    seen = newest(line)
    failed = line.send("Nobody there", handset(personality="blocks-you").number)
    clock.advance(seconds=1)
    last = read(line, f"&after={seen}")[-1]
    assert (last["type"], last["data"]["errorCode"]) == ("message.failed", "30004")
    assert last["data"]["messageId"] == failed["id"]
    seen = newest(line)

    hook = ask("POST", f"{of_agent}/webhook", {"url": webhook_inbox.url})
    endpoint = {"webhookId": hook["id"], "agentId": agent}
    happened(("webhook.set", endpoint))
    ask("POST", f"{of_agent}/webhook/rotate-secret")
    happened(("webhook.secret_rotated", endpoint))
    heard = line.hear("Are you there?")
    clock.advance(seconds=1)
    delivery = ask("GET", f"{of_agent}/webhook/deliveries")[0]["id"]
    told = {"deliveryId": delivery, "messageId": heard["id"], "callId": None}
    happened(("message.received", {**text, "messageId": heard["id"]}), ("webhook.delivered", told))
    webhook_inbox.answer(status=500)
    ask("POST", f"/v1/webhooks/deliveries/{delivery}/redeliver")
    clock.advance(hours=4)
    happened(("webhook.redelivered", {**told, "before": "delivered"}), ("webhook.failed", told))
    ask("DELETE", f"{of_agent}/webhook")
    happened(("webhook.deleted", endpoint))

    other = ask("POST", "/v1/agents", {"name": "Bo"})["id"]
    seen = newest(line)
    ask("POST", f"/v1/agents/{other}/numbers", {"numberId": number})
    moved = read(line, f"&after={seen}")
    assert [(one["type"], one["agentId"]) for one in moved] == [
        ("number.detached", agent),
        ("number.attached", other),
    ]
    seen = newest(line)
    ask("PATCH", of_agent, {"name": "Adam"})
    ask("DELETE", of_agent)
    happened(("agent.updated", {"agentId": agent}), ("agent.deleted", {"agentId": agent}))
    ask("POST", f"/v1/agents/{other}/webhook", {"url": webhook_inbox.url})
    seen = newest(line)
    ask("DELETE", f"/v1/agents/{other}")
    assert types_since(line, seen) == ["number.detached", "webhook.deleted", "agent.deleted"]

    seen = newest(line)
    contact = ask("POST", "/v1/contacts", {"phoneNumber": "+14155550144", "name": "C"}, 201)["id"]
    ask("PATCH", f"/v1/contacts/{contact}", {"name": "D"})
    ask("DELETE", f"/v1/contacts/{contact}", status=204)
    same = {"contactId": contact}
    happened(("contact.created", same), ("contact.updated", same), ("contact.deleted", same), of=None)
    sub = ask("POST", "/v1/sub-accounts", {"name": "S"})["id"]
    ask("PATCH", f"/v1/sub-accounts/{sub}", {"name": "T"})
    ask("DELETE", f"/v1/sub-accounts/{sub}")
    same = {"subAccountId": sub}
    happened(
        ("sub_account.created", same), ("sub_account.updated", same), ("sub_account.deleted", same), of=None
    )


def test_how_a_number_left(line: Line, clock: Clock, network: Network) -> None:
    soon = (clock.now + timedelta(hours=1)).isoformat()
    expiring = line.ask("POST", "/v1/numbers", {"expiresAt": soon, "agentId": line.agent_id})
    line.ask("DELETE", f"/v1/numbers/{line.number_id}")
    taken = line.ask("POST", "/v1/numbers", {"agentId": line.agent_id})
    network.fault("number-reclaimed", number=taken["phoneNumber"])
    clock.advance(hours=2)
    left = until(
        lambda: (
            read(line, "&types=number.released") if len(read(line, "&types=number.released")) == 3 else None
        )
    )
    assert {(one["data"]["phoneNumber"], one["data"]["reason"]) for one in left} == {
        (line.number, "asked"),
        (expiring["phoneNumber"], "expired"),
        (taken["phoneNumber"], "reclaimed"),
    }
    assert {one["agentId"] for one in left} == {line.agent_id}


def test_keys_are_told_of_and_no_secret(ringback: Ringback, line: Line) -> None:
    book = ringback.server.book
    account_id = account_of(ringback)
    made = ringback.on_loop(book.create_key("spare", None, account_id=account_id))
    ringback.on_loop(book.revoke_key(made.id))
    ringback.on_loop(book.revoke_key(made.id))
    told = [one for one in read(line, "&types=key.*") if one["data"]["keyId"] == made.id]
    assert [one["type"] for one in told] == ["key.created", "key.revoked"]
    line.ask("POST", "/v1/webhooks", {"url": "http://127.0.0.1:9/"})
    raw = ringback.request("GET", f"{LOG}?limit=1000").content
    assert b"sk_live" not in raw
    assert b"whsec_" not in raw
    assert made.key.encode() not in raw


def test_what_is_refused_is_no_event(line: Line) -> None:
    before = newest(line)
    line.refused("POST", "/v1/messages", 422, body=line.text(""))
    line.refused("DELETE", "/v1/webhooks", 404)
    line.refused("POST", f"/v1/agents/{line.agent_id}/numbers", 404, body={"numberId": "num_x"})
    assert newest(line) == before


# --- reading


def test_pages_go_through_all_of_it(line: Line, ringback: Ringback) -> None:
    write_many(ringback, 25)
    whole = read(line)
    assert [one["seq"] for one in whole] == list(range(1, len(whole) + 1))
    walked: list[Event] = []
    page = line.ask("GET", f"{LOG}?limit=7")
    while True:
        walked += page["data"]
        assert page["newest"] == whole[-1]["seq"]
        if not page["hasMore"]:
            break
        assert page["nextAfter"] == walked[-1]["seq"]
        page = line.ask("GET", f"{LOG}?limit=7&after={page['nextAfter']}")
    assert walked == whole


def test_filters(line: Line, ringback: Ringback) -> None:
    write_many(ringback, 5)
    sent = line.send("Hello")
    until(lambda: "message.delivered" in types_since(line, 0))
    told = read(line, "&types=message.*")
    assert [one["type"] for one in told] == ["message.queued", "message.sent", "message.delivered"]
    assert {one["data"]["messageId"] for one in told} == {sent["id"]}
    assert read(line, "&types=message.sent,message.delivered") == told[1:]
    assert read(line, "&types=message.sent&types=message.delivered") == told[1:]
    assert {one["type"] for one in read(line, "&types=agent.*")} == {"agent.created", "agent.updated"}
    mine = read(line, f"&agentId={line.agent_id}")
    assert {one["agentId"] for one in mine} == {line.agent_id}
    assert [one for one in read(line) if one["agentId"] == line.agent_id] == mine
    assert read(line, f"&agentId={line.agent_id}&types=message.*") == told
    assert read(line, "&agentId=agt_nobody") == []
    assert read(line, "&agentId=&types=&after=&wait=") == read(line)


def test_a_look_is_bounded_and_moves_on_where_nothing_is_wanted(
    line: Line, ringback: Ringback, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_many(ringback, 40)
    line.send("Hello")
    monkeypatch.setattr(log, "SCAN", 10)
    after, looks = 0, 0
    while True:
        page = line.ask("GET", f"{LOG}?types=message.queued&after={after}&wait=20")
        looks += 1
        if page["data"]:
            break
        assert page["hasMore"]
        assert page["nextAfter"] == after + 10
        after = page["nextAfter"]
    assert looks == 5


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("after=1000", "after", "the newest event is"),
        ("after=-1", "after", ""),
        ("after=x", "after", ""),
        ("types=message", "types", "no event has the type"),
        ("types=message.sent,%20,", "types", "no event has the type"),
        ("types=nothing.*", "types", "no event has the type"),
        ("types=*", "types", "no event has the type"),
        ("limit=0", "limit", ""),
        ("limit=1001", "limit", ""),
        ("wait=61", "wait", ""),
        ("wait=nan", "wait", ""),
    ],
)
def test_wrong_questions(line: Line, query: str, field: str, words: str) -> None:
    assert words in line.refused("GET", f"{LOG}?{query}", 422, field=field)["message"]
    if field not in ("limit", "wait"):
        line.refused("GET", f"{LOG}/stream?{query}", 422, field=field)


def test_a_stream_is_not_begun_from_no_place(ringback: Ringback, line: Line) -> None:
    for value in ("x", "-1", "1" * 16, "99999"):
        with Stream(ringback, Last_Event_ID=value) as stream:
            assert stream.answer.status == 422, value


# --- waiting


def test_a_poll_waits_for_what_is_wanted(line: Line, ringback: Ringback) -> None:
    after = newest(line)
    begun = time.monotonic()
    page = line.ask("GET", f"{LOG}?after={after}&wait=0.5")
    assert page == {"data": [], "hasMore": False, "nextAfter": after, "newest": after}
    assert 0.5 <= time.monotonic() - begun < 5
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(line.ask, "GET", f"{LOG}?after={after}&types=contact.*&wait=30")
        time.sleep(0.2)
        line.ask("PATCH", f"/v1/agents/{line.agent_id}", {"name": "B"})
        time.sleep(0.2)
        assert not waiting.done()
        begun = time.monotonic()
        line.ask("POST", "/v1/contacts", {"phoneNumber": "+14155550144", "name": "C"}, 201)
        page = waiting.result()
        assert time.monotonic() - begun < 1.5, "it was not woken"
    assert [one["type"] for one in page["data"]] == ["contact.created"]
    assert page["nextAfter"] == page["newest"] == after + 2


def test_the_server_stops_without_waiting_for_readers(ringback: Ringback, line: Line) -> None:
    after = newest(line)
    with ThreadPoolExecutor(2) as pool, Stream(ringback) as stream:
        waiting = pool.submit(line.ask, "GET", f"{LOG}?after={after}&wait=60")
        streamed = pool.submit(list, stream.events())
        time.sleep(0.3)
        begun = time.monotonic()
        ringback.on_loop(_soon(ringback.server.end_waits))
        assert waiting.result(5)["data"] == []
        assert streamed.result(5) == []
        assert time.monotonic() - begun < 3


async def _soon(what: Any) -> None:
    what()


# --- streaming


def test_a_stream_begins_now_or_where_it_is_told(ringback: Ringback, line: Line) -> None:
    whole = read(line)
    with Stream(ringback) as stream:
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        line.ask("PATCH", f"/v1/agents/{line.agent_id}", {"name": "B"})
        assert stream.next()["seq"] == whole[-1]["seq"] + 1
    for query, header, first in (("?after=0", "", 1), ("?after=1", "2", 3), ("", "0", 1)):
        with Stream(ringback, query, Last_Event_ID=header) as stream:
            assert stream.next() == whole[first - 1]
    with Stream(ringback, "?after=0&types=number.*") as stream:
        found = list(itertools.islice(stream.events(), 2))
    assert [one["type"] for one in found] == ["number.bought", "number.attached"]


def test_a_reader_that_is_cut_off_again_and_again_misses_nothing(ringback: Ringback, line: Line) -> None:
    """Eight writers at once; the reader loses its connection after some events each time, and resumes."""
    start, dice = newest(line), random.Random(5)
    writers = 8

    def write(n: int) -> None:
        for k in range(12):
            line.send(f"{n} {k}", f"+1415555{n:02}{k:02}")

    seen: list[Event] = []
    with ThreadPoolExecutor(writers) as pool:
        done = [pool.submit(write, n) for n in range(writers)]
        place = str(start)
        # conversation.created, message.queued, message.sent and message.delivered of each
        while len(seen) < writers * 12 * 4:
            with Stream(ringback, Last_Event_ID=place) as stream:
                for event in itertools.islice(stream.events(), dice.randrange(1, 40)):
                    seen.append(event)
                    if len(seen) == writers * 12 * 4:
                        break
                place = stream.id
        for each in done:
            each.result()
    assert [one["seq"] for one in seen] == list(range(start + 1, start + 1 + len(seen)))
    assert seen == read(line, f"&after={start}")


def test_a_heartbeat_moves_the_place_to_resume_from(
    ringback: Ringback, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "HEARTBEAT_S", 0.3)
    after = newest(line)
    with Stream(ringback, f"?after={after}&types=contact.*") as stream:
        lines = iter(lambda: stream.answer.readline(), b"")
        line.ask("PATCH", f"/v1/agents/{line.agent_id}", {"name": "B"})
        wanted = f"id: {after + 1}\n".encode()
        assert wanted in itertools.islice(lines, 40)


@pytest.mark.parametrize("how", ["key", "account"])
def test_a_stream_ends_with_the_right_to_read_it(
    ringback: Ringback, line: Line, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "HEARTBEAT_S", 0.3)
    sub = line.ask("POST", "/v1/sub-accounts", {"name": "S"})["id"]
    key = ringback.on_loop(ringback.server.book.create_key("own", None, account_id=sub)).key
    theirs = {"Authorization": f"Bearer {key}"} if how == "key" else {"X_Sub_Account_Id": sub}
    with Stream(ringback, "?after=0", **theirs) as stream:
        assert stream.next()["type"] == "key.created"
        if how == "key":
            ringback.revoke_key(key)
        else:
            line.ask("DELETE", f"/v1/sub-accounts/{sub}")
        list(stream.events())


def test_a_stream_ends_when_the_store_is_away(
    ringback: Ringback, line: Line, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise DatabaseUnavailable("the database is away")

    monkeypatch.setattr(ringback.server.waits, "read", away)
    with Stream(ringback, "?after=0") as stream:
        assert stream.answer.status == 200
        assert list(stream.events()) == []
    assert "Traceback" not in caplog.text


def test_a_client_that_does_not_read_makes_the_server_hold_little(
    ringback: Ringback, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_many(ringback, 60_000)
    feed, reads = ringback.server.waits, itertools.count(1)
    real, most = feed.read, 0

    async def counted(*args: Any, **more: Any) -> Any:
        nonlocal most
        most = next(reads)
        return await real(*args, **more)

    monkeypatch.setattr(ringback.server.waits, "read", counted)
    host, port = ringback.base_url.removeprefix("http://").split(":")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect((host, int(port)))
        client.sendall(
            f"GET {LOG}/stream?after=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ringback.api_key}\r\n\r\n".encode()
        )
        seen = -1
        while seen != most:
            seen = most
            time.sleep(0.5)
        assert 0 < most < 300, "600 would be all"


# --- whose


def test_each_account_has_a_log_of_its_own(ringback: Ringback, line: Line) -> None:
    sub = line.ask("POST", "/v1/sub-accounts", {"name": "S"})["id"]
    own = {"X-Sub-Account-Id": sub}
    assert ringback.request("GET", LOG, headers=own).json == {
        "data": [],
        "hasMore": False,
        "nextAfter": 0,
        "newest": 0,
    }
    agent = ringback.request("POST", "/v1/agents", json={"name": "S"}, headers=own).json["id"]
    [event] = ringback.request("GET", LOG, headers=own).json["data"]
    assert (event["seq"], event["type"], event["agentId"]) == (1, "agent.created", agent)
    assert all(one["agentId"] != agent for one in read(line))
    stranger = ringback.new_account()
    told = ringback.request("GET", LOG, api_key=stranger).json
    assert [one["type"] for one in told["data"]] == ["key.created"]
    assert ringback.request("GET", LOG, api_key=stranger, headers=own).status == 404
    assert ringback.request("GET", LOG, api_key=None).status == 401
    assert ringback.request("GET", f"{LOG}/stream", api_key=None).status == 401


# --- forgetting


def test_what_is_older_than_the_setting_is_forgotten(
    line: Line, ringback: Ringback, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "STEP", 10)
    monkeypatch.setattr(jobs, "_PAUSE_S", 0)
    forget = ringback.server._prune_events
    write_many(ringback, 95)
    old = newest(line)
    clock.advance(days=29)
    line.send("Hello")
    until(lambda: "message.delivered" in types_since(line, old))
    kept = read(line, f"&after={old}")
    assert ringback.on_loop(forget()) == 0
    clock.advance(days=2)
    assert ringback.on_loop(forget()) == old
    assert ringback.on_loop(forget()) == 0
    assert read(line) == kept
    assert read(line, f"&after={old}") == kept
    for behind in (0, old - 1):
        error = line.refused("GET", f"{LOG}?after={behind}", 410)
        assert (error["code"], error["details"][0]["field"]) == ("EVENTS_EXPIRED", "after")
        assert f"after={old}" in error["message"]
        with Stream(ringback, Last_Event_ID=str(behind)) as stream:
            assert stream.answer.status == 410
    clock.advance(days=31)
    ringback.on_loop(forget())
    assert line.ask("GET", LOG) == {
        "data": [],
        "hasMore": False,
        "nextAfter": kept[-1]["seq"],
        "newest": kept[-1]["seq"],
    }
    line.ask("PATCH", f"/v1/agents/{line.agent_id}", {"name": "B"})
    assert [one["seq"] for one in read(line)] == [kept[-1]["seq"] + 1]


class TestForEver:
    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        return {"event_retention_days": 0}

    def test_nothing_is_forgotten(self, line: Line, ringback: Ringback, clock: Clock) -> None:
        whole = read(line)
        clock.advance(days=400)
        assert ringback.on_loop(ringback.server._prune_events()) == 0
        assert read(line) == whole
