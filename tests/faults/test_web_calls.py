"""Web calls that are not as they should be: wrong tokens, foreign pages, hostile frames, and a worker that dies."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from ringback.testing import Clock, Ringback, WebhookInbox
from tests.browsers import PROTOCOL, Page, connect, key, knock, web_call
from tests.callers import FAKE, alike, children, desk, turns, wait_for_end, wait_until
from tests.faults.killable import Killable
from tests.speech import need

pytestmark = [pytest.mark.fault, pytest.mark.timeout(150), pytest.mark.realtime]

BAD_TOKEN = 4401
FRAME = 324
OFFER = f"Sec-WebSocket-Protocol: {PROTOCOL}, web_0"
VERSION = "Sec-WebSocket-Version: 13"


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    need("voice", "pipecat", "numpy", "websockets")
    return FAKE


@pytest.fixture
def page(ringback: Ringback) -> Iterator[Page]:
    page = Page(ringback.base_url)
    yield page
    page.close()


def test_a_token_opens_one_call_once(ringback: Ringback, webhook_inbox: WebhookInbox, page: Page) -> None:
    agent, _, _ = desk(ringback, webhook_inbox)
    call = web_call(ringback, agent)
    page.open(call["accessToken"]).wait_started()
    second = Page(ringback.base_url).open(call["accessToken"])
    assert second.wait_closed() == BAD_TOKEN
    assert "make a new web call" in second.reason
    assert ringback.request("GET", f"/v1/calls/{call['callId']}").json["status"] == "in-progress"


def test_of_many_pages_with_one_token_one_is_let_in(ringback: Ringback, webhook_inbox: WebhookInbox) -> None:
    agent, _, _ = desk(ringback, webhook_inbox)
    token = web_call(ringback, agent)["accessToken"]
    pages = [Page(ringback.base_url) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda one: one.open(token), pages))
    for one in pages:
        one.wait_answered()
    assert sorted(one.code or 0 for one in pages) == [0, *[BAD_TOKEN] * 5]
    for one in pages:
        one.close()


def test_a_token_lasts_for_thirty_seconds(
    ringback: Ringback, webhook_inbox: WebhookInbox, clock: Clock, page: Page
) -> None:
    agent, _, _ = desk(ringback, webhook_inbox)
    call = web_call(ringback, agent)
    clock.advance(seconds=31)
    assert page.open(call["accessToken"]).wait_closed() == BAD_TOKEN
    assert "30 seconds" in page.reason
    seen = ringback.request("GET", f"/v1/calls/{call['callId']}").json
    assert (seen["status"], seen["disconnectionReason"]) == ("canceled", "user_hangup")


@pytest.mark.parametrize(
    "secret", ["web_nothing", "back_acct_1.call_1.0", "back_", "x", "web_" + "a" * 4_000]
)
def test_what_is_no_token(ringback: Ringback, secret: str) -> None:
    page = Page(ringback.base_url).open(secret)
    assert page.wait_closed() == BAD_TOKEN
    assert page.started is None


def test_the_ticket_of_another_call_opens_nothing(
    ringback: Ringback, webhook_inbox: WebhookInbox, page: Page
) -> None:
    agent, _, _ = desk(ringback, webhook_inbox)
    ticket = page.open(web_call(ringback, agent)["accessToken"]).wait_started()["ticket"]
    other = web_call(ringback, agent)["callId"]
    account, call, signature = ticket.split(".")
    forged = Page(ringback.base_url).open(f"{account}.{other}.{signature}")
    assert call != other
    assert forged.wait_closed() == BAD_TOKEN


def test_a_second_page_with_the_ticket_takes_the_place_of_the_first(
    ringback: Ringback, webhook_inbox: WebhookInbox, page: Page
) -> None:
    agent, _, _ = desk(ringback, webhook_inbox)
    ticket = page.open(web_call(ringback, agent)["accessToken"]).wait_started()["ticket"]
    second = Page(ringback.base_url).open(ticket)
    second.wait_started()
    assert page.wait_closed() == 4409
    second.say("who is talking now")
    assert alike(webhook_inbox.wait_for("agent.message", 10).body["data"]["transcript"], "who is talking now")
    second.close()


@pytest.mark.parametrize(
    ("lines", "status", "code"),
    [
        ([key(), VERSION], b"400", b"BAD_REQUEST"),
        ([key(), VERSION, "Sec-WebSocket-Protocol: web_0"], b"400", b"BAD_REQUEST"),
        ([key(), VERSION, f"{OFFER}, web_1"], b"400", b"BAD_REQUEST"),
        ([VERSION, OFFER], b"400", b"Sec-WebSocket-Key"),
        (["Sec-WebSocket-Key: !!!", VERSION, OFFER], b"400", b"Sec-WebSocket-Key"),
        ([key(), "Sec-WebSocket-Version: 8", OFFER], b"400", b"Sec-WebSocket-Version"),
        ([key(), VERSION, OFFER, "Origin: nonsense"], b"403", b"ORIGIN_NOT_ALLOWED"),
        ([key(), VERSION, OFFER, "Origin: http://["], b"403", b"ORIGIN_NOT_ALLOWED"),
    ],
)
def test_handshakes_that_are_none(ringback: Ringback, lines: list[str], status: bytes, code: bytes) -> None:
    said = knock(ringback, *lines)
    assert said.startswith(b"HTTP/1.1 " + status)
    assert code in said


def test_a_server_that_holds_no_calls_says_so(ringback: Ringback) -> None:
    token = web_call(ringback, desk(ringback)[0])["accessToken"]
    state = ringback.server.app.state
    state.parts = replace(state.parts, switchboard=None)
    page = Page(ringback.base_url).open(token)
    assert page.wait_closed() == 4503
    assert page.reason == "no calls can be held here"


def test_what_is_no_websocket_is_told_so(ringback: Ringback) -> None:
    answer = ringback.request("GET", "/v1/calls/web/connect", api_key=None)
    assert (answer.status, answer.json["error"]["code"]) == (426, "UPGRADE_REQUIRED")
    assert answer.headers["upgrade"] == "websocket"
    elsewhere = ringback.request("GET", "/healthz", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    assert elsewhere.status == 200, "an offer that nobody takes up is left out"


def test_who_does_not_wait_for_the_handshake_is_cut_off(
    ringback: Ringback, webhook_inbox: WebhookInbox
) -> None:
    agent, _, _ = desk(ringback, webhook_inbox)
    token = web_call(ringback, agent)["accessToken"]
    offer = f"Sec-WebSocket-Protocol: {PROTOCOL}, {token}"
    said = knock(ringback, key(), VERSION, offer, more=b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"101" not in said
    assert ringback.request("GET", "/healthz").status == 200


class TestOrigins:
    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        need("voice", "pipecat", "numpy", "websockets")
        return {**FAKE, "web_origins": ("https://shop.example",)}

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "http://shop.example", "null", "https://shop.example.evil.example"]
    )
    def test_a_page_of_another_origin_uses_up_no_token(
        self, ringback: Ringback, webhook_inbox: WebhookInbox, origin: str
    ) -> None:
        from websockets.exceptions import InvalidStatus

        agent, _, _ = desk(ringback, webhook_inbox)
        token = web_call(ringback, agent)["accessToken"]
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(ringback.base_url, [PROTOCOL, token], origin=origin),
        ):
            pass
        assert refused.value.response.status_code == 403
        with connect(ringback.base_url, [PROTOCOL, token], origin="https://shop.example") as line:
            assert '"started"' in line.recv(20)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (bytes(FRAME - 1), 1003),
        (bytes(FRAME + 2), 1003),
        (b"", 1003),
        ("nonsense", 1003),
        ("[1]", 1003),
        ("[" * 3_000, 1003),
        (bytes(5_000), 1009),
        ("x" * 5_000, 1009),
    ],
)
def test_frames_that_are_none_end_the_connection(
    ringback: Ringback, webhook_inbox: WebhookInbox, page: Page, frame: bytes | str, code: int
) -> None:
    agent, _, _ = desk(ringback, webhook_inbox)
    page.open(web_call(ringback, agent)["accessToken"]).wait_started()
    page.send(frame)
    assert page.wait_closed(5) == code
    assert children(ringback.settings.data), "its worker lives on"


def test_odd_messages_are_left_out(ringback: Ringback, webhook_inbox: WebhookInbox, page: Page) -> None:
    webhook_inbox.answer(body={"text": "Fine.", "hangup": True})
    agent, _, _ = desk(ringback, webhook_inbox)
    page.open(web_call(ringback, agent)["accessToken"]).wait_started()
    for odd in (
        "{}",
        '{"op": 7}',
        '{"op": "flushed", "n": 99, "played": -5}',
        '{"op": "flushed", "n": "1"}',
        '{"op": "digit", "digit": "12"}',
        '{"op": "started"}',
        '{"op": "flushed", "n": 1, "played": 1' + "0" * 2_000 + "}",
    ):
        page.send(odd)
    page.send(b"\xff\xff\xff\xff" + bytes(320))
    page.say("how are you")
    page.wait_for("Fine.")


def send_without_end(line: Any, frame: bytes) -> None:
    for _ in range(100_000):
        line.send(frame)
    line.recv(5)


def test_a_flood_is_cut_off_and_others_talk_on(ringback: Ringback, webhook_inbox: WebhookInbox) -> None:
    from websockets.exceptions import ConnectionClosed

    webhook_inbox.answer(body={"text": "I hear you.", "hangup": True})
    agent, _, _ = desk(ringback, webhook_inbox)
    good = Page(ringback.base_url).open(web_call(ringback, agent)["accessToken"])
    good.wait_started()
    with connect(ringback.base_url, [PROTOCOL, web_call(ringback, agent)["accessToken"]]) as flood:
        assert '"started"' in flood.recv(20)
        with pytest.raises(ConnectionClosed):
            send_without_end(flood, bytes(FRAME))
    good.say("do you hear me")
    good.wait_for("I hear you.")
    good.close()


def test_a_page_that_says_nothing_is_gone(ringback: Ringback, webhook_inbox: WebhookInbox) -> None:
    agent, _, _ = desk(ringback, webhook_inbox)
    call = web_call(ringback, agent)
    silent = Page(ringback.base_url, mute=True).open(call["accessToken"])
    silent.wait_started()
    seen = wait_for_end(ringback, call["callId"], 30)
    assert seen["disconnectionReason"] == "user_hangup"
    assert "did not come back" in seen["ringback"]["endingDetail"]
    silent.close()


def test_a_page_whose_worker_is_killed_goes_on_with_another(
    ringback: Ringback, webhook_inbox: WebhookInbox, page: Page
) -> None:
    webhook_inbox.answer(body={"text": "Yes I am. Goodbye.", "hangup": True})
    agent, _, _ = desk(ringback, webhook_inbox, beginMessage="Hello.")
    call = web_call(ringback, agent)
    ticket = page.open(call["accessToken"]).wait_started()["ticket"]
    page.wait_for("Hello.")
    wait_until(lambda: turns(ringback, call["callId"]), "the greeting is not told")
    (child,) = children(ringback.settings.data)
    os.kill(child, signal.SIGKILL)
    assert page.wait_closed(3) == 1006
    begun = time.monotonic()
    page.open(ticket).wait_started()
    assert time.monotonic() - begun < 10
    page.wait_for("cut off")
    page.wait_for("go on.")
    page.say("are you there")
    page.wait_for("Goodbye.")
    seen = wait_for_end(ringback, call["callId"])
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "agent_hangup")
    assert seen["ringback"]["resumed"] == 1
    webhook_inbox.wait_for("agent.call_ended")


def test_the_conversation_goes_on_without_the_server(killable: Killable, webhook_inbox: WebhookInbox) -> None:
    """The server is killed: no sound is lost, since none went through it."""
    webhook_inbox.answer(body={"text": "I never left. Goodbye.", "hangup": True})
    agent, _, _ = desk(killable, webhook_inbox, beginMessage="Hello.")
    call = web_call(killable, agent)
    page = Page(killable.base_url).open(call["accessToken"])
    page.wait_for("Hello.")
    killable.kill()
    page.say("is there still a server")
    page.wait_for("Goodbye.")
    assert page.wait_closed() == 1000
    killable.start()
    seen = wait_for_end(killable, call["callId"])
    assert (seen["status"], seen["disconnectionReason"]) == ("completed", "agent_hangup")
    assert turns(killable, call["callId"])[-1] == ("agent", "I never left. Goodbye.")
    page.close()
