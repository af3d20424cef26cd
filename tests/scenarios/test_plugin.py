"""The pytest plugin `ringback.testing`, as our tests and as users' tests meet it."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from ringback.testing import Clock, Handsets, Network, RequestRefused, Ringback, WebhookInbox
from tests.phones import until

pytestmark = pytest.mark.scenario
pytest_plugins = ["pytester"]


def number_of(ringback: Ringback, **wishes: object) -> dict[str, str]:
    answer = ringback.request("POST", "/v1/numbers", json=wishes)
    assert answer.status == 200, answer.json
    number: dict[str, str] = answer.json
    return number


def test_a_server_answers_with_its_key(ringback: Ringback) -> None:
    answer = ringback.request("GET", "/v1/numbers")
    assert (answer.status, answer.json["data"]) == (200, [])
    assert answer.headers["x-request-id"]
    assert ringback.request("GET", "/v1/numbers", api_key=None).status == 401
    assert ringback.request("GET", "/readyz", api_key=None).status == 200


def test_the_vendors_client_is_pointed_at_the_server(ringback: Ringback) -> None:
    assert ringback.client().numbers.list().data == []


def test_accounts_see_their_own_and_a_revoked_key_opens_nothing(ringback: Ringback) -> None:
    other = ringback.new_account()
    number = number_of(ringback)
    path = f"/v1/numbers/{number['id']}"
    assert ringback.request("GET", path).status == 200
    assert ringback.request("GET", path, api_key=other).status == 404
    ringback.revoke_key(other)
    assert ringback.request("GET", path, api_key=other).status == 401
    with pytest.raises(ValueError, match="no live key"):
        ringback.revoke_key(other)


def test_a_text_goes_out_and_comes_in(ringback: Ringback, handset: Handsets) -> None:
    number, phone = number_of(ringback), handset(name="Ada", area_code="415")
    assert phone.number.startswith("+1415")
    sent = phone.text(number["phoneNumber"], "Hello")
    assert (sent.direction, sent.from_, sent.to) == ("out", phone.number, number["phoneNumber"])
    for body in ("one", "two", "three"):
        ringback.api.call(
            "POST", "/v1/messages", {"number_id": number["id"], "to_number": phone.number, "body": body}
        )
    assert phone.wait_for("two").body == "two"
    assert phone.wait_for().body == "one"
    assert phone.wait_for().from_ == number["phoneNumber"]
    assert [text.body for text in phone.inbox()] == ["three", "two", "one"]
    with pytest.raises(
        AssertionError, match=r"no text 'two' reached (?s:.*) 'two' from .* \(waited for before\)"
    ):
        phone.wait_for("two", timeout=0.1)


def test_a_phone_that_is_off_gets_its_texts_later(ringback: Ringback, handset: Handsets) -> None:
    number, phone = number_of(ringback), handset()
    phone.set(online=False)
    message = {"number_id": number["id"], "to_number": phone.number, "body": "Call me"}
    ringback.api.call("POST", "/v1/messages", message)
    with pytest.raises(AssertionError, match="nothing came"):
        phone.wait_for(timeout=0.2)
    phone.set(online=True)
    phone.wait_for("Call me")


def test_many_texts_are_all_there(ringback: Ringback, handset: Handsets) -> None:
    first, second = handset(), handset()
    for index in range(205):
        first.text(second.number, f"{index}")
    until(lambda: len(second.inbox()) == 205)
    assert [second.wait_for().body for _ in range(205)] == [f"{index}" for index in range(205)]


def test_phones_call_each_other(ringback: Ringback, handset: Handsets) -> None:
    mine, other = handset(), handset(call_personality="manual")
    call = mine.call(other.number, {"pauseMs": 400}, {"dtmf": "1"}, {"pauseMs": 60_000})
    ring = other.wait_for_ring()
    assert (ring.from_, ring.to, ring.status) == (mine.number, other.number, "ringing")
    with pytest.raises(AssertionError, match=r"after 0\.1 s; nothing was said"):
        call.wait(timeout=0.1)
    ring.answer({"pauseMs": 60_000})
    assert ring.status == "in-progress"
    ring.press("9#")
    while call.look().keys != "9#" or ring.look().keys != "1":
        pass
    ring.hang_up()
    assert (call.wait().reason, ring.wait().reason) == ("other_hung_up", "hung_up")
    assert (call.words, call.heard) == ([], "")
    assert call.recording()[:4] == b"RIFF"
    assert [one.id for one in mine.calls()] == [call.id]
    declined = mine.call(other.number)
    other.wait_for_ring().decline()
    assert declined.wait().reason == "declined"
    with pytest.raises(AssertionError, match="nobody called"):
        mine.wait_for_ring(timeout=0.1)


def test_the_clock_is_the_tests(ringback: Ringback, clock: Clock) -> None:
    clock.freeze()
    start = clock.now
    assert start.tzinfo is UTC
    assert clock.now == start
    assert clock.advance(days=1, hours=1, minutes=1, seconds=1) == start + timedelta(seconds=90061)
    assert clock.advance_to(datetime(2099, 1, 1, tzinfo=UTC)) == datetime(2099, 1, 1, tzinfo=UTC)
    assert clock.advance_to("2099-01-02T00:00:00Z") == clock.now
    with pytest.raises(ValueError, match="time zone"):
        clock.advance_to(datetime(2100, 1, 1))
    with pytest.raises(RequestRefused, match="422 VALIDATION_ERROR: advanceSeconds"):
        clock.advance(seconds=-1)
    clock.resume()
    until(lambda: clock.now > datetime(2099, 1, 2, tzinfo=UTC))


def status_of(ringback: Ringback, number_id: str, message_id: str) -> str:
    page = ringback.api.call("GET", f"/v1/numbers/{number_id}/messages")["data"]
    return next(str(message["status"]) for message in page if message["id"] == message_id)


def test_the_line_refuses_and_fails_as_told(ringback: Ringback, handset: Handsets, network: Network) -> None:
    number, phone = number_of(ringback), handset()
    message = {"number_id": number["id"], "to_number": phone.number, "body": "Hi"}
    assert network.set(registration="never", loss_percent=0)["registration"] == "never"
    assert ringback.request("POST", "/v1/messages", json=message).status == 403
    network.set(registration="instant")
    network.fault("submit-refused", to=phone.number)
    outage = network.fault("outage", number=phone.number)
    outage.clear()
    refused = ringback.api.call("POST", "/v1/messages", message)
    until(lambda: status_of(ringback, number["id"], refused["id"]) == "failed")
    ringback.api.call("POST", "/v1/messages", message)
    phone.wait_for("Hi")
    with pytest.raises(RequestRefused, match="422") as refusal:
        network.fault("number-reclaimed")
    assert refusal.value.status == 422
    assert network.settings["lossPercent"] == 0


def webhook(ringback: Ringback, inbox: WebhookInbox, handset: Handsets) -> tuple[str, str]:
    """An agent's number and the webhook's secret."""
    agent = ringback.api.call("POST", "/v1/agents", {"name": "Echo"})
    number = number_of(ringback, agentId=agent["id"])
    hook = ringback.api.call("POST", f"/v1/agents/{agent['id']}/webhook", {"url": inbox.url})
    return number["phoneNumber"], hook["secret"]


def test_webhooks_are_collected_and_verified(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox, clock: Clock
) -> None:
    number, secret = webhook(ringback, webhook_inbox, handset)
    phone = handset()
    phone.text(number, "Hello")
    event = webhook_inbox.wait_for("agent.message")
    webhook_inbox.secret = secret
    assert event.body["data"]["message"] == "Hello"
    assert event.headers["x-webhook-id"] == event.id
    webhook_inbox.answer(500, {"why": "down"}, headers={"X-Mine": "1"}, times=2)
    phone.text(number, "Again")
    failed = webhook_inbox.wait_for()
    clock.advance(hours=1)
    last = webhook_inbox.wait_for(count=2)
    assert (last.id, last.raw) == (failed.id, failed.raw)
    assert [one.id for one in webhook_inbox.received] == [event.id, *[failed.id] * 3]
    with pytest.raises(AssertionError, match=r"0 of 1 agent.call_ended came (?s:.*)waited for before"):
        webhook_inbox.wait_for("agent.call_ended", timeout=0.05)


def test_a_webhook_that_the_secret_does_not_verify_fails_the_wait(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    number, _ = webhook(ringback, webhook_inbox, handset)
    webhook_inbox.secret = "whsec_somebody_elses"
    handset().text(number, "Hello")
    with pytest.raises(AssertionError, match="doesn't verify"):
        webhook_inbox.wait_for(timeout=5)


def test_a_hanging_endpoint_does_not_hold_the_end(
    ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    number, _ = webhook(ringback, webhook_inbox, handset)
    webhook_inbox.answer(delay=60)
    handset().text(number, "Hello")
    webhook_inbox.wait_for()


STRICT = ("-W", "error", "-p", "no:asyncio", "-p", "no:randomly", "-p", "no:rerunfailures")
USERS_TEST = """
import os, threading

