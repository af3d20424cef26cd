"""`Idempotency-Key`: one effect and one answer, whoever repeats what and when."""

import threading
from typing import Any

import pytest

from ringback.testing import Clock
from tests.fuzz.target import Said, Target

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(120)]

DAY_S = 86_400


def posts(target: Target) -> list[tuple[str, dict[str, Any]]]:
    """One right body for each POST that has an effect."""
    return [
        ("/v1/messages", {"number_id": target.ids["number_id"], "to_number": "+12025550143", "body": "once"}),
        ("/v1/numbers", {"country": "US"}),
        ("/v1/agents", {"name": "once"}),
        (f"/v1/agents/{target.ids['agent_id']}/webhook", {"url": "http://127.0.0.1:9/once"}),
        ("/v1/webhooks", {"url": "http://127.0.0.1:9/once"}),
        ("/v1/webhooks/test", {}),
    ]


def at_once(target: Target, path: str, body: Any, key: str, times: int) -> list[Said]:
    said: list[Said] = []

    def post() -> None:
        said.append(target.ask("POST", path, body, headers={"Idempotency-Key": key}))

    threads = [threading.Thread(target=post) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def totals(target: Target) -> tuple[int, int, int]:
    return (
        target.ask("GET", "/v1/numbers").json["total"],
        target.ask("GET", "/v1/agents").json["total"],
        len(target.ask("GET", f"/v1/numbers/{target.ids['number_id']}/messages").json["data"]),
    )


def test_racers_and_repetitions_get_the_first_answer(target: Target) -> None:
    for path, body in posts(target):
        before = totals(target)
        said = at_once(target, path, body, "race", 8)
        said.append(
            target.ask("POST", path, dict(reversed(body.items())), headers={"Idempotency-Key": "race"})
        )
        assert {one.status for one in said} == {200}, (path, said)
        assert len({one.content for one in said}) == 1, path
        moved = [after - was for after, was in zip(totals(target), before, strict=True)]
        assert sum(moved) == (1 if path in ("/v1/messages", "/v1/numbers", "/v1/agents") else 0), path


def test_another_body_is_a_mismatch(target: Target) -> None:
    for path, body in posts(target):
        key = {"Idempotency-Key": "mismatch"}
        first = target.ask("POST", path, body, headers=key)
        before = totals(target)
        other = target.ask("POST", path, {**body, "unknown": 1}, headers=key)
        assert other.problem(409) is None, path
        assert other.json["error"]["code"] == "IDEMPOTENCY_MISMATCH"
        assert totals(target) == before
        assert target.ask("POST", path, body, headers=key).content == first.content


def test_keys_are_scoped(target: Target) -> None:
    """One key on another path, or of another account, is another key."""
    key = {"Idempotency-Key": "scoped"}
    first = target.ask("POST", "/v1/agents", {"name": "one"}, headers=key)
    other = target.ask("POST", "/v1/agents", {"name": "one"}, headers=key, key=target.other_key)
    number = target.ask("POST", "/v1/numbers", {}, headers=key)
    assert (first.status, other.status, number.status) == (200, 200, 200)
    assert first.json["id"] != other.json["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "é", "a\x80b", "🎉"])
def test_a_key_that_is_none(target: Target, key: str) -> None:
    before = target.state()
    for path, body in posts(target):
        headers = {"Idempotency-Key": key.encode().decode("latin-1")}
        assert (
            target.ask("POST", path, body, headers=headers).problem(422, field="Idempotency-Key") is None
        ), path
    assert target.state() == before


def test_longest_key(target: Target) -> None:
    key = {"Idempotency-Key": "~" * 255}
    first = target.ask("POST", "/v1/agents", {"name": "one"}, headers=key)
    assert first.status == 200
    assert target.ask("POST", "/v1/agents", {"name": "one"}, headers=key).content == first.content


def test_a_refusal_frees_the_key(target: Target) -> None:
    key = {"Idempotency-Key": "refused first"}
    assert target.ask("POST", "/v1/agents", {"name": 1}, headers=key).status == 422
    assert target.ask("POST", "/v1/agents", {"name": "x", "voiceMode": "hosted"}, headers=key).status == 422
    assert target.ask("POST", "/v1/agents", {"name": "right"}, headers=key).status == 200
    key = {"Idempotency-Key": "refused by a rule"}
    path = "/v1/messages"
    body = {"number_id": target.unknown_id("number_id"), "to_number": "+12025550143", "body": "x"}
    assert target.ask("POST", path, body, headers=key).status == 404
    assert target.ask("POST", path, {**body, "number_id": target.ids["number_id"]}, headers=key).status == 200


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


def test_an_unconfirmed_purchase_keeps_its_key(target: Target) -> None:
    """The carrier may have sold it: the same key must never buy a second number."""
    key = {"Idempotency-Key": "unconfirmed"}
    before = target.ask("GET", "/v1/numbers").json["total"]
    target.ask("POST", "/sim/v1/faults", {"kind": "submit-timeout", "count": 1})
    first = target.ask("POST", "/v1/numbers", {}, headers=key)
    again = target.ask("POST", "/v1/numbers", {}, headers=key)
    assert target.ask("GET", "/v1/numbers").json["total"] - before <= 1, (first, again)
