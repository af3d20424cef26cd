"""The server's own catcher: it shows an account its own webhooks, and is no way around anything."""

import http.client
import json
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import pytest

from ringback.kit.signing import sign
from ringback.testing import Handsets, Ringback, WebhookInbox
from ringback.webhooks.catcher import KEPT_CHARACTERS, MOST_ACCOUNTS, NEWEST, Catcher
from tests.phones import until
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario
HOOK = "/v1/webhooks"


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def caught(line: Line) -> Any:
    return line.ask("GET", f"{HOOK}/caught")


def catch(line: Line) -> Any:
    """Let the account's webhooks come to the catcher; answers the endpoint."""
    return line.ask("POST", HOOK, {"url": caught(line)["url"]})


def post(
    url: str,
    body: bytes,
    secret: str,
    timestamp: int | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, Any]:
    """The answer to a webhook that is signed with this secret; `more` are headers."""
    at = int(time.time()) if timestamp is None else timestamp
    parts = urlsplit(url)
    headers = {
        "Content-Type": "application/json",
        "X-Webhook-Event": "agent.message",
        "X-Webhook-ID": "whd_made_up",
        "X-Webhook-Timestamp": str(at),
        "X-Webhook-Signature": sign(secret, at, body),
        **more,
    }
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.request("POST", parts.path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_what_a_webhook_looks_like_without_a_receiver(line: Line) -> None:
    before = caught(line)
    assert (before["catching"], before["refused"], before["data"]) == (False, 0, [])
    hook = catch(line)
    line.hear("Do you have a table?")
    told = until(lambda: found if (found := caught(line))["data"] else None)
    [only] = told["data"]
    delivery = line.ask("GET", f"{HOOK}/deliveries")["data"][0]
    assert (told["catching"], told["url"]) == (True, hook["url"])
    assert (only["id"], only["event"]) == (delivery["id"], "agent.message")
    assert json.loads(only["body"])["data"]["message"] == "Do you have a table?"
    assert only["headers"]["x-webhook-signature"].startswith("sha256=")
    assert only["size"] == len(only["body"].encode())
    assert hook["secret"] not in json.dumps(told)
    until(lambda: line.ask("GET", f"{HOOK}/deliveries")["data"][0]["success"])


def test_a_secret_that_was_changed_is_heeded_at_once(line: Line) -> None:
    old = catch(line)
    new = line.ask("POST", f"{HOOK}/rotate-secret", {"overlapHours": 0})
    assert post(new["url"], b"{}", old["secret"])[0] == 403
    assert post(new["url"], b"{}", new["secret"]) == (200, {})


def test_what_nobody_here_signed_is_refused_and_not_kept(line: Line) -> None:
    hook = catch(line)
    stale = int(time.time()) - 400
    for answer in (
        post(hook["url"], b'{"told": "by a stranger"}', "whsec_of_somebody_else"),
        post(hook["url"], b"{}", hook["secret"], timestamp=stale),
    ):
        assert (answer[0], answer[1]["error"]["code"]) == (403, "SIGNATURE_WRONG")
    told = caught(line)
    assert (told["data"], told["refused"]) == ([], 2)


def test_nobody_catches_what_is_another_accounts(ringback: Ringback, line: Line) -> None:
    """Somebody else's webhook may lead to this account's catcher: it takes nothing of theirs, and is not theirs."""
    hook = catch(line)
    other = ringback.new_account("other")
    set_there = ringback.request("POST", HOOK, json={"url": hook["url"]}, api_key=other)
    assert set_there.status == 200
    tried = ringback.request("POST", f"{HOOK}/test", json={}, api_key=other).json
    assert (tried["success"], tried["httpStatus"]) == (False, 403)
    theirs = ringback.request("GET", f"{HOOK}/caught", api_key=other).json
    assert (theirs["catching"], theirs["data"]) == (False, [])
    assert theirs["url"] != hook["url"]
    assert caught(line)["data"] == []


def test_only_the_endpoint_that_leads_there_is_caught(line: Line, webhook_inbox: WebhookInbox) -> None:
    hook = catch(line)
    assert post(hook["url"] + "x", b"{}", hook["secret"])[0] == 404
    assert post(hook["url"].replace("acct_", "acct_0"), b"{}", hook["secret"])[0] == 404
    later = line.ask("POST", HOOK, {"url": webhook_inbox.url})
    assert post(hook["url"], b"{}", later["secret"])[0] == 404
    assert caught(line)["catching"] is False
    line.ask("DELETE", HOOK)
    assert post(hook["url"], b"{}", later["secret"])[0] == 404


def test_it_keeps_the_newest_only(line: Line) -> None:
    hook = catch(line)
    for number in range(NEWEST + 3):
        assert post(hook["url"], json.dumps({"n": number}).encode(), hook["secret"])[0] == 200
    told = caught(line)["data"]
    assert [json.loads(each["body"])["n"] for each in told] == list(range(NEWEST + 2, 2, -1))
    long = b'"' + b"x" * (KEPT_CHARACTERS + 10) + b'"'
    post(hook["url"], long, hook["secret"])
    newest = caught(line)["data"][0]
    assert (len(newest["body"]), newest["size"]) == (KEPT_CHARACTERS, len(long))


def test_a_turn_of_a_call_is_told_that_nobody_answers_here(line: Line) -> None:
    hook = catch(line)
    turn = json.dumps({"event": "agent.message", "channel": "voice", "data": {}}).encode()
    status, answer = post(hook["url"], turn, hook["secret"])
    assert (status, "endpoint of your own" in answer["text"]) == (200, True)
    for body in (b"[]", b"no json", b'{"event": "agent.call_ended", "channel": "voice"}'):
        assert post(hook["url"], body, hook["secret"]) == (200, {})


def test_its_address_outlives_a_restart_and_another_servers_does_not_fit() -> None:
    one, same, other = (Catcher(key, "http://127.0.0.1:1") for key in (b"k" * 32, b"k" * 32, b"o" * 32))
    url = one.url_of("acct_1")
    assert url is not None
    assert url == same.url_of("acct_1")
    token = url.rpartition("/")[2]
    assert (one.whose(token), other.whose(token), one.whose("acct_2" + token[6:])) == ("acct_1", None, None)
    assert one.whose("") is None


def test_accounts_beyond_the_bound_are_forgotten() -> None:
    catcher = Catcher(b"k" * 32, "http://127.0.0.1:1")
    for number in range(MOST_ACCOUNTS + 1):
        catcher.take(f"acct_{number}", {}, b"", secrets=[])
    assert (catcher.refused("acct_0"), catcher.refused("acct_1")) == (0, 1)


class TestWhereTheServerListensToTheWorld:
    """There it would be a way to the server's own machine, and there is none."""

    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        return {"host": "0.0.0.0"}

    def test_there_is_no_catcher_and_loopback_is_refused_as_ever(self, line: Line) -> None:
        told = caught(line)
        assert (told["url"], told["catching"]) == (None, False)
        base = line.ringback.base_url
        for address in (f"{base}/catch/acct_1.0", f"{base}/hook", "http://127.0.0.1:9/catch/x"):
            line.refused("POST", HOOK, 422, field="url", body={"url": address})
        assert post(f"{base}/catch/acct_1.0", b"{}", "whsec_x")[0] == 404


class TestBehindAProxy:
    """A server that listens on this machine alone may be public by a proxy on it."""

    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        return {"public_url": "https://phone.example.com"}

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Host", "phone.example.com"),
            ("X-Forwarded-For", "203.0.113.9"),
            ("Via", "1.1 proxy"),
            ("Host", "10.0.0.1"),
        ],
    )
    def test_what_comes_through_it_is_nobodys(self, line: Line, name: str, value: str) -> None:
        hook = catch(line)
        for secret in (hook["secret"], "whsec_of_somebody_else"):
            assert post(hook["url"], b"{}", secret, more={name: value})[0] == 404
        told = caught(line)
        assert (told["data"], told["refused"]) == ([], 0)
        assert post(hook["url"], b"{}", hook["secret"]) == (200, {})
