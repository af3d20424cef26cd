"""What a bad line does to audio, and what becomes of calls whose server is lost, moved or bridged."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from ringback.sim.exchange import manners
from tests.calling import World, world
from tests.legs import Leg

pytestmark = [pytest.mark.fault, pytest.mark.realtime]
QUIET = {"pauseMs": 60_000}


async def listening(line: World, seconds: float, **settings: float) -> Leg:
    """A leg that has heard a silent handset for so long, over a line that is like that from the first packet on."""
    await line.network.change_settings(dict(settings))
    await line.call(await line.handset(), QUIET)
    leg = await line.answer()
    await asyncio.sleep(seconds)
    return leg


def sequences(leg: Leg) -> list[int]:
    return [packet.sequence for _, packet in leg.arrivals]


def transits_ms(leg: Leg) -> list[float]:
    """How much later than the fastest each packet came, by its timestamp."""
    late = [at * 1000 - packet.timestamp / 8 for at, packet in leg.arrivals]
    return [one - min(late) for one in late]


async def test_packets_come_every_20_ms_and_none_is_lost(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        leg = await listening(line, 4)
        assert all(after - before == 1 for before, after in pairwise(sequences(leg)))
        assert all(
            after.timestamp - before.timestamp == 160 for (_, before), (_, after) in pairwise(leg.arrivals)
        )
        assert 190 <= len(leg.arrivals) <= 205
        late = sorted(transits_ms(leg))
        assert late[len(late) // 2] < 10


async def test_loss_is_as_many_packets_as_asked_for(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        leg = await listening(line, 8, loss_percent=10)
        sent = sequences(leg)[-1] - sequences(leg)[0] + 1
        assert 0.05 <= 1 - len(leg.arrivals) / sent <= 0.16


async def test_latency_is_between_a_word_and_its_hearing(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        await line.network.change_settings({"latency_ms": 300})
        call = await line.call(
            await line.handset(), {"waitForSilenceMs": 300}, {"say": "there"}, {"hangup": True}
        )
        leg = await line.answer()
        loop = asyncio.get_running_loop()
        await leg.speak("hi")
        spoken = loop.time()
        await leg.hears("t", 5)
        # To the phone and back 600 ms, 300 ms of silence, and 60 ms of the letter; both ends' playout beside.
        assert 0.85 <= loop.time() - spoken <= 1.25
        await line.over(call)


async def test_jitter_spreads_packets_and_playout_puts_them_right(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        await line.network.change_settings({"jitter_ms": 80})
        call = await line.call(
            await line.handset(),
            {"pauseMs": 2500},
            {"say": "jitter is nothing"},
            {"waitForSilenceMs": 500},
            {"hangup": True},
        )
        leg = await line.answer()
        await leg.hears("jitter is nothing")
        order = sequences(leg)
        late = sorted(transits_ms(leg))
        assert order != sorted(order), "some overtake others"
        assert 25 <= late[len(late) // 2] <= 60
        assert 65 <= late[-1] <= 130
        await leg.speak("to me neither")
        call = await line.over(call)
        assert [word.text for word in call.words if word.who == "other"] == ["to me neither"]


async def test_the_same_seed_loses_the_same_packets(tmp_path: Path) -> None:
    from ringback.kit.rtp import Packet
    from ringback.sim.exchange.line import Line
    from ringback.sim.exchange.line import Path as Way

    def lost(seed: int) -> list[int]:
        arrived: list[int] = []
        way = Way(Line(seed=seed, loss_percent=20), "hsc_1", "there")
        for number in range(500):
            way.carry(
                Packet(0, number, number * 160, 1, False, b""), lambda packet: arrived.append(packet.sequence)
            )
        return sorted(set(range(500)) - set(arrived))

    assert lost(1) == lost(1) != lost(2)
    assert 70 <= len(lost(1)) <= 130


async def test_a_change_of_the_line_holds_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        leg = await listening(line, 0.5)
        await line.network.change_settings({"loss_percent": 100})
        await asyncio.sleep(0.1)
        before = len(leg.arrivals)
        await asyncio.sleep(0.5)
        assert len(leg.arrivals) == before


async def test_a_lost_server_s_call_is_taken_over_by_another(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        call = await line.call(
            await line.handset(), {"waitForSilenceMs": 400}, {"say": "go on"}, {"hangup": True}
        )
        leg = await line.answer()
        await leg.drop()
        await asyncio.sleep(1)
        assert (await line.network.voice.get(call.id)).status == "in-progress"
        again = await line.take("retake", call.id)
        await again.expect("media")
        await again.expect("answered")
        await again.speak("sorry about that")
        await again.hears("go on")
        await again.expect("hungup")
        call = await line.over(call)
        assert [word.text for word in call.words] == ["sorry about that", "go on"]


async def test_a_call_that_rings_is_taken_over_too(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        phone = await line.handset("manual")
        leg = await line.dial(phone.e164, "call_7")
        await leg.expect("ringing")
        await leg.drop()
        again = await line.take("retake", "call_7")
        await again.expect("ringing")
        await line.network.voice.act(
            (await line.call_at(phone, "ringing")).id, "answer", steps=[{"say": "me"}]
        )
        await again.expect("answered")
        await again.hears("me")


async def test_a_lost_server_s_call_is_held_and_ended(tmp_path: Path) -> None:
    async with world(tmp_path, held_s=1.0) as line:
        call = await line.call(await line.handset(), QUIET)
        leg = await line.answer()
        await leg.drop()
        call = await line.over(call)
        assert (call.status, call.reason) == ("completed", "lost")
        late = await line.take("retake", call.id)
        assert (await late.expect("failed"))["code"] == 481


async def test_a_retake_takes_the_call_from_a_server_that_hangs(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        call = await line.call(await line.handset(), {"pauseMs": 1500}, {"say": "hello"}, {"hangup": True})
        hung = await line.answer()
        again = await line.take("retake", call.id)
        await hung.until(lambda: hung.ended)
        await again.hears("hello")
        assert (await line.over(call)).reason == "hung_up"


async def test_a_caller_is_bridged_to_somebody_else(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        other = await line.handset("manual")
        call = await line.call(
            await line.handset(),
            {"waitForSilenceMs": 400},
            {"waitForSilenceMs": 400},
            {"say": "thanks"},
            {"hangup": True},
        )
        leg = await line.answer()
        leg.say(op="transfer", to=other.e164)
        theirs = await line.call_at(other, "ringing")
        assert theirs.sender == call.sender
        await leg.speak("one moment")
        await asyncio.sleep(0.8)
        await line.network.voice.act(theirs.id, "answer", steps=[{"say": "sales here"}])
        told = await leg.expect("transferred")
        assert told == {"op": "transferred", "ok": True, "reason": None}
        await leg.until(lambda: leg.ended)
        call, theirs = await line.over(call), await line.over(theirs)
        assert [word.text for word in call.words] == ["one moment", "sales here", "thanks"]
        assert [word.text for word in theirs.words] == ["sales here", "thanks"]
        assert (call.reason, theirs.reason) == ("hung_up", "other_hung_up")


@pytest.mark.parametrize(
    ("manner", "reason"), [("busy", "busy"), ("declines", "declined"), ("unreachable", "unreachable")]
)
async def test_a_transfer_that_fails_leaves_the_call_as_it_is(
    tmp_path: Path, manner: str, reason: str
) -> None:
    async with world(tmp_path) as line:
        other = await line.handset(manner)
        call = await line.call(
            await line.handset(), {"waitForSilenceMs": 300}, {"say": "fine"}, {"hangup": True}
        )
        leg = await line.answer()
        leg.say(op="transfer", to=other.e164)
        assert await leg.expect("transferred") == {"op": "transferred", "ok": False, "reason": reason}
        await leg.speak("nobody there")
        await leg.hears("fine")
        assert [word.text for word in (await line.over(call)).words] == ["nobody there", "fine"]


async def test_a_caller_who_hangs_up_is_transferred_no_more(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        other = await line.handset("manual")
        call = await line.call(await line.handset(), QUIET)
        leg = await line.answer()
        leg.say(op="transfer", to=other.e164)
        theirs = await line.call_at(other, "ringing")
        await line.network.voice.act(call.id, "hangup")
        await leg.expect("hungup")
        theirs = await line.over(theirs)
        assert (theirs.status, theirs.reason) == ("failed", "cancelled")


async def test_on_hold_nobody_hears_anybody(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        call = await line.call(
            await line.handset(), {"pauseMs": 500}, {"say": "unheard"}, {"pauseMs": 1500}, {"hangup": True}
        )
        leg = await line.answer()
        leg.say(op="hold", on=True)
        await leg.speak("unheard too")
        await asyncio.sleep(1)
        leg.say(op="hold", on=False)
        await leg.speak("back")
        call = await line.over(call)
        assert leg.words == ""
        assert [word.text for word in call.words] == ["unheard", "back"]


async def test_a_server_calls_another_number_of_a_server(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        from ringback.sim.inventory import Wish

        second = (await line.network.search(Wish("US")))[0].e164
        await line.network.buy(second, "another")
        caller = await line.dial(second)
        async with asyncio.timeout(5):
            ring = await line.rings.get()
        assert (ring.from_, ring.to) == (line.number, second)
        callee = await line.take(ref=ring.ref)
        callee.say(op="ring")
        await caller.expect("ringing")
        callee.say(op="answer")
        await caller.expect("answered")
        await callee.expect("answered")
        await asyncio.sleep(0.3)
        await asyncio.gather(caller.speak("are you a machine"), callee.speak("as you are"))
        await caller.hears("as you are")
        await callee.hears("are you a machine")
        caller.press("3")
        await callee.until(lambda: callee.keys == "3")
        await caller.hang_up()
        await callee.expect("hungup")


async def test_handsets_call_each_other(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        other = await line.handset("answers")
        call = await line.call(
            await line.handset(), {"waitForSilenceMs": 400}, {"say": "you there"}, {"waitForSilenceMs": 400}, {"hangup": True},
            to=other.e164,
        )  # fmt: skip
        call = await line.over(call, 20)
        assert [word.text for word in call.words] == [manners.HELLO, "you there", manners.REPLIES[0]]
        theirs = await line.over(await line.call_at(other))
        assert [word.text for word in theirs.words] == [word.text for word in call.words]


@pytest.mark.parametrize("handsets", ["auto", "strict"])
async def test_a_number_that_nobody_has(tmp_path: Path, handsets: str) -> None:
    async with world(tmp_path, handsets=handsets) as line:
        leg = await line.dial("+14155550123")
        if handsets == "strict":
            assert (await leg.expect("failed"))["reason"] == "unreachable"
        else:
            await leg.expect("answered")
            assert (await line.network.list_handsets())[0][0].e164 == "+14155550123"


async def test_a_released_number_and_an_offline_phone_are_unreachable(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        phone = await line.handset()
        await line.network.change_handset(phone.id, {"online": False})
        deaf = await line.handset(capabilities=("sms",))
        await line.network.release(line.number)
        for index, number in enumerate((phone.e164, deaf.e164, line.number)):
            leg = await line.dial(number, f"call_{index}")
            assert (await leg.expect("failed"))["reason"] == "unreachable"


async def test_an_outage_carries_no_calls(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        await line.network.create_fault("outage")
        leg = await line.dial("+14155550123")
        assert (await leg.expect("failed"))["reason"] == "carrier_error"


async def test_a_lost_network_s_calls_go_on_and_are_told_later(tmp_path: Path) -> None:
    """The process of the server dies with the network in it: the exchange and the legs stay."""
    from ringback.kit.clock import MovableClock
    from ringback.sim import Network

    async with world(tmp_path) as line:
        call = await line.call(
            await line.handset(), {"pauseMs": 900}, {"say": "still here"}, {"hangup": True}
        )
        leg = await line.answer()
        # As a kill would: the connection ends, nothing is said.
        trunk = line.network.voice._trunk
        assert trunk._channel is not None
        trunk._reading.cancel()  # type: ignore[union-attr]
        await trunk._channel.close()
        await leg.hears("still here")
        await leg.expect("hungup")
        other = Network(tmp_path / "network.db", MovableClock())
        await other.start()
        try:
            found = await other.voice.get(call.id, 5)
            assert (found.status, found.reason) == ("completed", "hung_up")
            assert [word.text for word in found.words] == ["still here"]
        finally:
            await other.stop()
