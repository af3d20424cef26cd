"""The event log: everything in order, to be read, waited for, followed, and told again."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from ringback.testing import Clock, Handsets, Ringback
from tests.phones import until

pytestmark = pytest.mark.scenario


def read(ringback: Ringback, query: str = "", **more: Any) -> dict[str, Any]:
    answer = ringback.request("GET", f"/v1/events?{query}", **more)
    assert answer.status == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def types(found: dict[str, Any]) -> list[str]:
    return [event["type"] for event in found["data"]]


def send(ringback: Ringback, number_id: str, to: str, body: str) -> Any:
    asked = {"number_id": number_id, "to_number": to, "body": body}
    return ringback.request("POST", "/v1/messages", json=asked).json


def ask(ringback: Ringback, path: str, body: Any = None) -> Any:
    """As `request`, on a connection of its own: from another thread."""
    headers = {"Authorization": f"Bearer {ringback.api_key}", "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    with urlopen(Request(ringback.base_url + path, content, headers), timeout=40) as answer:
        return json.load(answer)


def test_what_happens_to_a_text_is_written_down(ringback: Ringback, handset: Handsets) -> None:
    start = read(ringback)["nextAfter"]
    agent = ringback.request("POST", "/v1/agents", json={"name": "Desk"}).json
    number = ringback.request("POST", "/v1/numbers", json={"agentId": agent["id"]}).json
    phone = handset()
    message = send(ringback, number["id"], phone.number, "one")
    phone.wait_for("one")
    phone.text(number["phoneNumber"], "STOP")
    until(lambda: any("opted out" in text.body for text in phone.inbox()))
    phone.text(number["phoneNumber"], "START")
    until(lambda: any("opted in" in text.body for text in phone.inbox()))
    ringback.request("DELETE", f"/v1/numbers/{number['id']}")
    last = {"number.released"}
    until(lambda: last <= {*types(read(ringback, f"after={start}"))})
    found = read(ringback, f"after={start}")
    assert [event["seq"] for event in found["data"]] == list(range(start + 1, start + 1 + len(found["data"])))
    assert {event["version"] for event in found["data"]} == {1}
    told = types(found)
    for type_ in (
        "agent.created", "number.bought", "number.attached", "conversation.created", "message.queued", "message.sent",
        "message.delivered", "message.received", "opt_out.recorded", "opt_out.lifted", "number.released",
    ):  # fmt: skip
        assert type_ in told, told
    mine = [event for event in found["data"] if event["data"].get("messageId") == message["id"]]
    assert [event["type"] for event in mine] == ["message.queued", "message.sent", "message.delivered"]
    assert {event["agentId"] for event in mine} == {agent["id"]}
    only = read(ringback, f"after={start}&types=opt_out.*,message.queued&agentId={agent['id']}")
    assert types(only)[:2] == ["message.queued", "opt_out.recorded"]
    assert only["nextAfter"] >= found["nextAfter"]


def test_pages_meet_every_event_once(ringback: Ringback) -> None:
    for n in range(25):
        ringback.request("POST", "/v1/contacts", json={"phoneNumber": f"+1415555{2000 + n}", "name": "x"})
    for filter_ in ("", "types=contact.created&"):
        seen: list[int] = []
        after, more = 0, True
        while more:
            page = read(ringback, f"{filter_}after={after}&limit=7")
            seen += [event["seq"] for event in page["data"] if event["type"] == "contact.created"]
            after, more = page["nextAfter"], page["hasMore"]
        assert len(seen) == len(set(seen)) == 25
        assert seen == sorted(seen)


def test_waiting(ringback: Ringback) -> None:
    after = read(ringback)["nextAfter"]
    found: list[Any] = []
    waiting = threading.Thread(
        target=lambda: found.append(ask(ringback, f"/v1/events?after={after}&wait=30&types=agent.*"))
    )
    waiting.start()
    ringback.request("POST", "/v1/contacts", json={"phoneNumber": "+14155550123", "name": "x"})
    ringback.request("POST", "/v1/agents", json={"name": "Desk"})
    waiting.join(10)
    assert types(found[0]) == ["agent.created"]
    assert read(ringback, f"after={found[0]['nextAfter']}&wait=0.2")["data"] == []


@contextmanager
def stream(ringback: Ringback, query: str = "", **headers: str) -> Iterator[HTTPResponse]:
    at = urlsplit(ringback.base_url)
    with closing(HTTPConnection(at.hostname or "", at.port, timeout=10)) as connection:
        connection.request(
            "GET",
            f"/v1/events/stream?{query}",
            headers={"Authorization": f"Bearer {ringback.api_key}", **headers},
        )
        with closing(connection.getresponse()) as answer:
            yield answer


def hear(answer: HTTPResponse, count: int) -> list[dict[str, Any]]:
    heard: list[dict[str, Any]] = []
    entry: dict[str, str] = {}
    while len(heard) < count:
        line = answer.readline().decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            entry[name] = value
        elif "data" in entry:
            told = json.loads(entry["data"])
            assert (entry["event"], entry["id"]) == (told["type"], str(told["seq"]))
            heard.append(told)
            entry = {}
    return heard


def test_a_stream_that_breaks_off_is_resumed_without_a_gap(ringback: Ringback) -> None:
    start = read(ringback)["nextAfter"]

    def write() -> None:
        for n in range(60):
            ask(ringback, "/v1/contacts", {"phoneNumber": f"+1415555{3000 + n}", "name": "x"})

    writing = threading.Thread(target=write)
    writing.start()
    seen: list[int] = []
    headers: dict[str, str] = {}
    while len(seen) < 60:
        with stream(ringback, f"after={start}", **headers) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            seen += [event["seq"] for event in hear(answer, min(17, 60 - len(seen)))]
        headers = {"Last-Event-ID": str(seen[-1])}
    writing.join()
    assert seen == list(range(start + 1, start + 61))


def test_a_stream_begins_now_and_ends_with_the_server(ringback: Ringback) -> None:
    ringback.request("POST", "/v1/agents", json={"name": "Before"})
    with stream(ringback, "types=agent.*") as answer:
        assert answer.readline() == b": connected\n"
        ringback.request("POST", "/v1/agents", json={"name": "After"})
        [event] = hear(answer, 1)
        assert event["seq"] == read(ringback)["nextAfter"]


def test_what_is_wrong_with_a_request(ringback: Ringback) -> None:
    for path, field in (
        ("?types=message.eaten", "types"),
        ("?types=fax.*", "types"),
        ("?after=-1", "after"),
        ("?wait=61", "wait"),
        ("?limit=0", "limit"),
    ):
        refused = ringback.request("GET", f"/v1/events{path}")
        assert (refused.status, refused.json["error"]["details"][0]["field"]) == (422, field)
    refused = ringback.request("GET", "/v1/events/stream", headers={"Last-Event-ID": "evt_1"})
    assert refused.json["error"]["details"][0]["field"] == "Last-Event-ID"
    assert (
        ringback.request("POST", "/v1/events/replay", json={"after": 0}).json["error"]["code"]
        == "WEBHOOK_NOT_FOUND"
    )
    assert read(ringback, "types=message.*,message.*")["data"] == []


def test_where_a_stream_is_resumed_is_the_headers_matter(ringback: Ringback) -> None:
    for told in ("1234567890123456", str(1 << 53), "9" * 30):
        refused = ringback.request("GET", "/v1/events/stream", headers={"Last-Event-ID": told})
        error = refused.json["error"]
        assert (refused.status, error["details"][0]["field"]) == (422, "Last-Event-ID")
        assert f"is {told}, and the newest event is" in error["message"]
        assert refused.json["detail"][0]["loc"] == ["header", "Last-Event-ID"]


def test_another_account_reads_its_own(ringback: Ringback) -> None:
    ringback.request("POST", "/v1/agents", json={"name": "Mine"})
    other = ringback.new_account()
    assert set(types(read(ringback, api_key=other))) <= {"key.created"}
    sub = ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}).json
    assert types(read(ringback, headers={"X-Sub-Account-Id": sub["id"]})) == []


def test_replay(ringback: Ringback, handset: Handsets, webhook_inbox: Any) -> None:
    """What came in before the endpoint was there is told to it, once for each asking with one key."""
    number = ringback.request("POST", "/v1/numbers", json={}).json
    phone = handset()
    start = read(ringback)["nextAfter"]
    for n in range(3):
        phone.text(number["phoneNumber"], f"missed {n}")
    until(lambda: types(read(ringback, f"after={start}")).count("message.received") == 3)
    webhook_inbox.secret = ringback.request("POST", "/v1/webhooks", json={"url": webhook_inbox.url}).json[
        "secret"
    ]
    asked = {"after": start, "types": ["message.*"]}
    for _ in range(2):
        done = ringback.request(
            "POST", "/v1/events/replay", json=asked, headers={"Idempotency-Key": "again"}
        ).json
        assert (done["planned"], done["hasMore"]) == (3, False)
    told = [webhook_inbox.wait_for() for _ in range(3)]
    assert sorted(event.body["data"]["message"] for event in told) == [f"missed {n}" for n in range(3)]
    assert types(read(ringback, f"after={start}&types=event.replayed")) == ["event.replayed"] * 3
    first = read(ringback, f"after={start}&types=message.received")["data"][0]["seq"]
    one = ringback.request("POST", "/v1/events/replay", json={"after": start, "until": first}).json
    assert one["planned"] == 1


def test_old_events_are_forgotten_and_it_is_said(ringback: Ringback, clock: Clock) -> None:
    ringback.request("POST", "/v1/agents", json={"name": "Old"})
    old = read(ringback)["nextAfter"]
    clock.advance(days=31)
    ringback.request("POST", "/v1/agents", json={"name": "New"})
    ringback.on_loop(ringback.server._prune_events())
    refused = ringback.request("GET", "/v1/events?after=0")
    assert (refused.status, refused.json["error"]["code"]) == (410, "EVENTS_EXPIRED")
    assert f"after={old}" in refused.json["error"]["message"]
    assert types(read(ringback, f"after={old}")) == ["agent.created"]
    with stream(ringback, "after=0") as answer:
        assert answer.status == 410
