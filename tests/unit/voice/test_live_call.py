"""Whole calls in no time: what an agent's settings and a caller's ways make of them."""

import math
from array import array
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ringback.sim.exchange.phone import Phone
from ringback.sim.exchange.script import wait_for_silence
from ringback.speech.protocol import LanguageNotSpoken, SpeechLost
from ringback.voice.brains.base import Part
from ringback.voice.talk.reply import NOT_CONNECTED
from tests.tones import Tones
from tests.unit.voice.direct import Heard, call
from tests.unit.voice.virtual import in_virtual_time

pytestmark = pytest.mark.unit

LONG = (
    "This is a very long answer that goes on and on. It tells you much that you do not want to know. Really."
)
FRIEND = "+14155550177"


def says(*steps: str | int) -> Any:
    """A caller: says words, pauses for ms, and waits for the end after them."""

    async def conduct(phone: Phone) -> None:
        for step in steps:
            await (phone.say(step) if isinstance(step, str) else phone.pause(step))
        await phone.pause(3_600_000)

    return conduct


async def inbound(conduct: Any, *answers: Part | float, **planned: Any) -> Heard:
    """A call in, whose brain gives one answer to every turn."""
    return await call(conduct, lambda turn: list(answers), direction="inbound", **planned)


# Beginnings


@in_virtual_time
async def test_the_agent_begins_half_a_second_after_the_answer_where_nothing_comes_in() -> None:
    heard = await inbound(says(), greeting="Hello there.", max_s=5)
    first = next(one for one in heard.words if one["who"] == "other")
    assert 450 <= first["startMs"] <= 700


@in_virtual_time
async def test_it_begins_at_the_first_sound_that_comes_in() -> None:
    async def conduct(phone: Phone) -> None:
        phone.mouth.noisy = True
        await phone.pause(3_600_000)

    heard = await inbound(conduct, greeting="Hello there.", max_s=5)
    first = next(one for one in heard.words if one["who"] == "other")
    assert 300 <= first["startMs"] < 450, "a handset makes its first sound after 300 ms"


# Ends


@in_virtual_time
async def test_silence_ends_a_call_in_time() -> None:
    heard = await inbound(says(), greeting="Hello.", agent={"max_silence_ms": 10_000})
    assert heard.end == ("inactivity", "caller")
    spoken_ms = next(one["endMs"] for one in heard.words if one["who"] == "other")
    assert spoken_ms + 10_000 <= heard.end_ms <= spoken_ms + 11_500


@in_virtual_time
async def test_a_caller_who_speaks_now_and_then_is_not_silent() -> None:
    steps = [step for n in range(6) for step in (f"part {n}", 9_000)]
    heard = await inbound(says(*steps), agent={"max_silence_ms": 10_000})
    assert heard.end == ("inactivity", "caller")
    assert heard.end_ms > 50_000
    assert len(heard.asked) == 6


@pytest.mark.parametrize("busy", ["talks", "listens", "thinks"])
@in_virtual_time
async def test_no_call_outlives_its_limit_by_five_seconds(busy: str) -> None:
    conduct = says("go on", *(["and on and on"] * 40 if busy == "listens" else []))
    answers: list[Part | float] = [Part(LONG * 20)] if busy == "talks" else [3_600.0]
    heard = await inbound(conduct, *answers, max_s=20)
    assert heard.end == ("max_duration_reached", "ringback")
    assert 20_000 <= heard.end_ms < 25_000


@in_virtual_time
async def test_a_hang_up_comes_after_the_last_word_was_heard() -> None:
    heard = await inbound(says("that is all"), Part("Thank you. Goodbye.", hangup=True))
    assert heard.end == ("agent_hangup", "agent")
    assert heard.heard_by_handset() == "Thank you. Goodbye."


class Deaf(Tones):
    async def transcribe(self, pcm: bytes, rate: int, *, language: str = "en-US") -> Any:
        raise LanguageNotSpoken(f"nothing understands {language}")


class Mute(Tones):
    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        if text:
            raise SpeechLost("the worker died")
        yield b""


@in_virtual_time
async def test_who_can_not_hear_or_speak_says_why() -> None:
    deaf = await inbound(says("hello"), listener=Deaf(), agent={"language": "de-DE"})
    assert deaf.end == ("speech_error", "speech")
    assert deaf.detail == "nothing understands de-DE"
    mute = await inbound(says(), greeting="Hello.", engine=Mute())
    assert (mute.end, mute.detail) == (("speech_error", "speech"), "the worker died")


class Paced(Tones):
    speeds: list[float]

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        self.speeds.append(speed)
        async for piece in super().speak(text, voice=voice, speed=speed):
            yield piece


@pytest.mark.parametrize(("given", "speed"), [(None, 1.0), (0.5, 0.5), (1.7, 1.7)])
@in_virtual_time
async def test_the_voice_has_its_speed(given: float | None, speed: float) -> None:
    engine = Paced()
    engine.speeds = []
    await inbound(says(), greeting="Hello.", engine=engine, max_s=3, agent={"voice_speed": given})
    assert engine.speeds == [speed]


