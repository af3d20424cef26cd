"""The client of models: what it asks, what it makes of every kind of answer, and how long it bears a silence. Over real
sockets."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ringback.kit.http import AddressPolicy, OutgoingHttp
from ringback.llm.chunks import Answer
from ringback.llm.completions import ChatCompletions
from ringback.llm.looking import trouble_of
from ringback.llm.protocol import Endpoint, ModelFailed, Tool, ToolCall
from tests.models import DIES, STALLS, STOPS, Model, Reply, serving

pytestmark = pytest.mark.unit

ASK = [{"role": "user", "content": "Where are you?"}]
TOOL = Tool("look", "Looks.", {"type": "object", "properties": {"where": {"type": "string"}}})
SILENCE_S = 0.6


@pytest.fixture
async def http() -> AsyncIterator[OutgoingHttp]:
    made = OutgoingHttp(AddressPolicy(loopback_allowed=True))
    yield made
    await made.close()


def at(model: Model, key: str | None = "a key") -> Endpoint:
    return Endpoint(model.url, "small", key, SILENCE_S)


async def said(http: OutgoingHttp, model: Model) -> list[str | ToolCall]:
    async with aclosing(ChatCompletions(http, at(model)).answer(ASK, [TOOL])) as parts:
        return [part async for part in parts]


async def failure(http: OutgoingHttp, model: Model) -> tuple[list[str], ModelFailed]:
    """What was said before it failed, and how it did."""
    parts: list[str] = []

    async def listen() -> None:
        async with aclosing(ChatCompletions(http, at(model)).answer(ASK)) as found:
            async for part in found:
                parts.insert(len(parts), str(part))

    with pytest.raises(ModelFailed) as failed:
        await listen()
    return parts, failed.value


async def test_a_stream_is_told_piece_by_piece_and_asked_for_with_key_model_and_tools(
    http: OutgoingHttp,
) -> None:
    with serving(Reply(("In the ", 0.05, "kitchen, caf\u00e9."))) as model:
        assert await said(http, model) == ["In the ", "kitchen, caf\u00e9."]
        assert model.keys == ["Bearer a key"]
        asked = model.requests[0]
        assert (asked["model"], asked["stream"], asked["messages"]) == ("small", True, ASK)
        assert asked["tools"] == [
            {
                "type": "function",
                "function": {"name": "look", "description": "Looks.", "parameters": TOOL.parameters},
            }
        ]


async def test_answers_one_after_another_use_one_connection(http: OutgoingHttp) -> None:
    with serving(Reply(("Here.",))) as model:
        for _ in range(3):
            assert await said(http, model) == ["Here."]
        assert model.connections == 1


@pytest.mark.parametrize("whole", [False, True])
async def test_tool_calls_come_after_the_text(http: OutgoingHttp, whole: bool) -> None:
    calls = [("look", {"where": "kitchen"}), ("look", {"where": "garden"})]
    with serving(Reply(("Wait.",), calls, whole=whole)) as model:
        assert await said(http, model) == [
            "Wait.",
            ToolCall("call_0", "look", '{"where": "kitchen"}'),
            ToolCall("call_1", "look", '{"where": "garden"}'),
        ]


async def test_a_stall_ends_after_the_silence_that_is_borne_whatever_comments_come(
    http: OutgoingHttp,
) -> None:
    for reply in (Reply(ends=STALLS), Reply(("One. ",), ends=STALLS), Reply(ends=STALLS, comments=True)):
        with serving(reply) as model:
            begun = time.monotonic()
            parts, failed = await failure(http, model)
            assert SILENCE_S <= time.monotonic() - begun < SILENCE_S + 1
            assert parts == list(reply.says)
            assert failed.message == "the model said nothing for 0.6 s"
            assert len(model.requests) == 1, "whoever waited so long is not made to wait again"


async def test_a_slow_answer_is_no_stall(http: OutgoingHttp) -> None:
    with serving(Reply(("One ", 0.4, "two ", 0.4, "three ", 0.4, "four."))) as model:
        assert await said(http, model) == ["One ", "two ", "three ", "four."]


@pytest.mark.parametrize("ends", [DIES, STOPS])
async def test_a_death_in_the_middle_is_told_and_not_asked_again(http: OutgoingHttp, ends: str) -> None:
    with serving(Reply(("We are open",), ends=ends)) as model:
        parts, failed = await failure(http, model)
        assert parts == ["We are open"]
        assert failed.message == "the model broke off in the middle of its answer"
        assert len(model.requests) == 1


@pytest.mark.parametrize(
    "first", [Reply(ends=DIES), Reply(status=503, error="busy"), Reply(status=429, error={}, retry_after="1")]
)
async def test_what_fails_before_the_first_word_is_asked_again(http: OutgoingHttp, first: Reply) -> None:
    with serving(first, Reply(("Here.",))) as model:
        assert await said(http, model) == ["Here."]
        assert len(model.requests) == 2


async def test_a_model_that_is_busy_for_longer_is_not_waited_for(http: OutgoingHttp) -> None:
    with serving(Reply(status=429, error={"error": {"message": "slow down"}}, retry_after="30")) as model:
        begun = time.monotonic()
        _, failed = await failure(http, model)
        assert time.monotonic() - begun < 0.5
        assert (failed.message, failed.detail, failed.lasting) == (
            "the model's endpoint answered 429",
            "slow down",
            False,
        )


@pytest.mark.parametrize(
    ("status", "tries", "lasting"), [(401, 1, True), (404, 1, True), (400, 1, False), (500, 3, False)]
)
async def test_refusals(http: OutgoingHttp, status: int, tries: int, lasting: bool) -> None:
    error = {"error": {"message": "Incorrect API key provided: a k*y"}}
    with serving(Reply(status=status, error=error)) as model:
        _, failed = await failure(http, model)
        assert failed.message == f"the model's endpoint answered {status}"
        assert failed.lasting is lasting
        assert len(model.requests) == tries
        assert (failed.detail is None) is (status == 401), "what is said of a key may hold a part of it"


async def test_nobody_there(http: OutgoingHttp) -> None:
    with serving(Reply()) as model:
        pass
    _, failed = await failure(http, model)
    assert failed.message == "the model can't be reached"


async def test_leaving_hangs_up(http: OutgoingHttp) -> None:
    with serving(Reply(("One. ",), ends=STALLS)) as model:
        async with aclosing(ChatCompletions(http, at(model)).answer(ASK)) as parts:
            assert await anext(parts) == "One. "
        async with asyncio.timeout(2):
            while not model.hung_up:
                await asyncio.sleep(0.02)


async def test_whether_a_model_is_there(http: OutgoingHttp) -> None:
    with serving(Reply()) as model:
        assert await trouble_of(http, [at(model)]) is None
        assert model.keys == ["Bearer a key"]
        other = Endpoint(model.url, "huge", None, 1.0)
        assert await trouble_of(http, [at(model), other]) == f"{model.url} has no model huge: set llm_model"
        model.will(Reply(status=401, error={}))
        told = f"{model.url} does not take the key (it answered 401): set llm_key"
        assert await trouble_of(http, [at(model)]) == told
        model.will(Reply(status=404, error={}))
        assert await trouble_of(http, [at(model)]) is None, "an endpoint need not list its models"
    nobody = Endpoint("http://127.0.0.1:1/v1", "small")
    assert "could not connect" in str(await trouble_of(http, [nobody]))


@pytest.mark.parametrize("data", ["[" * 50_000, '{"choices":' * 70 + "1" + "}" * 70, "nul"])
def test_an_event_that_is_no_answer_fails_in_words(data: str) -> None:
    with pytest.raises(ModelFailed) as failed:
        list(Answer().take(data))
    assert failed.value.message == "the model's answer was not understood"
