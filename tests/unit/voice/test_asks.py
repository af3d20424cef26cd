"""What a child asks its host: with one id however often, until it is answered."""

import asyncio
from typing import Any, cast

import pytest

from ringback.kit.clock import MovableClock
from ringback.kit.ids import IdMaker
from ringback.voice.child import asks as module
from ringback.voice.child.asks import NOT_KNOWN, Asks
from ringback.voice.protocol import CallPlan, Message

pytestmark = pytest.mark.unit

PLAN = cast(CallPlan, {"account_id": "acc_1", "call_id": "call_1"})


async def test_asked_again_with_the_same_id_until_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AGAIN_S", 0.05)
    sent: list[Message] = []
    asks = Asks(sent.append, IdMaker(MovableClock()))
    waiting = asyncio.create_task(cast(Any, asks.ask(PLAN, "send_text", {"text": "Hi"})))
    while len(sent) < 3:
        await asyncio.sleep(0.01)
    assert all(one == sent[0] for one in sent)
    assert {**sent[0], "id": ""} == {
        "op": "ask",
        "account": "acc_1",
        "call": "call_1",
        "id": "",
        "what": "send_text",
        "arguments": {"text": "Hi"},
    }
    asks.answered({"id": "ask_of_another", "answer": {}})
    asks.answered({"id": sent[0]["id"], "answer": {"status": "sent"}})
    asks.answered({"id": sent[0]["id"], "answer": {"status": "again"}})
    assert await waiting == {"status": "sent"}


async def test_a_host_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GIVEN_UP_S", 0.05)
    asks = Asks(lambda message: None, IdMaker(MovableClock()))
    assert await asks.ask(PLAN, "send_text", {}) == {"error": NOT_KNOWN}
