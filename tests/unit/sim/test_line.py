"""The line itself: handsets, delay, loss, pace, registration, and the memory of the network."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ringback.kit.clock import MovableClock
from ringback.sim import Network
from ringback.sim.errors import BadInput, HandsetNotFound, HandsetOffline, LineRefused, LineThrottled
from ringback.sim.texts import Cursor
from tests.unit.sim.conftest import START_MS, MakeHandset, Side

pytestmark = pytest.mark.unit


async def test_an_unknown_number_becomes_a_handset(network: Network, side: Side) -> None:
    ours = await side.buy()
    await side.submit(ours, "+442079460123", "hello, you")
    ((phone,), total) = await network.list_handsets()
    assert (phone.e164, phone.country, phone.personality, total) == ("+442079460123", "GB", "answers", 1)
    assert (await network.list_texts(phone.id))[0][0].body == "hello, you"


async def test_strict_makes_it_unreachable(tmp_path: Path, clock: MovableClock) -> None:
    network = Network(tmp_path / "strict.db", clock, handsets="strict")
    await network.start()
    side = Side(network, clock)
    await side.submit(await side.buy(), "+14155550123", validity_ms=60_000)
    assert await network.list_handsets() == ([], 0)
    await side.advance(60)
    assert [event.data["code"] for event in await side.hear()] == ["30003"]
    await network.stop()


async def test_agents_text_each_other(network: Network, side: Side) -> None:
    one, two = await side.buy(), await side.buy()
    ref = await side.submit(one, two, "from one of us")
    inbound, receipt = await side.hear()
    assert (inbound.kind, inbound.data["from"], inbound.data["to"]) == ("inbound", one, two)
    assert (receipt.data["ref"], receipt.data["status"]) == (ref, "delivered")


async def test_released_numbers_refuse_texts(network: Network, side: Side, handset: MakeHandset) -> None:
    one, two, phone = await side.buy(), await side.buy(), await handset("answers")
    await network.release(two)
    with pytest.raises(LineRefused) as caught:
        await side.submit(one, two)
    assert caught.value.code == "30005"
    with pytest.raises(LineRefused):
        await side.submit(two, phone.e164)
    sent = await network.send_text(phone.id, two, "hello?")
    assert (sent.status, sent.code) == ("failed", "30005")


async def test_what_a_handset_is_told(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("answers")
    typed = f"({ours[2:5]}) {ours[5:8]}-{ours[8:]}"
    sent = await network.send_text(phone.id, typed, "hi")
    assert (sent.recipient, sent.status, sent.channel) == (ours, "sent", "sms")
    await side.hear()
    assert [text.status for text in (await network.list_texts(phone.id))[0]] == ["delivered"]
    events = await network.events_after(0, phone.id)
    assert [event.kind for event in events] == ["message", "receipt"]
    told = [event.data("") for event in events]
    assert '"status":"sent"' in told[0]
    assert '"status":"delivered"' in told[1]
    assert "\n" not in told[0] + told[1]


@pytest.mark.parametrize(
    ("field", "draft"),
    [
        ("body", {"body": "a\x00b"}),
        ("body", {"body": "\ud800"}),
        ("body", {"body": ""}),
        ("body", {"body": "x" * 10_001}),
        ("to", {"to": "nobody", "body": "x"}),
        ("mediaUrls.1", {"media_urls": ["http://a.test/", "ftp://x"]}),
        ("mediaUrls", {"media_urls": ["http://a.test/"] * 11}),
        ("channel", {"body": "x", "channel": "fax"}),
    ],
)
async def test_wrong_texts_are_refused(
    network: Network, handset: MakeHandset, field: str, draft: dict[str, Any]
) -> None:
    phone = await handset("answers")
    with pytest.raises(BadInput) as caught:
        await network.send_text(phone.id, **{"to": "+14155550100", **draft})
    assert caught.value.field == field
    assert (await network.list_texts(phone.id))[0] == []


async def test_offline_texts_wait_in_order_until_they_expire(
    network: Network, side: Side, handset: MakeHandset
) -> None:
    ours, phone = await side.buy(), await handset("answers")
    await network.change_handset(phone.id, {"online": False})
    short = await side.submit(ours, phone.e164, "short-lived", validity_ms=60_000)
    for body in ("one", "two"):
        await side.submit(ours, phone.e164, body, validity_ms=3_600_000)
    with pytest.raises(HandsetOffline):
        await network.send_text(phone.id, ours, "no signal")
    await side.advance(61)
    assert [(event.data["ref"], event.data["code"]) for event in await side.hear()] == [(short, "30003")]
    await network.change_handset(phone.id, {"online": True})
    assert [text.body for text in (await network.list_texts(phone.id))[0]] == ["two", "one"]
    assert [event.data["status"] for event in await side.hear()] == ["delivered", "delivered"]
    await side.advance(7200)
    assert await side.hear() == []


async def test_latency_and_jitter(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("answers")
    await network.change_settings({"latency_ms": 2000, "jitter_ms": 500})
    await side.submit(ours, phone.e164)
    await side.advance(1.4)
    assert (await network.list_texts(phone.id))[0] == []
    await side.advance(1.2)
    assert len((await network.list_texts(phone.id))[0]) == 1
    assert await side.hear() == []
    await side.advance(2.5)
    assert len(await side.hear()) == 1
    await network.send_text(phone.id, ours, "back")
    assert await side.hear() == []
    await side.advance(2.5)
    assert [event.data["body"] for event in await side.hear()] == ["back"]


async def test_loss_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    async def world(name: str) -> list[str]:
        clock = MovableClock(frozen_ms=START_MS)
        network = Network(tmp_path / name, clock)
        await network.start()
        side = Side(network, clock)
        ours, phone = await side.buy(), await network.create_handset()
        await network.change_settings({"loss_percent": 30})
        for n in range(60):
            await side.submit(ours, phone.e164, str(n), validity_ms=1000)
        arrived = [text.body for text in (await network.list_texts(phone.id, limit=200))[0]]
        await side.advance(1)
        codes = [event.data["code"] for event in await side.hear()]
        assert codes.count(None) == len(arrived)
        assert codes.count("30008") == 60 - len(arrived)
        await network.stop()
        return arrived

    one, two = await world("a"), await world("b")
    assert one == two
    assert 25 < len(one) < 58


async def test_messages_per_second(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("answers")
    await network.change_settings({"messages_per_second": 2})
    for _ in range(2):
        await side.submit(ours, phone.e164)
    with pytest.raises(LineThrottled):
        await side.submit(ours, phone.e164)
    await side.advance(1)
    await side.submit(ours, phone.e164)


async def test_registration_holds_at_once(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("answers")
    british = await side.buy("GB")
    assert network.outbound_sms(ours, "US") == "enabled"
    for registration in ("never", "review"):
        await network.change_settings({"registration": registration})
        assert network.outbound_sms(ours, "US") == "registration_required"
        assert network.outbound_sms(british, "GB") == "enabled"
    await side.submit(ours, phone.e164)
    assert [event.data["code"] for event in await side.hear()] == ["30034"]


async def test_settings_change_all_or_nothing(network: Network) -> None:
    before = await network.get_settings()
    for wrong, field in (
        ({"latency_ms": 5, "loss_percent": 101}, "lossPercent"),
        ({"latency_ms": 5, "inventory": {"415": 1}}, "inventory"),
        ({"latency_ms": -1}, "latencyMs"),
    ):
        with pytest.raises(BadInput) as caught:
            await network.change_settings(wrong)
        assert caught.value.field == field
    assert await network.get_settings() == before


async def test_a_walk_meets_every_text_once(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("answers")
    for n in range(7):
        await side.submit(ours, phone.e164, str(n))
    newest, _ = await network.list_texts(phone.id, limit=200)
    assert len({text.at_ms for text in newest}) == 7
    for by_id in (True, False):
        seen: list[str] = []
        cursor, more = None, True
        while more:
            page, more = await network.list_texts(phone.id, limit=2, before=cursor)
            seen += [text.body for text in page]
            cursor = Cursor(id=page[-1].id) if by_id else Cursor(at_ms=page[-1].at_ms)
        assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    page, more = await network.list_texts(phone.id, limit=2, after=Cursor(id=newest[-1].id))
    assert ([text.body for text in page], more) == (["2", "1"], True)
    with pytest.raises(BadInput):
        await network.list_texts(phone.id, after=Cursor(id="hsm_nowhere"))


async def test_waiting_for_a_text(network: Network, side: Side, handset: MakeHandset) -> None:
    ours, phone = await side.buy(), await handset("answers")
    waiting = asyncio.create_task(network.list_texts(phone.id, wait_s=10))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await side.submit(ours, phone.e164, "at last")
    found, _ = await asyncio.wait_for(waiting, 2)
    assert [text.body for text in found] == ["at last"]
    assert await network.list_texts(phone.id, after=Cursor(id=found[0].id), wait_s=0.05) == ([], False)


async def test_handsets(network: Network) -> None:
    one = await network.create_handset(name="Desk", personality="slow", call_personality="busy")
    two = await network.create_handset(phone_number="(415) 555-0112", capabilities=["voice", "sms"])
    assert two.e164 == "+14155550112"
    assert two.capabilities == ("sms", "voice")
    assert await network.list_handsets(limit=1) == ([two], 2)
    changed = await network.change_handset(one.id, {"name": None, "personality": "echo", "online": False})
    assert (changed.name, changed.personality, changed.online) == (None, "echo", False)
    assert await network.get_handset(one.id) == changed
    with pytest.raises(BadInput):
        await network.change_handset(one.id, {"personality": "grumpy"})
    await network.delete_handset(one.id)
    with pytest.raises(HandsetNotFound):
        await network.get_handset(one.id)
    for wrong, field in (
        ({"country": "USA"}, "country"),
        ({"country": "XX"}, "country"),
        ({"area_code": "999"}, "areaCode"),
        ({"country": "GB", "area_code": "415"}, "areaCode"),
        ({"phone_number": "12"}, "phoneNumber"),
        ({"name": "a\x00"}, "name"),
    ):
        with pytest.raises(BadInput) as caught:
            await network.create_handset(**wrong)
        assert caught.value.field == field


async def test_handsets_text_each_other_without_a_loop(network: Network, handset: MakeHandset) -> None:
    one, two = await handset("echo"), await handset("echo")
    sent = await network.send_text(one.id, two.e164, "ping")
    assert sent.status == "delivered"
    assert len((await network.list_texts(two.id))[0]) == 1


async def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    path, clock = tmp_path / "network.db", MovableClock(frozen_ms=START_MS)
    first = Network(path, clock)
    await first.start()
    side = Side(first, clock)
    ours, phone, slow = (
        await side.buy(),
        await first.create_handset(),
        await first.create_handset(personality="slow"),
    )
    await first.change_settings({"latency_ms": 0, "seed": 7, "inventory": {"US-415": 3}})
    fault = await first.create_fault("throttled", recipient="+14155550111", count=2)
    ref = await side.submit(ours, phone.e164, "before")
    await side.submit(ours, slow.e164)
    unheard = await first.carrier_events()
    # As after a kill: a second process opens the files while the first one never closed them.
    second = Network(path, clock)
    await second.start()
    assert await second.carrier_events() == unheard
    assert unheard[0].data["ref"] == ref
    await second.acknowledge([event.token for event in unheard])
    assert (await second.list_faults())[0] == [fault]
    assert (await second.get_settings()).seed == 7
    assert (await second.list_texts(phone.id))[0][0].body == "before"
    other_side = Side(second, clock)
    await other_side.advance(30)
    (late,) = await second.carrier_events(int(unheard[-1].token))
    assert late.data["status"] == "delivered"
    assert int(late.token) > int(unheard[-1].token)
    await second.stop()
    await first.stop()


async def test_a_running_clock_fires_by_itself(tmp_path: Path) -> None:
    network = Network(tmp_path / "network.db", MovableClock())
    await network.start()
    side = Side(network, MovableClock())
    ours, phone = await side.buy(), await network.create_handset()
    await network.change_settings({"latency_ms": 40})
    await side.submit(ours, phone.e164)
    assert not await network.carrier_events()
    (event,) = await network.carrier_events(wait_s=3)
    assert event.kind == "receipt"
    await network.stop()
