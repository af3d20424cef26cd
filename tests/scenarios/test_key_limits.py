"""How many requests a key may make, where the operator says so."""

import math
import time
from typing import Any

import pytest

from ringback.testing import Clock, Ringback
from ringback.testing.api import Answer

pytestmark = pytest.mark.scenario

BURST = 5


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    return {"key_requests_per_second": 0.5, "key_burst": BURST}


def ask(ringback: Ringback, **more: Any) -> Answer:
    return ringback.request("GET", "/v1/numbers", **more)


def test_a_burst_and_then_the_rate(ringback: Ringback, clock: Clock) -> None:
    """The window goes by the clock, and what is refused says when to come back."""
    clock.freeze()
    assert [ask(ringback).status for _ in range(BURST)] == [200] * BURST
    clock.advance(seconds=0.9)
    asked_at = time.time()
    refused = ask(ringback)
    assert (refused.status, refused.json["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert refused.json["detail"] == "Rate limit exceeded. Limit: 5 requests per 10s"
    headers = {name.lower(): value for name, value in refused.headers.items()}
    assert headers["retry-after"] == "2"
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("5", "0")
    reset = int(headers["x-ratelimit-reset"])
    assert math.ceil(asked_at + 1.099) <= reset <= math.ceil(time.time() + 1.1), "not by two roundings"
    clock.advance(seconds=2)
    assert [ask(ringback).status for _ in range(2)] == [200, 429]
    clock.advance(minutes=1)
    assert [ask(ringback).status for _ in range(BURST + 1)] == [200] * BURST + [429]


def test_the_short_way_is_limited_too(ringback: Ringback, clock: Clock) -> None:
    """A send that is refused leaves nothing behind, and frees its key."""
    clock.freeze()
    number = ringback.request("POST", "/v1/numbers", json={}).json
    for _ in range(BURST - 1):
        ask(ringback)
    text = {"number_id": number["id"], "to_number": "+14155550123", "body": "hello"}
    again = {"Idempotency-Key": "one"}
    assert ringback.request("POST", "/v1/messages", json=text, headers=again).status == 429
    clock.advance(minutes=1)
    assert ringback.request("GET", f"/v1/numbers/{number['id']}/messages").json["data"] == []
    assert ringback.request("POST", "/v1/messages", json=text, headers=again).status == 200


def test_each_key_has_its_own(ringback: Ringback, clock: Clock) -> None:
    clock.freeze()
    other = ringback.new_account()
    for _ in range(BURST):
        ask(ringback)
    assert ask(ringback).status == 429
    assert ask(ringback, api_key=other).status == 200
    assert ask(ringback, api_key="sk_live_wrong").status == 401, "a key that is none is told so first"
    assert ringback.request("GET", "/sim/v1/clock").status == 200, "the simulated network is not limited"


@pytest.mark.parametrize(
    ("method", "path", "status", "more"),
    [
        ("GET", "/v1/nothing/here", 404, {}),
        ("PUT", "/v1/numbers", 405, {}),
        ("OPTIONS", "/v1/numbers", 204, {}),
        ("POST", "/v1/agents", 422, {"content": b"{", "headers": {"Content-Type": "application/json"}}),
        ("GET", "/v1/numbers?limit=1&limit=2", 422, {}),
        ("GET", "/v1/numbers?limit=x", 422, {}),
    ],
)
def test_what_is_refused_counts_once(
    ringback: Ringback, clock: Clock, method: str, path: str, status: int, more: dict[str, Any]
) -> None:
    clock.freeze()
    assert [ringback.request(method, path, **more).status for _ in range(BURST)] == [status] * BURST
    assert ringback.request(method, path, **more).status == 429
    assert ask(ringback).status == 429
    strange = ringback.request(method, path, api_key="sk_live_wrong", **more).status
    assert strange in (status, 401), "a key that is none has no rate"