# Transfers


@in_virtual_time
async def test_a_caller_is_told_and_handed_over() -> None:
    heard = await inbound(
        says("a human please"), Part("One moment.", transfer=""), agent={"transfer_number": FRIEND}
    )
    assert (heard.end, heard.transfers) == (("call_transfer", "agent"), [FRIEND])
    assert heard.heard_by_handset() == "One moment."


@in_virtual_time
async def test_a_transfer_that_fails_is_told_and_the_call_goes_on() -> None:
    heard = await inbound(
        says("a human please", 6_000, "then tell him"),
        Part("One moment.", transfer=""),
        agent={"transfer_number": FRIEND},
        transfers=lambda to: "busy",
        max_s=15,
    )
    assert heard.said[:2] == ["One moment.", NOT_CONNECTED]
    assert heard.asked[:2] == ["a human please", "then tell him"]
    assert NOT_CONNECTED in heard.heard_by_handset()


# Both speak at once: the four scenarios of docs/voice.md


async def overlap(words: str, **agent: Any) -> Heard:
    """Somebody says `words` while the agent gives a long answer."""

    async def conduct(phone: Phone) -> None:
        await phone.say("tell me everything")
        await phone.until(lambda: phone.ear.voiced_ms >= 1_500, 5_000)
        await phone.say(words)
        await wait_for_silence(phone, 1_500, 20_000)
        await phone.pause(500)
        phone.hang_up()

    first = [Part(LONG)]
    return await call(
        conduct,
        lambda turn: first if turn.text == "tell me everything" else [Part("As you like.")],
        direction="inbound",
        agent=agent,
    )


@pytest.mark.parametrize("words", ["stop", "wait a moment", "please stop talking now"])
@in_virtual_time
async def test_an_interruption_takes_the_word(words: str) -> None:
    heard = await overlap(words)
    assert heard.asked[-1] == words
    said, then = heard.said
    assert LONG.startswith(said)
    assert 10 < len(said) < 50
    assert then == "As you like."
    assert LONG[len(said) + 8 :] not in heard.heard_by_handset(), (
        "what was not heard is not in the transcript"
    )
    timeline = next(fields for kind, fields in heard.told if kind == "timeline")
    assert timeline["interrupted"] is not None


@pytest.mark.parametrize("words", ["mhm", "right", "okay", "uh-huh"])
@in_virtual_time
async def test_a_backchannel_takes_nothing(words: str) -> None:
    heard = await overlap(words)
    assert heard.said == [LONG]
    assert heard.asked == ["tell me everything"]


@in_virtual_time
async def test_talking_to_somebody_else_takes_the_word_too() -> None:
    """Nothing in the sound tells whom words are for: they are asked about, and a brain may well answer nothing."""
    heard = await overlap("not now my dear I am on the phone")
    assert heard.asked[-1] == "not now my dear I am on the phone"
    assert len(heard.said[0]) < 50


@in_virtual_time
async def test_talking_to_somebody_else_takes_nothing_from_an_agent_that_is_not_to_be_interrupted() -> None:
    heard = await overlap("not now my dear", interruption_sensitivity=0.0)
    assert heard.said == [LONG, "As you like."]


@pytest.mark.parametrize(
    ("sensitivity", "words", "cut"),
    [(1.0, "stop", True), (0.8, "stop", True), (0.4, "stop", False), (0.4, "no stop it now", True)],
)
@in_virtual_time
async def test_how_much_it_takes(sensitivity: float, words: str, cut: bool) -> None:
    heard = await overlap(words, interruption_sensitivity=sensitivity)
    assert (heard.said[0] != LONG) is cut


@in_virtual_time
async def test_speech_in_the_background_takes_nothing() -> None:
    """A television some 25 dB below the caller: too faint for the voice detector."""
    faint = 10 ** (-25 / 20)

    async def conduct(phone: Phone) -> None:
        await phone.say("tell me everything")
        await phone.until(lambda: phone.ear.voiced_ms >= 1_500, 5_000)
        loud = array("h", await phone.studio.speech("and now the weather for tomorrow"))
        await phone.play(array("h", (math.floor(sample * faint) for sample in loud)).tobytes())
        await wait_for_silence(phone, 1_500, 20_000)
        phone.hang_up()

    heard = await inbound(conduct, Part(LONG))
    assert heard.said == [LONG]
    assert heard.asked == ["tell me everything"]
    assert LONG in heard.heard_by_handset(), "it has not even paused"


@in_virtual_time
async def test_a_transfer_that_is_under_way_is_not_undone() -> None:
    async def conduct(phone: Phone) -> None:
        await phone.say("a human please")
        await phone.until(lambda: phone.ear.voiced_ms >= 100, 5_000)
        await wait_for_silence(phone, 200, 5_000)
        await phone.say("right")
        await phone.pause(5_000)

    heard = await inbound(
        conduct, Part("I will connect you now.", transfer=""), agent={"transfer_number": FRIEND}
    )
    assert heard.end == ("call_transfer", "agent")
