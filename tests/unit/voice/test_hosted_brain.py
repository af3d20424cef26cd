"""The model as a brain: what it is told, when it speaks, and what becomes of its tools. With a model that is a real server."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from typing import Any

import pytest

from ringback.kit.clock import MovableClock
from ringback.kit.http import AddressPolicy, OutgoingHttp
from ringback.kit.ids import IdMaker
from ringback.llm.completions import ChatCompletions
from ringback.llm.protocol import Endpoint, ToolCall
from ringback.voice.brains.base import BrainFailed, Part, Said, UserTurn
from ringback.voice.brains.hosted import HostedBrain
from ringback.voice.brains.pieces import Pieces
from ringback.voice.brains.tools import ONE_MOMENT, Surroundings, Toolbox, arguments_of
from ringback.voice.child.makings import Around, make_brain
from tests.models import STALLS, Model, Reply, serving
from tests.toolshed import Shed, toolshed

pytestmark = pytest.mark.unit

FIRST = UserTurn("turn_1", "when do you open")
WEATHER = {"name": "weather", "description": "The weather.", "url": "", "method": "POST"}


class Desk:
    """A brain, and what it did."""

    def __init__(self, model: Model, shed: Shed, http: OutgoingHttp, **more: Any) -> None:
        self.pressed: list[str] = []
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.answer_s = 0.0
        tool = {**WEATHER, "url": f"{shed.url}/weather", **more.pop("tool", {})}
        around = Surroundings("call_1", http, self.press, self.ask)
        box = Toolbox([tool], around, texts=True, can_transfer=True)
        chat = ChatCompletions(http, Endpoint(model.url, "small", None, 1.0))
        self.brain = HostedBrain("Be kind.", chat, box, direction="You were called by +1")

    async def press(self, digits: str) -> None:
        self.pressed.append(digits)

    async def ask(self, what: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((what, arguments))
        await asyncio.sleep(self.answer_s)
        return {"status": "sent"}

    async def parts(self, turn: UserTurn = FIRST) -> list[Part]:
        async with aclosing(self.brain.answer(turn)) as found:
            return [part async for part in found]


@pytest.fixture
def model() -> Iterator[Model]:
    with serving(Reply(("Hello.",))) as made:
        yield made


@pytest.fixture
def shed() -> Iterator[Shed]:
    with toolshed() as made:
        yield made


@pytest.fixture
async def http() -> AsyncIterator[OutgoingHttp]:
    made = OutgoingHttp(AddressPolicy(loopback_allowed=True))
    yield made
    await made.close()


@pytest.fixture
def at_desk(model: Model, shed: Shed, http: OutgoingHttp) -> Desk:
    return Desk(model, shed, http)


def results(model: Model, n: int = -1) -> list[Any]:
    """What the model was told of its tools."""
    return [json.loads(one["content"]) for one in model.asked(n) if one["role"] == "tool"]


async def test_speech_begins_with_the_first_clause(at_desk: Desk, model: Model) -> None:
    model.will(Reply(("Well, as far as I can see, we ", "open at nine. And", " we close at five. Bye")))
    said = [part.text for part in await at_desk.parts()]
    assert said == ["Well, as far as I can see, ", "we open at nine. ", "And we close at five. ", "Bye"]


@pytest.mark.parametrize("size", [1, 3, 50])
def test_pieces_lose_nothing(size: int) -> None:
    text = "One, two. Three? Yes!\nA list\n- of things " + "word " * 200
    pieces = Pieces()
    found = [one for at in range(0, len(text), size) for one in pieces.feed(text[at : at + size])]
    assert "".join(found) + pieces.rest() == text == pieces.all
    assert max(map(len, found)) <= 400 + size


async def test_the_chat_is_what_was_said_and_heard(at_desk: Desk, model: Model) -> None:
    before = (
        Said("opening", "agent", "Hello.", 0),
        Said("turn_1", "user", "are you", 0),
        Said("turn_1", "agent", "Yes, we", 0),
        Said("turn_2", "user", "I want", 0),
    )
    await at_desk.parts(UserTurn("turn_3", "I want to pay 42", digits="42", before=before))
    assert [(one["role"], one["content"]) for one in model.asked()] == [
        ("assistant", "Hello."),
        ("user", "are you"),
        ("assistant", "Yes, we"),
        ("user", "I want"),
        ("user", "to pay (pressed the keys 42)"),
    ]
    system = model.requests[0]["messages"][0]
    assert system["content"].startswith("Be kind.\n\nYou are speaking on the phone.")
    assert "You were called by +1" in system["content"]


async def test_a_tool_is_asked_over_http_and_its_answer_told(at_desk: Desk, model: Model, shed: Shed) -> None:
    shed.body = {"sky": "blue"}
    model.will(Reply((), [("weather", {"city": "Bern"})]), Reply(("It is blue.",)))
    assert [part.text for part in await at_desk.parts()] == ["It is blue."]
    method, path, headers, body = shed.asked[0]
    assert (method, path, body) == ("POST", "/weather", {"city": "Bern"})
    assert headers["X-Ringback-Call-Id"] == "call_1"
    assert len(headers["Idempotency-Key"]) == 32
    assert results(model) == [{"sky": "blue"}]
    call = model.asked()[1]["tool_calls"][0]
    assert (call["function"]["name"], call["id"]) == ("weather", "call_0")


async def test_a_get_has_a_query_and_headers_of_the_tool(
    model: Model, shed: Shed, http: OutgoingHttp
) -> None:
    tool = {"method": "GET", "headers": {"X-Key": "k", "X-None": None}, "url": f"{shed.url}/w?unit=c"}
    model.will(Reply((), [("weather", {"city": "Z\u00fcrich", "days": 2})]), Reply(("Fine.",)))
    await Desk(model, shed, http, tool=tool).parts()
    method, path, headers, body = shed.asked[0]
    assert (method, path, body) == ("GET", "/w?unit=c&city=Z%C3%BCrich&days=2", None)
    assert headers["X-Key"] == "k"
    assert "X-None" not in headers


@pytest.mark.parametrize(
    ("tool", "said", "spoken"),
    [
        ({"execution_message": "Let me look."}, (), ["Let me look."]),
        ({"execution_message": "Let me look."}, ("Hm.",), ["Hm."]),
        ({"execution_message": "Let me look.", "speak_during_execution": False}, (), []),
        ({"speak_during_execution": True}, (), [ONE_MOMENT]),
        ({}, (), []),
    ],
)
async def test_what_is_said_while_a_tool_runs(
    model: Model,
    shed: Shed,
    http: OutgoingHttp,
    tool: dict[str, Any],
    said: tuple[str, ...],
    spoken: list[str],
) -> None:
    model.will(Reply(said, [("weather", {})]), Reply(("Blue.",)))
    desk = Desk(model, shed, http, tool=tool)
    assert [part.text for part in await desk.parts()] == [*spoken, "Blue."]


@pytest.mark.parametrize(
    ("status", "late_s", "arguments", "told"),
    [
        (500, 0.0, {}, "the tool's endpoint answered 500"),
        (200, 1.5, {}, "no complete answer from"),
        (200, 0.0, "{no json", "the arguments are no JSON object"),
        (200, 0.0, "[1]", "the arguments are no JSON object"),
    ],
)
async def test_a_tool_that_fails_is_told_to_the_model(
    model: Model, shed: Shed, http: OutgoingHttp, status: int, late_s: float, arguments: Any, told: str
) -> None:
    shed.status, shed.late_s = status, late_s
    model.will(Reply((), [("weather", arguments)]), Reply(("I can't see it.",)))
    desk = Desk(model, shed, http, tool={"timeout_ms": 1_000})
    assert [part.text for part in await desk.parts()] == ["I can't see it."]
    assert told in results(model)[0]["error"]


async def test_tools_that_nobody_has(at_desk: Desk, model: Model) -> None:
    model.will(Reply((), [("fly", {}), ("press_digits", {"digits": "12x"})]), Reply(("No.",)))
    await at_desk.parts()
    assert [one["error"] for one in results(model)] == [
        "there is no tool fly",
        "digits must be 1 to 64 of 0123456789*#ABCDw",
    ]
    assert at_desk.pressed == []


async def test_keys_are_pressed_when_the_agent_is_silent(at_desk: Desk, model: Model) -> None:
    model.will(Reply(("Wait.",), [("press_digits", {"digits": "1 2#"})]), Reply())
    order: list[str] = []
    async with aclosing(at_desk.brain.answer(FIRST)) as parts:
        async for part in parts:
            order.append("waits" if part.waits else part.text)
            assert at_desk.pressed == []
    assert order == ["Wait.", "waits"]
    assert at_desk.pressed == ["12#"]


async def test_transfer_and_end(at_desk: Desk, model: Model) -> None:
    model.will(Reply((), [("transfer_call", {"say": "One moment."})]))
    assert await at_desk.parts() == [Part("One moment.", transfer="")]
    model.will(Reply(("Bye now.",), [("end_call", {"say": "Goodbye."})]))
    assert await at_desk.parts() == [Part("Bye now."), Part("", hangup=True)]
    assert len(model.requests) == 2, "who leaves asks no further"


async def test_what_is_under_way_is_finished_when_the_caller_interrupts(at_desk: Desk, model: Model) -> None:
    at_desk.answer_s = 0.3
    model.will(Reply((), [("send_text", {"text": "Main Street 1"})]), Reply(("Done.",)))

    async def listen() -> None:
        await at_desk.parts()

    task = asyncio.create_task(listen())
    while not at_desk.asked:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    before = (Said("turn_1", "user", FIRST.text, 0),)
    await at_desk.parts(UserTurn("turn_2", f"{FIRST.text} hello", before=before))
    assert results(model) == [{"status": "still under way; don't ask for it again"}]
    await asyncio.sleep(0.4)
    await at_desk.parts(UserTurn("turn_3", f"{FIRST.text} hello", before=before))
    assert results(model) == [{"status": "sent"}], "told at the turn in which it was asked for"
    assert [one["role"] for one in model.asked()] == ["user", "assistant", "tool", "user"]
    assert at_desk.asked == [("send_text", {"text": "Main Street 1"})]


async def test_answers_that_are_none(at_desk: Desk, model: Model) -> None:
    model.will(Reply())
    with pytest.raises(BrainFailed, match="answered nothing"):
        await at_desk.parts()
    model.will(Reply((), [("weather", {})]))
    with pytest.raises(BrainFailed, match="asked for tools 8 times") as failed:
        await at_desk.parts()
    assert (failed.value.reason, failed.value.side) == ("llm_error", "llm")
    model.will(Reply(status=401, error={}))
    with pytest.raises(BrainFailed) as failed:
        await at_desk.parts()
    assert failed.value.lasting


async def test_leaving_hangs_up_on_the_model(at_desk: Desk, model: Model) -> None:
    model.will(Reply(("One sentence of this. Two",), ends=STALLS))
    async with aclosing(at_desk.brain.answer(FIRST)) as parts:
        assert (await anext(parts)).text == "One sentence of this. "
    async with asyncio.timeout(2):
        while not model.hung_up:
            await asyncio.sleep(0.02)


def test_a_tool_of_the_agents_takes_the_place_of_ours(http: OutgoingHttp) -> None:
    async def nothing(*told: Any) -> Any: ...

    own = {**WEATHER, "name": "end_call", "description": "Ours.", "parameters": {"why": {"type": "string"}}}
    box = Toolbox([own], Surroundings("call_1", http, nothing, nothing), texts=False, can_transfer=False)
    assert [tool.name for tool in box.offered] == ["press_digits", "end_call"]
    assert box.offered[-1].parameters == {"type": "object", "properties": {"why": {"type": "string"}}}
    assert not box.ends(ToolCall("1", "end_call", "{}"))


def test_arguments_that_are_no_object_are_none() -> None:
    for text in ("[]", "{", "1", '{"a":' * 70 + "1" + "}" * 70, '{"a":' * 50_000):
        assert arguments_of(ToolCall("1", "look", text)) is None, text[:20]
    assert arguments_of(ToolCall("1", "look", "")) == {}


@pytest.mark.parametrize(
    ("direction", "party", "said", "texts"),
    [
        ("inbound", "+14155550114", "You were called by +14155550114.", True),
        ("outbound", "+14155550114", "You have called +14155550114.", True),
        ("web", "web", "You were called from a web page.", False),
    ],
)
def test_made_after_a_plan(http: OutgoingHttp, direction: str, party: str, said: str, texts: bool) -> None:
    async def nothing(*told: Any) -> Any: ...

    ours = "+16505550100"
    plan: Any = {
        "call_id": "call_1",
        "direction": direction,
        "from": ours if direction == "outbound" else party,
        "to": party if direction == "outbound" else ours,
        "agent": {"transfer_number": "+14155550115"},
        "brain": {
            "kind": "hosted",
            "prompt": None,
            "tier": "turbo",
            "model": {"url": "http://127.0.0.1:9/v1", "model": "m", "key": None, "silence_s": 1.0},
            "tools": [],
            "messaging": True,
        },
    }
    around = Around(http, http, IdMaker(MovableClock()), lambda hook: None, nothing, nothing)
    brain = make_brain(plan, around)
    assert isinstance(brain, HostedBrain)
    assert said in brain._system
    names = {tool.name for tool in brain._tools.offered}
    assert names == {"end_call", "transfer_call", "press_digits"} | (
        {"send_text", "read_texts"} if texts else set()
    )
