"""The webhook as a brain: what it is asked, and what becomes of every kind of answer. Over real sockets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ringback.kit.clock import MovableClock
from ringback.kit.http import OutgoingHttp
from ringback.kit.ids import IdMaker, is_id
from ringback.kit.signing import verify
from ringback.voice.brains.base import BrainFailed, Part, Said, UserTurn
from ringback.voice.brains.webhook import CANCELLED, MAX_ANSWER, WebhookBrain
from tests.unit.kit.endpoint import LOCAL, Behaviour, Talk, endpoint

pytestmark = pytest.mark.unit

SECRET = "whsec_of_a_test"
STATIC: dict[str, Any] = {
    "event": "agent.message",
    "channel": "voice",
    "agentId": "agt_1",
    "data": {"callId": "call_1", "status": "in-progress", "direction": "inbound"},
    "conversationState": {"step": 2},
    "recentHistory": [{"messageId": "msg_1", "content": "an earlier text"}],
}
TURN = UserTurn("turn_2", "what time is it", 0.8, before=(Said("turn_1", "agent", "Hello.", 1_000),))


def whole(body: bytes, kind: str = "application/json", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def answering(data: bytes) -> Behaviour:
    async def behave(talk: Talk) -> None:
        await talk.send(data)

    return behave


def streaming(*pieces: bytes, pause_s: float = 0.02, stay: bool = False) -> Behaviour:
    async def behave(talk: Talk) -> None:
        await talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson; charset=utf-8\r\n\r\n")
        for piece in pieces:
            await asyncio.sleep(pause_s)
            await talk.send(piece)
        if stay:
            await asyncio.sleep(30)
        talk.writer.close()

    return behave


class Asked:
    def __init__(self, port: int, **plan: Any) -> None:
        self.hooks: list[dict[str, Any]] = []
        self.http = OutgoingHttp(LOCAL)
        given = {
            "url": f"http://127.0.0.1:{port}/hook",
            "secret": SECRET,
            "timeout_s": 5.0,
            "context_limit": 10,
            "headers": {"X-Webhook-Event": "agent.message"},
            "payload": STATIC,
        }
        self.brain = WebhookBrain(
            given | plan, self.http, IdMaker(MovableClock()), self.hooks.append, request_id="req_1"
        )

    async def parts(self) -> list[Part]:
        return [part async for part in self.brain.answer(TURN)]


@asynccontextmanager
async def asked(behave: Behaviour, **plan: Any) -> AsyncIterator[tuple[Asked, Any]]:
    async with endpoint(behave) as it:
        one = Asked(it.port, **plan)
        try:
            yield one, it
        finally:
            await one.http.close()


async def test_what_is_posted() -> None:
    async with asked(answering(whole(b'{"text":"Noon."}')), previous_secret="whsec_old") as (it, web):
        assert await it.parts() == [Part("Noon.")]
        head, _, body = web.requests[0].partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:])
    timestamp = int(headers["x-webhook-timestamp"])
    assert verify(SECRET, timestamp, body, headers["x-webhook-signature"], now=time.time())
    assert verify("whsec_old", timestamp, body, headers["x-webhook-signature-previous"], now=time.time())
    assert (headers["x-webhook-event"], headers["x-request-id"]) == ("agent.message", "req_1")
    sent = json.loads(body)
    assert sent["data"] == STATIC["data"] | {"transcript": "what time is it", "confidence": 0.8}
    assert [one["content"] for one in sent["recentHistory"]] == ["an earlier text", "Hello."]
    assert sent["recentHistory"][1]["direction"] == "outbound"
    assert sent["conversationState"] == {"step": 2}
    (hook,) = it.hooks
    assert headers["x-webhook-id"] == hook["delivery_id"]
    assert is_id(hook["delivery_id"], "whd")
    assert (hook["http_status"], hook["error"], hook["answer"]) == (200, None, '{"text":"Noon."}')


@pytest.mark.parametrize(("limit", "left"), [(0, []), (1, ["Hello."])])
async def test_no_more_history_than_is_wanted(limit: int, left: list[str]) -> None:
    async with asked(answering(whole(b"{}")), context_limit=limit) as (it, web):
        await it.parts()
        sent = json.loads(web.requests[0].partition(b"\r\n\r\n")[2])
    assert [one["content"] for one in sent["recentHistory"]] == left


@pytest.mark.parametrize(
    ("body", "parts", "well"),
    [
        (b'{"text":"Hi."}', [Part("Hi.")], True),
        (b'{"text":"Bye.","hangup":true}', [Part("Bye.", hangup=True)], True),
        (b'{"text":"One moment.","action":"transfer"}', [Part("One moment.", transfer="")], True),
        (b'{"text":5,"hangup":"yes","action":7}', [Part()], True),
        (b"{}", [Part()], True),
        (b"", [Part()], True),
        (b"[1]", [], False),
        (b"null", [], False),
        (b"<html>", [], False),
    ],
)
async def test_one_object(body: bytes, parts: list[Part], well: bool) -> None:
    async with asked(answering(whole(body))) as (it, _):
        assert await it.parts() == parts
    assert (it.hooks[0]["error"] is None) is well


LARGE = b'{"text":"' + b"a" * MAX_ANSWER + b'"}'


async def test_an_answer_that_is_too_large_says_so_and_how_large_it_is() -> None:
    async with asked(answering(whole(LARGE))) as (it, _):
        assert await it.parts() == []
    assert it.hooks[0]["error"] == (
        f"an answer may have 262,144 bytes and this one has {len(LARGE):,} bytes; what is beyond was not read"
    )
    assert (it.hooks[0]["ok"], it.hooks[0]["http_status"]) == (False, 200)
    largest = b'{"text":"' + b"a" * (MAX_ANSWER - 11) + b'"}'
    async with asked(answering(whole(largest))) as (it, _):
        assert len((await it.parts())[0].text) == MAX_ANSWER - 11
    assert it.hooks[0]["error"] is None


async def test_a_stream_that_is_too_large_is_spoken_as_far_as_it_was_read() -> None:
    first = b'{"text":"One.","interim":true}\n'
    async with asked(streaming(first, LARGE)) as (it, _):
        assert await it.parts() == [Part("One.")]
    assert it.hooks[0]["error"] == (
        "an answer may have 262,144 bytes and this one has more; what is beyond was not read"
    )
    assert it.hooks[0]["ok"], "there was something to go by"


async def test_a_stream_is_taken_as_it_comes_and_bad_lines_are_left_out() -> None:
    pieces = (
        b'{"text":"One.","inte',
        b'rim":true}\n',
        b'not json\n[1,2]\n"text"\nnull\n\n',
        b'{"text":"Two.","hangup":true}\r\n',
    )
    async with asked(streaming(*pieces, pause_s=0.1, stay=True)) as (it, _):
        begun, times, parts = time.monotonic(), [], []
        async for part in it.brain.answer(TURN):
            times.append(time.monotonic() - begun)
            parts.append(part)
    assert parts == [Part("One."), Part("Two.", hangup=True)]
    assert times[1] - times[0] > 0.1, "the first is there before the last is sent"
    assert it.hooks[0]["http_status"] == 200
    assert it.hooks[0]["error"].startswith("4 of its lines were no JSON objects")


async def test_who_hangs_up_reads_no_further_and_is_not_cancelled() -> None:
    async with asked(streaming(b'{"text":"Bye.","hangup":true,"interim":true}\n', stay=True)) as (it, _):
        answer = it.brain.answer(TURN)
        assert await anext(answer) == Part("Bye.", hangup=True)
        await answer.aclose()
    assert (it.hooks[0]["ok"], it.hooks[0]["error"]) == (True, None)


async def test_a_stream_that_never_ends_is_left_after_its_last_line() -> None:
    async with asked(streaming(b'{"text":"One."}\n', stay=True), timeout_s=30.0) as (it, _):
        async with asyncio.timeout(3):
            assert await it.parts() == [Part("One.")]
    assert it.hooks[0]["error"] is None


async def test_lines_without_interim_are_all_spoken() -> None:
    async with asked(streaming(b'{"text":"One."}\n', b'{"text":"Two."}')) as (it, _):
        assert await it.parts() == [Part("One."), Part("Two.")]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (whole(b"broken", status="500 Internal Server Error"), "the endpoint answered 500"),
        (whole(b"", status="404 Not Found"), "the endpoint answered 404"),
        (b"", "closed the connection"),
    ],
)
async def test_failures(data: bytes, told: str) -> None:
    async def behave(talk: Talk) -> None:
        if data:
            await talk.send(data)
        talk.writer.close()

    async with asked(behave) as (it, _):
        with pytest.raises(BrainFailed, match=told) as raised:
            await it.parts()
    assert raised.value.reason == "webhook_error"
    assert told in it.hooks[0]["error"]


async def test_an_answer_that_is_late() -> None:
    async def behave(talk: Talk) -> None:
        await asyncio.sleep(10)

    async with asked(behave, timeout_s=0.3) as (it, _):
        with pytest.raises(BrainFailed, match="within"):
            await it.parts()
    assert it.hooks[0]["http_status"] is None
    assert 250 <= it.hooks[0]["ms"] < 1_500


async def test_who_is_not_waited_for_any_more_is_hung_up_on() -> None:
    gone = asyncio.Event()

    async def behave(talk: Talk) -> None:
        await talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n")
        await talk.send(b'{"text":"One.","interim":true}\n')
        while await talk.reader.read(100):
            pass
        gone.set()

    async with asked(behave) as (it, _):
        answer = it.brain.answer(TURN)
        assert await anext(answer) == Part("One.")
        await answer.aclose()
        async with asyncio.timeout(2):
            await gone.wait()
    assert it.hooks[0]["error"] == CANCELLED


async def test_a_connection_that_went_stale_between_two_turns_costs_no_answer() -> None:
    async def once_then_hang_up(talk: Talk) -> None:
        await talk.send(whole(b'{"text":"Yes."}'))
        await talk.request()

    async with asked(once_then_hang_up) as (it, there):
        assert await it.parts() == [Part("Yes.")]
        assert await it.parts() == [Part("Yes.")]
    assert there.connections == 2
    assert [hook["error"] for hook in it.hooks] == [None, None]
