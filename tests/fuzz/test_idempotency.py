"""`Idempotency-Key` on every POST of the document: one effect and one answer, whoever repeats what and when."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from ringback.calls import jobs
from ringback.flows import web_call
from ringback.storage.schema import metadata
from ringback.storage.statements import Statement
from ringback.testing import Clock, WebhookInbox
from tests.fuzz.right_bodies import Body, Post, posts
from tests.fuzz.target import Said, Target
from tests.phones import until

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(180)]

DAY_S = 86_400
RACERS = 16
_PASSING = {"outbox", "lanes", "idempotency", "meta"}
"""Tables whose rows come and go with what is under way."""


class Effects:
    """Counts what there is, here and at the network, once nothing more comes of what was asked."""

    def __init__(self, target: Target, inbox: WebhookInbox) -> None:
        self._target = target
        self._inbox = inbox
        target.endpoint = inbox.url
        for path in ("/v1/webhooks", f"/v1/agents/{target.ids['agent_id']}/webhook"):
            assert target.ask("POST", path, {"url": inbox.url}).status == 200

    def counted(self) -> dict[str, int]:
        until(lambda: not self._size("outbox"))
        found = self._look()
        while True:
            time.sleep(0.15)
            before, found = found, self._look()
            if found == before:
                return found

    def _look(self) -> dict[str, int]:
        ask = self._target.ask
        handset = f"/sim/v1/handsets/{self._target.ids['handset_id']}"
        phone, calls = f"{handset}/messages?limit=200", f"{handset}/calls?limit=1"
        return {
            **{
                table.name: self._size(table.name)
                for table in metadata.sorted_tables
                if table.name not in _PASSING
            },
            "handsets": ask("GET", "/sim/v1/handsets?limit=1").json["total"],
            "faults": ask("GET", "/sim/v1/faults?limit=1").json["total"],
            "handset calls": ask("GET", calls).json["total"],
            "texts": len(ask("GET", phone).json["data"]),
            "clock": round(ask("GET", "/sim/v1/clock").json["offsetSeconds"]),
            "webhooks": len(self._inbox.received),
        }

    def _size(self, name: str) -> int:
        """How many rows a table has; what they add up to, in a table of counters."""
        table = metadata.tables[name]
        sums = [func.sum(column) for column in table.c if column.info.get("change") == "sum"]
        size = sum(sums[1:], start=sums[0]) if sums else func.count()
        query = Statement(select(size.label("size")).select_from(table))
        ringback = self._target.ringback
        [row] = ringback.on_loop(ringback.server.store.read(lambda db: db.all(query)))
        return int(row["size"] or 0)


@pytest.fixture
def effects(target: Target, webhook_inbox: WebhookInbox, monkeypatch: pytest.MonkeyPatch) -> Effects:
    # Calls that nobody takes end by themselves, which no request did.
    monkeypatch.setattr(web_call, "VALID_MS", DAY_S * 1_000)
    monkeypatch.setattr(jobs, "UNTAKEN_MS", DAY_S * 1_000)
    return Effects(target, webhook_inbox)


def moved(after: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    return {name: count - before[name] for name, count in after.items() if count != before[name]}


def at_once(target: Target, post: Post, body: Body, key: str, times: int) -> list[Said]:
    said: list[Said] = []
    ready = threading.Barrier(times)

    def ask() -> None:
        ready.wait()
        said.append(post.ask(target, body, key))

    threads = [threading.Thread(target=ask) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def kept(said: Said) -> tuple[int, bytes, dict[str, str]]:
    """All of an answer but what tells one request from another."""
    return said.status, said.content, {k: v for k, v in said.headers.items() if k != "x-request-id"}


def test_racers_and_repetitions_have_one_effect_and_one_answer(target: Target, effects: Effects) -> None:
    for post in posts(target):
        start = effects.counted()
        alone = post.ask(target, post.fresh())
        before, body = effects.counted(), post.fresh()
        said = at_once(target, post, body, "race", RACERS)
        said.append(
            post.ask(target, dict(reversed(body.items())) if isinstance(body, dict) else body, "race")
        )
        assert {one.status for one in said} == {alone.status}, (post.name, said)
        if 200 <= alone.status < 300:
            assert all(kept(one) == kept(said[0]) for one in said), post.name
        assert moved(effects.counted(), before) == moved(before, start), post.name


def test_whoever_leaves_before_the_answer_gets_it_later(target: Target, effects: Effects) -> None:
    """The client that gave up and asks again: what it asked for first was done, or is still being done."""
    host = urlsplit(target.ringback.base_url)
    for post in posts(target):
        start = effects.counted()
        alone = post.ask(target, post.fresh())
        before, body = effects.counted(), post.fresh()
        headers = {"Authorization": f"Bearer {target.key}", "Idempotency-Key": "left", **post.kind(body)}
        connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=30)
        connection.request("POST", post.path, body if isinstance(body, bytes) else json.dumps(body), headers)
        connection.close()
        said = post.ask(target, body, "left")
        assert said.status == alone.status, (post.name, said)
        assert moved(effects.counted(), before) == moved(before, start), post.name


def other_bodies(post: Post, body: Body) -> Iterator[Body]:
    """What is not the same request."""
    if isinstance(body, bytes):
        yield body + b"more"
    else:
        yield {**body, "name": "other"}
        yield {**body, "unknown": 1}


def test_another_body_is_a_mismatch(target: Target, effects: Effects) -> None:
    for post in posts(target):
        body = post.fresh()
        first = post.ask(target, body, "mismatch")
        if first.status >= 300:
            continue
        before = effects.counted()
        for wrong in other_bodies(post, body):
            other = post.ask(target, wrong, "mismatch")
            assert other.problem(409, 422) is None, (post.name, wrong, other)
        queried = Post(post.operation, f"{post.path}?other=1", post.fresh)
        assert queried.ask(target, body, "mismatch").status == 409, post.name
        assert effects.counted() == before, post.name
        assert kept(post.ask(target, body, "mismatch")) == kept(first)
    agent = target.ask("POST", "/v1/agents", {"name": "another"}, headers={"Idempotency-Key": "mismatch"})
    assert agent.json["error"]["code"] == "IDEMPOTENCY_MISMATCH"


def test_a_key_belongs_to_one_path_and_account(target: Target) -> None:
    """One key on another path, or of another account, is another key; on another method it is none."""
    key = {"Idempotency-Key": "scoped"}
    first = target.ask("POST", "/v1/agents", {"name": "one"}, headers=key)
    other = target.ask("POST", "/v1/agents", {"name": "one"}, headers=key, key=target.other_key)
    number = target.ask("POST", "/v1/numbers", {}, headers=key)
    phone = target.ask("POST", "/sim/v1/handsets", {}, headers=key)
    its = target.ask("POST", "/sim/v1/handsets", {}, headers=key, key=target.other_key)
    assert {said.status for said in (first, other, number, phone, its)} == {200}
    assert len({said.json["id"] for said in (first, other, number, phone, its)}) == 5
    path = f"/v1/agents/{first.json['id']}"
    for body in ({"name": "two"}, {"name": "three"}):
        assert target.ask("PATCH", path, body, headers=key).json["name"] == body["name"]
    assert target.ask("GET", path, headers=key).json["name"] == "three"
    assert target.ask("DELETE", path, headers=key).status == 200
    assert target.ask("DELETE", path, headers=key).status == 404
    assert target.ask("GET", "/v1/agents", headers={"Idempotency-Key": "x" * 300}).status == 200


def test_a_key_belongs_to_one_sub_account(target: Target) -> None:
    """The account and each of its sub-accounts use the same key for themselves."""
    subs = [target.ids["sub_account_id"], target.ask("POST", "/v1/sub-accounts", {"name": "B"}).json["id"]]
    made = set()
    for scope in ({}, *({"X-Sub-Account-Id": sub} for sub in subs)):
        headers = {"Idempotency-Key": "each", **scope}
        for _ in range(2):
            made.add(target.ask("POST", "/v1/agents", {"name": "one"}, headers=headers).json["id"])
    assert len(made) == 3


def test_the_path_is_what_it_means(target: Target) -> None:
    """The same endpoint spelled with percent-encoding is the same operation."""
    agent_id, key = target.ids["agent_id"], {"Idempotency-Key": "spelled"}
    body = {"numberId": target.ids["number_id"]}
    first = target.ask("POST", f"/v1/agents/{agent_id}/numbers", body, headers=key)
    again = target.ask(
        "POST", f"/v1/agents/{agent_id.replace('_', '%5f')}/numbers", {**body, "x": 1}, headers=key
    )
    assert (first.status, again.status) == (200, 409)


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "é", "a\x80b", "🎉", "x" * 9_000])
def test_a_key_that_is_none(target: Target, key: str) -> None:
    before = target.state()
    for post in posts(target):
        said = post.ask(target, post.fresh(), key.encode().decode("latin-1"))
        refused_anyway = said.status == 400 and said.json["error"]["code"] == "UNSUPPORTED_CHANNEL"
        assert refused_anyway or said.problem(422, field="Idempotency-Key") is None, (post.name, said)
    assert target.state() == before


def test_two_keys_are_none(target: Target) -> None:
    """Which of them would count? Neither."""
    before = target.state()
    host = urlsplit(target.ringback.base_url)
    for post in posts(target):
        connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=30)
        connection.putrequest("POST", post.path)
        body = post.fresh()
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        for name, value in (
            ("Authorization", f"Bearer {target.key}"),
            *post.kind(body).items(),
            ("Content-Length", str(len(sent))),
            ("Idempotency-Key", "one"),
            ("Idempotency-Key", "two"),
        ):
            connection.putheader(name, value)
        connection.endheaders(sent)
        answer = connection.getresponse()
        assert answer.status == 422 or b"UNSUPPORTED_CHANNEL" in answer.read(), post.name
        connection.close()
    assert target.state() == before


@pytest.mark.parametrize("key", ["~", "0", "null", "a b", "{}'\"%00;--", "~" * 255])
def test_any_printable_key(target: Target, key: str) -> None:
    for post in posts(target):
        body = post.fresh()
        first = post.ask(target, body, key)
        assert first.status < 500, post.name
        assert post.ask(target, body, key).content == first.content, post.name


def test_a_refusal_frees_the_key(target: Target) -> None:
    """By validation, and by a rule: each refusal here comes before anything was done, so nothing is kept."""
    key = {"Idempotency-Key": "refused first"}
    assert target.ask("POST", "/v1/agents", {"name": 1}, headers=key).status == 422
    assert target.ask("POST", "/v1/agents", {"name": "x", "voiceMode": "hosted"}, headers=key).status == 422
    assert target.ask("POST", "/v1/agents", {"name": "right"}, headers=key).status == 200
    key = {"Idempotency-Key": "refused by a rule"}
    path = "/v1/messages"
    body = {"number_id": target.unknown_id("number_id"), "to_number": "+12025550143", "body": "x"}
    assert target.ask("POST", path, body, headers=key).status == 404
    assert target.ask("POST", path, {**body, "number_id": target.ids["number_id"]}, headers=key).status == 200


def test_a_rule_that_holds_no_more_refuses_no_more(target: Target) -> None:
    """The same request under the same key, once the person has opted in again, or the number is free again."""
    phone, number_id = target.ids["handset_id"], target.ids["number_id"]
    person = target.ask("GET", f"/sim/v1/handsets/{phone}").json["phoneNumber"]
    text = {"number_id": number_id, "to_number": person, "body": "x"}
    key = {"Idempotency-Key": "rule"}

    def hear(word: str) -> None:
        path, seen = f"/v1/numbers/{number_id}/messages", {"direction": "inbound", "body": word}
        target.ask("POST", f"/sim/v1/handsets/{phone}/messages", {"to": target.number, "body": word})
        until(lambda: any(seen.items() <= one.items() for one in target.ask("GET", path).json["data"]))

    hear("STOP")
    assert (
        target.ask("POST", "/v1/messages", text, headers=key).json["error"]["code"] == "RECIPIENT_OPTED_OUT"
    )
    hear("START")
    assert target.ask("POST", "/v1/messages", text, headers=key).status == 200


def test_kept_for_a_day_of_the_clock(target: Target, clock: Clock) -> None:
    clock.freeze()
    key = {"Idempotency-Key": "a day"}
    first = target.ask("POST", "/v1/agents", {"name": "one"}, headers=key)
    clock.advance(DAY_S - 1)
    assert target.ask("POST", "/v1/agents", {"name": "one"}, headers=key).content == first.content
    clock.advance(2)
    again = target.ask("POST", "/v1/agents", {"name": "one"}, headers=key)
    assert again.status == 200
    assert again.json["id"] != first.json["id"]


def test_a_step_of_more_than_a_day_is_taken_once(target: Target) -> None:
    """The key's own request moves the clock past the key's day while others with the key wait."""
    step: Body = {"advanceSeconds": 2 * DAY_S}
    [clock] = [post for post in posts(target) if post.operation.id == "changeClock"]
    before = target.ask("GET", "/sim/v1/clock").json["offsetSeconds"]
    said = at_once(target, clock, step, "leap", RACERS)
    assert {one.status for one in said} == {200}
    after = target.ask("GET", "/sim/v1/clock").json["offsetSeconds"]
    assert round(after - before) == 2 * DAY_S


def test_an_unconfirmed_purchase_keeps_its_key(target: Target) -> None:
    """The carrier may have sold it: the same key must never buy a second number."""
    key = {"Idempotency-Key": "unconfirmed"}
    before = target.ask("GET", "/v1/numbers").json["total"]
    target.ask("POST", "/sim/v1/faults", {"kind": "submit-timeout", "count": 1})
    first = target.ask("POST", "/v1/numbers", {}, headers=key)
    again = target.ask("POST", "/v1/numbers", {}, headers=key)
    assert target.ask("GET", "/v1/numbers").json["total"] - before <= 1, (first, again)
