"""A key that is revoked, or expires, opens nothing any more: not what it let in before either."""

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from ringback.testing import Clock, Handsets, Ringback
from ringback.testing.api import Answer

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(60)]
SOON_S = 3


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def waiting_paths(ringback: Ringback, handset: Handsets, key: str) -> dict[str, dict[str, str]]:
    """What waits, by path, with the headers it takes."""
    sub = ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}, api_key=key).json
    newest = ringback.request("GET", "/v1/events?limit=1", api_key=key).json["newest"]
    return {
        f"/v1/events?after={newest}&wait=30": {},
        "/v1/events?wait=30": {"X-Sub-Account-Id": sub["id"]},
        f"/sim/v1/handsets/{handset().id}/messages?wait=30": {},
    }


def begin(
    ringback: Ringback, threads: ThreadPoolExecutor, key: str, paths: dict[str, dict[str, str]]
) -> list[Future[Answer]]:
    asked = [
        threads.submit(ringback.request, "GET", path, headers=headers, api_key=key)
        for path, headers in paths.items()
    ]
    time.sleep(0.5)
    assert not any(each.done() for each in asked)
    return asked


@contextmanager
def stream(ringback: Ringback, path: str, key: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
    at = urlsplit(ringback.base_url)
    with closing(http.client.HTTPConnection(at.hostname or "", at.port, timeout=10)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}", **headers})
        with closing(connection.getresponse()) as answer:
            assert answer.status == 200
            yield answer


def refused(asked: list[Future[Answer]]) -> list[Any]:
    return [
        (answer.status, answer.json["error"]["code"]) for answer in (each.result(SOON_S) for each in asked)
    ]


def test_a_list_that_waits(ringback: Ringback, handset: Handsets, threads: ThreadPoolExecutor) -> None:
    key = ringback.new_account()
    asked = begin(ringback, threads, key, waiting_paths(ringback, handset, key))
    ringback.revoke_key(key)
    assert refused(asked) == [(401, "UNAUTHORIZED")] * 3


def test_a_key_that_expires(
    ringback: Ringback, handset: Handsets, threads: ThreadPoolExecutor, clock: Clock
) -> None:
    account = ringback.on_loop(ringback.server.keys.find(ringback.new_account()))
    assert account is not None
    made = ringback.on_loop(ringback.server.book.create_key("brief", 1, account_id=account.account_id))
    asked = begin(ringback, threads, made.key, waiting_paths(ringback, handset, made.key))
    clock.advance(days=2)
    assert refused(asked) == [(401, "UNAUTHORIZED")] * 3


def test_a_key_that_another_process_revokes(
    ringback: Ringback, handset: Handsets, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing tells the server; it looks by itself, as it does where a store is shared."""
    key = ringback.new_account()
    known = ringback.on_loop(ringback.server.keys.find(key))
    assert known is not None
    monkeypatch.setattr(type(ringback.server.store), "shared", True)
    asked = begin(ringback, threads, key, waiting_paths(ringback, handset, key))
    ringback.on_loop(ringback.server.book.revoke_key(known.id))
    told = [each.result(SOON_S) for each in asked]
    # The first may have heard of the revocation itself, in the second for which a key is believed.
    assert [answer.status for answer in told[1:]] == [401, 401]


def test_a_stream(ringback: Ringback, handset: Handsets) -> None:
    key, phone = ringback.new_account(), handset()
    sub = ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}, api_key=key).json
    paths = {
        "/v1/events/stream": {},
        "/v1/events/stream?after=0": {"X-Sub-Account-Id": sub["id"]},
        "/sim/v1/events": {},
        f"/sim/v1/handsets/{phone.id}/events": {},
    }
    with ExitStack() as opened:
        streams = [
            opened.enter_context(stream(ringback, path, key, **headers)) for path, headers in paths.items()
        ]
        begun = time.monotonic()
        ringback.revoke_key(key)
        for answer in streams:
            assert answer.headers["X-Accel-Buffering"] == "no"
            # Read to its regular end: a break would raise `IncompleteRead`.
            assert answer.read().startswith(b": connected\n\n")
        assert time.monotonic() - begun < SOON_S


def test_another_key_of_the_account_goes_on(ringback: Ringback, threads: ThreadPoolExecutor) -> None:
    key = ringback.new_account()
    known = ringback.on_loop(ringback.server.keys.find(key))
    assert known is not None
    other = ringback.on_loop(ringback.server.book.create_key("other", None, account_id=known.account_id))
    newest = ringback.request("GET", "/v1/events?limit=1", api_key=key).json["newest"]
    asked = begin(ringback, threads, other.key, {f"/v1/events?after={newest}&wait=30": {}})
    ringback.revoke_key(key)
    [event] = asked[0].result(SOON_S).json["data"]
    assert event["type"] == "key.revoked"
