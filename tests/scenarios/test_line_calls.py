"""Calls between handsets and a server: signalling, speech, keys and recordings over the line, in real time."""

import asyncio
import contextlib
import json
import wave
from array import array
from pathlib import Path
from typing import Any

import pytest

from ringback.sim.errors import BadInput, CallNotFound, CallState, HandsetOffline, HandsetWithoutVoice
from tests.calling import World, world
from tests.tones import Tones, read

pytestmark = [pytest.mark.scenario, pytest.mark.realtime]


def told(call: Any) -> list[tuple[str, str]]:
    return [(word.who, word.text) for word in call.words]


async def test_a_handset_calls_and_both_hear_each_other(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        phone = await line.handset()
        call = await line.call(phone, {"say": "Hello agent"}, {"waitForSilenceMs": 400}, {"hangup": True})
        assert (call.status, call.direction, call.sender, call.recipient) == (
            "dialing", "out", phone.e164, line.number,
        )  # fmt: skip
        leg = await line.answer()
        await leg.hears("Hello agent")
        await leg.speak("Hello caller")
        assert (await leg.expect("hungup"))["by"] == "far"
        call = await line.over(call)
        assert (call.status, call.reason) == ("completed", "hung_up")
        assert told(call) == [("handset", "Hello agent"), ("other", "Hello caller")]
        mine, other = call.words
        assert 280 <= mine.start_ms <= 400
        assert abs(mine.end_ms - mine.start_ms - 11 * 60) <= 60
        assert abs(other.end_ms - other.start_ms - 12 * 60) <= 100
        assert call.duration_ms is not None
        assert call.duration_ms >= other.end_ms + 400


async def test_the_recording_has_both_at_their_times(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        call = await line.call(
            await line.handset(),
            {"say": "left"},
            {"waitForSilenceMs": 300},
            {"say": "again"},
            {"hangup": True},
        )
        leg = await line.answer()
        await leg.hears("left")
        await leg.speak("right")
        call = await line.over(call)
        assert call.has_audio
        with wave.open(str(line.network.voice.audio_path(call.id))) as recording:
            assert (recording.getnchannels(), recording.getsampwidth(), recording.getframerate()) == (
                2,
                2,
                8000,
            )
            count = recording.getnframes()
            both = array("h", recording.readframes(count))
        assert abs(count / 8 - (call.duration_ms or 0)) <= 20
        left, right = both[0::2].tobytes(), both[1::2].tobytes()
        assert (read(left), read(right)) == ("leftagain", "right")
        for channel, word in ((left, call.words[0]), (right, call.words[1])):
            piece = channel[16 * (word.start_ms - 40) : 16 * (word.end_ms + 40)]
            assert word.text == read(piece[: len(piece) // 320 * 320])


async def test_without_record_there_is_no_recording(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        call = await line.call(await line.handset(), {"pauseMs": 100}, {"hangup": True}, record=False)
        await line.answer()
        call = await line.over(call)
        assert not call.has_audio
        assert not line.network.voice.audio_path(call.id).exists()


async def test_steps_take_their_time(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        call = await line.call(
            await line.handset(), {"say": "one"}, {"pauseMs": 700}, {"say": "two"}, {"hangup": True}
        )
        await line.answer()
        one, two = (await line.over(call)).words
        assert 700 <= two.start_ms - one.end_ms <= 780


async def test_a_caller_interrupts(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        call = await line.call(
            await line.handset(), {"interruptAfterMs": 500, "say": "stop"}, {"hangup": True}
        )
        leg = await line.answer()
        await leg.speak("a long answer that nobody wants to hear")
        mine, other = sorted((await line.over(call)).words, key=lambda word: word.who)
        assert (mine.who, mine.text) == ("handset", "stop")
        assert 460 <= mine.start_ms - other.start_ms <= 640
        assert mine.end_ms < other.end_ms + 100


async def test_silence_is_waited_for_behind_the_other_s_words(tmp_path: Path) -> None:
    """Before the other end has said anything, its silence says nothing; pauses in its speech are no end."""
    async with world(tmp_path) as line:
        call = await line.call(
            await line.handset(), {"waitForSilenceMs": 600}, {"say": "now"}, {"hangup": True}
        )
        leg = await line.answer()
        await asyncio.sleep(1.2)
        await leg.speak("first")
        await asyncio.sleep(0.3)
        await leg.speak("and then")
        call = await line.over(call)
        mine = next(word for word in call.words if word.who == "handset")
        last = max(word.end_ms for word in call.words if word.who == "other")
        assert 560 <= mine.start_ms - last <= 760
        assert "".join(word.text for word in call.words if word.who == "other") == "firstand then"


async def test_keys_both_ways(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        call = await line.call(await line.handset(), {"dtmf": "12#4"}, {"pauseMs": 1500}, {"hangup": True})
        leg = await line.answer()
        leg.press("7")
        leg.press("7", held_ms=40)
        await leg.until(lambda: leg.keys == "12#4", told=lambda: leg.keys)
        leg.say(op="dtmf", digits="0*")
        call = await line.over(call)
        assert call.digits == "770*"
        assert leg.keys == "12#4"


async def test_the_server_hangs_up(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        call = await line.call(await line.handset())
        leg = await line.answer()
        await leg.hang_up()
        call = await line.over(call)
        assert (call.status, call.reason) == ("completed", "other_hung_up")


@pytest.mark.parametrize(
    ("code", "reason"),
    [(486, "busy"), (603, "declined"), (404, "unreachable"), (480, "unreachable"), (503, "carrier_error")],
)
@pytest.mark.parametrize("by", ["leg", "carrier"])
async def test_the_server_refuses(tmp_path: Path, code: int, reason: str, by: str) -> None:
    async with world(tmp_path) as line:
        call = await line.call(await line.handset())
        if by == "leg":
            leg = await line.take()
            leg.say(op="reject", code=code)
        else:
            await line.voice.reject((await line.rings.get()).ref, code)
        call = await line.over(call)
        assert (call.status, call.reason, call.answered_ms) == ("failed", reason, None)
        assert not call.has_audio


async def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    async with world(tmp_path, listens=False) as line:
        call = await line.over(await line.call(await line.handset()))
        assert (call.status, call.reason) == ("failed", "unreachable")


async def test_the_handset_gives_up_while_it_rings(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        call = await line.call(await line.handset())
        leg = await line.take()
        leg.say(op="ring")
        await line.call_at(await line.network.get_handset(call.handset_id), "ringing")
        await line.network.voice.act(call.id, "hangup")
        assert (await leg.expect("hungup"))["by"] == "far"
        call = await line.over(call)
        assert (call.status, call.reason) == ("failed", "cancelled")


async def test_a_call_is_taken_once(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        await line.call(await line.handset())
        ref = (await line.rings.get()).ref
        first, second = await line.take(ref=ref), await line.take(ref=ref)
        assert (await second.expect("failed"))["code"] == 481
        await first.expect("media")
        stranger = await line.take("retake", ref="nc_nobody")
        assert (await stranger.expect("failed"))["detail"] == "no such call"
        late = await line.take(ref="nc_hung_up_before")
        assert (await late.expect("hungup"))["by"] == "far"


async def test_who_speaks_on_still_learns_why_the_call_is_over(tmp_path: Path) -> None:
    """TCP resets a connection that is closed under its peer's words, and a reset takes away what was not read."""
    async with world(tmp_path) as line:
        trunk = await line.voice.trunk()
        reader, writer = await asyncio.open_connection(trunk["host"], trunk["port"])
        for message in (
            {"key": trunk["key"], "op": "take", "ref": "nc_over"},
            {"op": "ring"},
            {"op": "answer"},
        ):
            writer.write(json.dumps(message).encode() + b"\n")
            await asyncio.sleep(0.1)
        assert json.loads(await reader.readline())["op"] == "hungup"
        assert await reader.read() == b""
        writer.close()


async def test_no_key_no_call(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        trunk = {**await line.voice.trunk(), "key": "wrong"}
        from tests.legs import Leg

        leg = await Leg.open(trunk, "dial", "call_1", from_=line.number, to="+14155550100")
        line.legs.append(leg)
        assert (await leg.expect("failed"))["code"] == 403


async def test_what_is_no_protocol_is_cut_off(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        trunk = await line.voice.trunk()
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"[1]\n", b"x" * 1_100_000):
            reader, writer = await asyncio.open_connection(trunk["host"], trunk["port"])
            writer.write(said)
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
        call = await line.call(await line.handset(), {"hangup": True})
        await line.answer()
        assert (await line.over(call)).status == "completed"


async def test_a_call_is_not_made_that_can_not_be(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        phone = await line.handset()
        for to in ("nonsense", phone.e164):
            with pytest.raises(BadInput):
                await line.call(phone, to=to)
        deaf = await line.handset(capabilities=("sms",))
        with pytest.raises(HandsetWithoutVoice):
            await line.call(deaf)
        await line.network.change_handset(phone.id, {"online": False})
        with pytest.raises(HandsetOffline):
            await line.call(phone)
        with pytest.raises(CallNotFound):
            await line.network.voice.get("hsc_nobody")
        for one in (phone, deaf):
            assert await line.network.voice.page(one.id, 10, 0) == ([], 0)


async def test_a_handset_does_what_its_call_allows(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        call = await line.call(await line.handset())
        for what in ("answer", "decline", "dtmf"):
            with pytest.raises(CallState):
                await line.network.voice.act(call.id, what, digits="1")
        await line.answer()
        await line.call_at(await line.network.get_handset(call.handset_id), "in-progress")
        await line.network.voice.act(call.id, "hangup")
        over = await line.over(call)
        assert await line.network.voice.act(call.id, "hangup") == over


async def test_speech_that_fails_ends_the_call_and_is_told(tmp_path: Path) -> None:
    async with world(tmp_path, tones=Tones(broken="the voice is hoarse")) as line:
        call = await line.call(await line.handset(), {"say": "anything"})
        leg = await line.answer()
        await leg.expect("hungup")
        call = await line.over(call)
        assert (call.status, call.reason, call.trouble) == (
            "completed",
            "speech_error",
            "the voice is hoarse",
        )


async def test_without_speech_a_call_says_what_is_missing(tmp_path: Path) -> None:
    async with world(tmp_path, mute=True) as line:
        call = await line.call(await line.handset(), {"say": "anything"})
        leg = await line.answer()
        await leg.speak("is anybody there")
        call = await line.over(call)
        assert (call.reason, call.words) == ("speech_error", [])
        assert ".venv/bin/uv pip install '.[speech]'" in (call.trouble or "")


async def test_a_deleted_handset_hangs_up(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        phone = await line.handset()
        call = await line.call(phone)
        leg = await line.answer()
        await line.network.delete_handset(phone.id)
        await leg.expect("hungup")
        with pytest.raises(CallNotFound):
            await line.network.voice.get(call.id)


async def events_of(line: World, handset_id: str) -> list[str]:
    found = await line.network.events_after(0, handset_id)
    assert {event.kind for event in found} <= {"call"}
    return [str(event.told) for event in found]


async def test_each_step_is_an_event(tmp_path: Path) -> None:
    async with world(tmp_path) as line:
        phone = await line.handset()
        call = await line.call(phone, {"hangup": True})
        await line.answer()
        await line.over(call)
        steps = await events_of(line, phone.id)
        states = ["dialing", "ringing", "in-progress", "completed"]
        assert [f'"status":"{state}"' in step for state, step in zip(states, steps, strict=True)] == [
            True
        ] * 4
        assert '"reason":"hung_up"' in steps[-1]
