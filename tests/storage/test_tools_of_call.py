"""What calls ask of the server: done once for each id, whoever asks again, and refused in words for the model."""

import asyncio
import json
from typing import Any

import pytest

from ringback.flows import tools_of_call
from ringback.storage import schema
from ringback.storage.store import Store
from ringback.storage.tx import Row
from tests.storage.test_calls import ANN, Phones, phones
from tests.storage.world import LINE

pytestmark = pytest.mark.unit

__all__ = ["phones"]


async def serve(
    phones: Phones,
    call: Row,
    what: str,
    arguments: Any,
    *,
    id_: str = "ask_1",
    child: str = "c",
    store: Store | None = None,
) -> dict[str, Any]:
    asked = {
        "account": phones.world.account,
        "call": call["id"],
        "id": id_,
        "what": what,
        "arguments": arguments,
    }
    answer: dict[str, Any] = await phones.write(
        lambda tx: tools_of_call.serve(tx, LINE, asked, child=child), store
    )
    return answer


async def test_a_text_is_sent_once_for_each_id(phones: Phones) -> None:
    call = await phones.taken()
    first = await serve(phones, call, "send_text", {"text": "Main Street 1"})
    assert (first["status"], first["to"]) == ("sent", ANN)
    assert await serve(phones, call, "send_text", {"text": "Main Street 1"}) == first
    other = await serve(phones, call, "send_text", {"text": "Main Street 1"}, id_="ask_2")
    assert other["messageId"] != first["messageId"]
    sent = await phones.world.rows(schema.messages)
    assert {row["id"] for row in sent} == {first["messageId"], other["messageId"]}


async def test_racers_with_one_id_send_one_text(phones: Phones) -> None:
    call = await phones.taken()
    answers = await asyncio.gather(
        *(serve(phones, call, "send_text", {"text": "Main Street 1"}) for _ in range(8))
    )
    assert len({json.dumps(answer) for answer in answers}) == 1
    assert len(await phones.world.rows(schema.messages)) == 1


@pytest.mark.parametrize(
    ("what", "arguments", "why"),
    [
        ("send_text", {}, "text must be a string"),
        ("send_text", {"text": 7}, "text must be a string"),
        ("send_text", {"text": "x" * 1_601}, "text must be a string"),
        ("send_text", {"text": " "}, "must not be blank"),
        ("fly", {}, "nothing is called fly"),
    ],
)
async def test_what_is_refused_changes_nothing(
    phones: Phones, what: str, arguments: dict[str, Any], why: str
) -> None:
    call = await phones.taken()
    assert why in (await serve(phones, call, what, arguments))["error"]
    assert await phones.world.rows(schema.messages) == []


async def test_a_child_that_lost_the_call_does_nothing(phones: Phones) -> None:
    call = await phones.taken()
    told = await serve(phones, call, "send_text", {"text": "Hi"}, child="another")
    assert told == {"error": "this call is held by another by now"}
    assert await phones.world.rows(schema.messages) == []


async def test_texts_are_read_newest_last(phones: Phones) -> None:
    call = await phones.taken()
    assert await serve(phones, call, "read_texts", {}, id_="ask_0") == {"texts": []}
    for n in range(3):
        await serve(phones, call, "send_text", {"text": f"Text {n}"}, id_=f"ask_{n + 1}")
    read = await serve(phones, call, "read_texts", {"limit": 2}, id_="ask_9")
    assert [(one["from"], one["text"]) for one in read["texts"]] == [("you", "Text 1"), ("you", "Text 2")]