os.environ["RINGBACK_NUMBER_LIMIT"] = "0"

def test_a_text(ringback, handset, webhook_inbox, clock, network):
    number = ringback.request("POST", "/v1/numbers", json={}).json
    phone = handset(personality="echo")
    ringback.request("POST", "/v1/messages", json={
        "number_id": number["id"], "to_number": phone.number, "body": "Marco"})
    phone.wait_for("Marco")
    clock.advance(days=30)
    network.set(latency_ms=1)
    assert ringback.settings.number_limit == 10

def test_another_server_each_time(ringback):
    assert ringback.request("GET", "/v1/numbers").json["total"] == 0

def test_nothing_is_left():
    names = [thread.name for thread in threading.enumerate()]
    assert names == ["MainThread"], names
"""


def test_a_users_project_needs_no_import(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USERS_TEST)
    pytester.makefile(".toml", ringback="port = 'a typo'\n")
    result = pytester.runpytest_subprocess(*STRICT, "-q")
    result.assert_outcomes(passed=3)


def test_settings_and_application_can_be_overridden(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest

        @pytest.fixture
        def ringback_settings():
            return {"number_limit": 0}

        @pytest.fixture
        def ringback_asgi():
            def wrap(app):
                async def outer(scope, receive, send):
                    seen.append(scope["path"])
                    await app(scope, receive, send)
                seen = outer.seen = []
                return outer
            return wrap
    """)
    pytester.makepyfile("""
        def test_a_limit(ringback):
            answer = ringback.request("POST", "/v1/numbers", json={})
            assert answer.json["error"]["code"] == "VALIDATION_ERROR_NUMBER_LIMIT"
    """)
    pytester.runpytest_inprocess(*STRICT).assert_outcomes(passed=1)


