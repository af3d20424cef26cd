"""Each personality leads to the receipts that sim.md promises."""

from typing import get_args

import pytest

from ringback.doors.sim import schemas
from ringback.sim import Network
from ringback.sim.errors import LineRefused
from ringback.sim.personalities import CALL_PERSONALITIES, TEXT_MANNERS
from tests.media import PNG, Web
from tests.unit.sim.conftest import MakeHandset, Side

pytestmark = pytest.mark.unit
HOURS = 3600


def test_the_door_knows_the_same_names() -> None:
    assert get_args(schemas.Personality) == tuple(TEXT_MANNERS)
    assert get_args(schemas.CallPersonality) == CALL_PERSONALITIES


async def bodies(network: Network, handset_id: str) -> list[tuple[str, str]]:
    found, _ = await network.list_texts(handset_id)
    return [(text.direction, text.body) for text in reversed(found)]


async def test_answers(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("answers")
    ref = await side.submit(ours, phone.e164, "hi")
    (event,) = await side.hear()
    assert (event.kind, event.data["ref"], event.data["status"], event.data["code"]) == (
        "receipt",
        ref,
        "delivered",
        None,
    )
    assert await bodies(network, phone.id) == [("in", "hi")]
    assert await network.idle()


@pytest.mark.parametrize(
    ("personality", "code"), [("blocks-you", "30004"), ("filtered", "30007"), ("unregistered", "30034")]
)
async def test_accepted_then_failed(
    network: Network, side: Side, handset: MakeHandset, personality: str, code: str
) -> None:
    ours, phone = await side.buy(), await handset(personality)
    ref = await side.submit(ours, phone.e164)
    (event,) = await side.hear()
    assert (event.data["ref"], event.data["status"], event.data["code"]) == (ref, "failed", code)
    assert await bodies(network, phone.id) == []


async def test_landline_is_refused_at_the_submit(side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("landline")
    with pytest.raises(LineRefused) as caught:
        await side.submit(ours, phone.e164)
    assert caught.value.code == "30006"
    assert await side.hear() == []


async def test_slow_receipt_comes_after_thirty_seconds(
    network: Network, side: Side, handset: MakeHandset
) -> None:
    ours, phone = await side.buy(), await handset("slow")
    await side.submit(ours, phone.e164)
    assert await bodies(network, phone.id) == [("in", "hello")]
    await side.advance(29.999)
    assert await side.hear() == []
    await side.advance(0.001)
    assert [event.data["status"] for event in await side.hear()] == ["delivered"]


async def test_unreachable_is_undelivered_after_its_validity(side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("unreachable")
    await side.submit(ours, phone.e164, validity_ms=2 * HOURS * 1000)
    await side.advance(2 * HOURS - 1)
    assert await side.hear() == []
    await side.advance(1)
    assert [event.data["code"] for event in await side.hear()] == ["30003"]


async def test_lost_receipt(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("lost-receipt")
    await side.submit(ours, phone.e164)
    await side.advance(100 * HOURS)
    assert await side.hear() == []
    assert await bodies(network, phone.id) == [("in", "hello")]


async def test_duplicate_receipt(side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("duplicate-receipt")
    ref = await side.submit(ours, phone.e164)
    assert [event.data["ref"] for event in await side.hear()] == [ref, ref]


async def test_late_receipt_is_heard_before_the_answer(
    network: Network, side: Side, handset: MakeHandset
) -> None:
    import asyncio

    ours, phone = await side.buy(), await handset("late-receipt")
    order: list[str] = []

    async def server() -> None:
        (event,) = await network.carrier_events(0, wait_s=5)
        order.append(f"receipt {event.data['ref']}")
        await network.acknowledge([event.token])

    async def submit() -> None:
        order.append(f"answer {await side.submit(ours, phone.e164)}")

    await asyncio.gather(server(), submit())
    first, second = (line.split() for line in order)
    assert (first[0], second[0]) == ("receipt", "answer")
    assert first[1] == second[1]


async def test_duplicate_sender(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("duplicate-sender")
    await network.send_text(phone.id, ours, "once")
    one, two = await side.hear()
    assert one.data == two.data
    assert one.data["body"] == "once"


@pytest.mark.parametrize("body", ["x" * 40 + "y" * 500, "ж" * 300, "short", "€" * 200 + "🙂" * 90])
async def test_out_of_order_parts_are_joined(
    network: Network, side: Side, handset: MakeHandset, body: str
) -> None:
    ours, phone = await side.buy(), await handset("out-of-order")
    await network.send_text(phone.id, ours, body)
    assert [event.data["body"] for event in await side.hear()] == [body]


async def test_stops_answers_the_first_text_only(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("stops")
    for _ in range(2):
        await side.submit(ours, phone.e164)
    heard = await side.hear()
    assert [event.data["body"] for event in heard if event.kind == "inbound"] == ["STOP"]


async def test_echo(network: Network, side: Side, handset: MakeHandset, web: Web) -> None:
    ours, phone = await side.buy(), await handset("echo")
    picture = web.put("/1.png", PNG)
    await side.submit(ours, phone.e164, "marco", media_urls=(picture,), channel="mms")
    inbound = [event.data for event in await side.hear() if event.kind == "inbound"]
    (arrived, echoed), _ = await network.list_texts(phone.id)
    assert [(one["from"], one["to"], one["body"], one["mediaUrls"], one["channel"]) for one in inbound] == [
        (phone.e164, ours, "marco", [arrived.media[0].url], "mms")
    ]
    assert (arrived.media, echoed.media) == (echoed.media, arrived.media)
    assert await bodies(network, phone.id) == [("in", "marco"), ("out", "marco")]


async def test_a_phone_without_pictures(network: Network, side: Side, web: Web) -> None:
    ours = await side.buy()
    phone = await network.create_handset(capabilities=["sms"])
    await side.submit(ours, phone.e164, "", media_urls=(web.put("/1.png", PNG),), channel="mms")
    assert [event.data["code"] for event in await side.hear()] == ["30011"]