def test_a_wrong_setting_is_told_and_leaves_nothing(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest

        @pytest.fixture
        def ringback_settings():
            return {"number_limits": 3}
    """)
    pytester.makepyfile("def test_it(ringback): pass")
    result = pytester.runpytest_inprocess(*STRICT)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*number_limits*"])


def test_the_plugin_costs_other_tests_nothing(pytester: pytest.Pytester) -> None:
    """A run that asks for no fixture of ours loads neither the server nor anything it is made of."""
    pytester.makepyfile("""
        import sys

        def test_it():
            heavy = {"fastapi", "pydantic", "sqlalchemy", "uvicorn", "structlog", "aiohttp", "phonenumbers"}
            assert not heavy & set(sys.modules)
            assert {name for name in sys.modules if name.startswith("ringback.")} <= {
                "ringback.testing", "ringback.testing.plugin"}
    """)
    pytester.runpytest_subprocess(*STRICT).assert_outcomes(passed=1)


def test_without_the_vendors_client_the_fixture_says_so(
    ringback: Ringback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "agentphone", None)
    with pytest.raises(ModuleNotFoundError, match="pip install agentphone"):
        ringback.client()


def test_a_long_poll_does_not_hold_the_end(ringback: Ringback, handset: Handsets) -> None:
    phone = handset()
    waiting = threading.Thread(
        target=ringback.request,
        args=("GET", f"/sim/v1/handsets/{phone.id}/messages"),
        kwargs={"query": {"wait": 60}},
    )
    waiting.start()
    time.sleep(0.1)
    began = time.monotonic()
    ringback.stop()
    waiting.join(5)
    assert not waiting.is_alive()
    assert time.monotonic() - began < 1.5
