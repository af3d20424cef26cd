"""Who has answered a call of the agent's: people, answering machines, and services that ask who calls."""

import math
import random
from array import array

import pytest

from ringback.kit.g711 import decode_ulaw, encode_ulaw
from ringback.sim.exchange.manners import MANNERS, SCREEN, SCREEN_HOLD
from ringback.sim.exchange.phone import REACTION_MS, Conduct, Phone
from ringback.sim.exchange.script import wait_for_silence
from ringback.sim.exchange.sound import beep
from ringback.voice.brains.base import Part
from ringback.voice.talk.beep import BeepDetector, pitch
from ringback.voice.talk.callee import asks_to_wait, asks_who_calls, introduction, is_machine
from tests.tones import said
from tests.unit.voice.direct import call
from tests.unit.voice.virtual import in_virtual_time

pytestmark = pytest.mark.unit

GREETING, MESSAGE = "Good morning, this is Acme.", "Please call Acme back."
MACHINE = "Hi, this is Robin. Please leave a message after the tone."


@pytest.mark.parametrize(
    "text",
    [
        "Hi, you've reached Robin. Please leave a message after the beep.",
        "Please leave your name and number, and I'll call you back.",
        "Your call has been forwarded to an automated voice messaging system. At the tone, please record your message.",
        "You have reached the voicemail box of Robin.",
        "The mailbox is full.",
        "Sorry, I can\u2019t come to the phone right now, I will get back to you.",
        "The person you have reached is not available.",
        "leave me a short message and I'll get back to you",
        "If you would like to leave a message, do so after the beep.",
    ],
)
def test_words_of_machines(text: str) -> None:
    assert is_machine(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hello?",
        "Robin speaking.",
        "Acme, good morning, you have reached the front desk, this is Robin, how may I help you today?",
        "She is not available, can I take a message?",
        "Would you like to leave a message for her?",
        "I can't take your call right now, I am driving.",
        "Did you get the message I left?",
        "What was the tone of that letter?",
        "Hang on, I'll call you back.",
        "Yes.",
        "",
    ],
)
def test_words_of_people(text: str) -> None:
    assert not is_machine(text)


@pytest.mark.parametrize(
    "text",
    [
        SCREEN,
        "Please state your name after the tone and Google will try to connect you.",
        "Hi, if you record your name and reason for calling, I'll see if this person is available.",
        "Who is this?",
        "May I ask who's calling?",
        "What is this regarding?",
    ],
)
def test_who_asks_who_calls(text: str) -> None:
    assert asks_who_calls(text)


@pytest.mark.parametrize("text", ["Hello?", "My name is Robin.", "I will call you.", "Yes, this is she."])
def test_who_does_not(text: str) -> None:
    assert not asks_who_calls(text)


def test_who_asks_to_wait() -> None:
    for text in (SCREEN_HOLD, "Please stay on the line.", "Hold on.", "I will see if he is available."):
        assert asks_to_wait(text), text
    assert not asks_to_wait("Hello?")


@pytest.mark.parametrize(
    ("identity", "purpose", "text"),
    [
        ("Ann of Acme", "your order", "This is Ann of Acme. I am calling for this reason: your order."),
        ("Ann of Acme.", None, "This is Ann of Acme."),
        (None, "your order", "I am calling for this reason: your order."),
        (None, None, None),
        ("", "", None),
    ],
)
def test_what_is_said_then(identity: str | None, purpose: str | None, text: str | None) -> None:
    assert introduction(identity, purpose) == text


# Beeps


def on_the_line(samples: "list[float]", noise: float = 60.0) -> bytes:
    """Sound as it comes over a line with some noise."""
    drawn = random.Random(1)
    noisy = array("h", (round(sample + drawn.gauss(0, noise)) for sample in samples))
    return decode_ulaw(encode_ulaw(noisy.tobytes()))


def tone(ms: int, *hertz: float, level: float = 8_000) -> "list[float]":
    return [
        sum(level / len(hertz) * math.sin(2 * math.pi * one * n / 8_000) for one in hertz)
        for n in range(ms * 8)
    ]


def beeps_in(pcm: bytes) -> int:
    detector = BeepDetector()
    return sum(detector.feed(pcm[at : at + 320]) for at in range(0, len(pcm) - 319, 320))


@pytest.mark.parametrize("hertz", [400, 440, 620, 850, 1_000, 1_400, 2_000])
def test_a_beep_of_any_pitch(hertz: int) -> None:
    sound = on_the_line([*tone(300, 1), *tone(200, hertz), *tone(300, 1, level=0)])
    assert beeps_in(sound) == 1
    assert pitch(on_the_line(tone(20, hertz))) == pytest.approx(hertz, rel=0.01)


@pytest.mark.parametrize(
    "samples",
    [
        tone(100, 1_000),  # too short
        tone(400, 697, 1_209),  # a key
        tone(400, 120, 240, 360, 480, 600, 720),  # a vowel
        tone(400, 1_000, level=400),  # far off
        [random.Random(n).gauss(0, 3_000) for n in range(3_200)],
        [8_000 * math.sin(2 * math.pi * (500 * n / 8_000 + 900 * (n / 8_000) ** 2)) for n in range(4_000)],
        array("h", said("this is speech of tones")).tolist(),
    ],
    ids=["short", "key", "vowel", "faint", "noise", "glide", "speech"],
)
def test_no_beep(samples: "list[float]") -> None:
    assert beeps_in(on_the_line([*samples, *tone(200, 1, level=0)])) == 0


# Whole calls


def machine(*steps: str | bytes, hangs_up_ms: int = 5_000) -> Conduct:
    """Something that answers, says words and plays sounds, and records."""

    async def conduct(phone: Phone) -> None:
        phone.ring()
        phone.answer()
        await phone.pause(REACTION_MS)
        for step in steps:
            await (phone.say(step) if isinstance(step, str) else phone.play(step))
        await wait_for_silence(phone, hangs_up_ms, 60_000)
        phone.hang_up()

    return conduct


@in_virtual_time
async def test_a_message_is_left_after_the_beep() -> None:
    heard = await call(MANNERS["voicemail"], greeting=GREETING, agent={"voicemail_message": MESSAGE})
    assert heard.end == ("voicemail_reached", None)
    assert heard.detail == "it said: Hi, you have reached Robin. Please leave a message after the beep."
    assert heard.said[-1] == MESSAGE
    spoken = next(one for one in heard.words if one["who"] == "handset")
    beep_over_ms = spoken["endMs"] + 400
    assert heard.heard_by_handset(after_ms=beep_over_ms) == MESSAGE, "nothing of it is before the beep"
    assert heard.asked == [], "nobody is asked what to say to a machine"
    assert [text for role, text in heard.turns if role == "user"] == [spoken["text"]]


@in_virtual_time
async def test_without_a_message_the_agent_hangs_up() -> None:
    heard = await call(MANNERS["voicemail"], greeting=GREETING)
    assert heard.end == ("voicemail_reached", None)
    assert heard.end_ms < 6_000


@in_virtual_time
async def test_a_greeting_in_two_parts_is_waited_for() -> None:
    late = machine("You have reached the mailbox of Robin.", bytes(16_000), "I am on holiday.", beep())
    heard = await call(late, greeting=GREETING, agent={"voicemail_message": MESSAGE})
    assert heard.end[0] == "voicemail_reached"
    last = [one for one in heard.words if one["who"] == "handset"][-1]
    assert heard.heard_by_handset(after_ms=last["endMs"] + 400) == MESSAGE


@in_virtual_time
async def test_a_machine_without_a_beep_is_left_a_message_after_a_silence() -> None:
    heard = await call(machine(MACHINE, hangs_up_ms=8_000), agent={"voicemail_message": MESSAGE})
    assert heard.end[0] == "voicemail_reached"
    assert heard.heard_by_handset() == MESSAGE


@in_virtual_time
async def test_a_machine_that_is_not_understood_is_known_by_its_beep() -> None:
    foreign = machine("Hier ist der Anschluss von Robin, ich bin nicht da.", beep(440, 200))
    heard = await call(foreign, greeting=GREETING, agent={"voicemail_message": MESSAGE})
    assert (heard.end[0], heard.detail) == ("voicemail_reached", "it beeped after a long greeting")
    assert heard.heard_by_handset(after_ms=3_000) == MESSAGE


@in_virtual_time
async def test_a_beep_after_hello_is_no_machine() -> None:
    heard = await call(machine("Hello?", beep()), greeting=GREETING, agent={"voicemail_message": MESSAGE})
    assert heard.end[0] == "user_hangup"
    assert MESSAGE not in heard.said


@in_virtual_time
async def test_who_has_talked_for_a_while_is_a_person() -> None:
    async def person(phone: Phone) -> None:
        phone.ring()
        phone.answer()
        for words in ("Hello?", "It is me.", "Yes, I have.", "Then leave a message after the beep."):
            await phone.pause(300)
            await phone.say(words)
            await wait_for_silence(phone, 800, 4_000)
        await phone.pause(1_000)
        phone.hang_up()

    heard = await call(person, lambda turn: [Part("Did you read my letter?")])
    assert heard.end[0] == "user_hangup"
    assert "leave a message" in heard.asked[-1]


@pytest.mark.parametrize(
    "name", sorted(set(MANNERS) - {"voicemail", "manual", "no-answer", "busy", "declines", "unreachable"})
)
@in_virtual_time
async def test_nobody_else_is_taken_for_a_machine(name: str) -> None:
    heard = await call(
        MANNERS[name],
        lambda turn: [Part("Thank you, goodbye.", hangup=len(turn.before) > 4)],
        greeting=GREETING,
        agent={"voicemail_message": MESSAGE, "max_silence_ms": 10_000},
    )
    assert heard.end[0] != "voicemail_reached"
    assert MESSAGE not in heard.said
    if name in ("answers", "slow-answer", "noisy"):
        assert heard.turns[:2] == [("user", "Hello?"), ("agent", GREETING)], (
            "a hello doesn't cut the greeting"
        )
        assert "Hello?" not in heard.asked


@in_virtual_time
async def test_who_is_asked_who_calls_says_so_and_greets_whoever_comes() -> None:
    heard = await call(
        MANNERS["screener"],
        lambda turn: [Part("Thank you, goodbye.", hangup=True)],
        greeting=GREETING,
        agent={"call_screening_identity": "Ann of Acme", "call_screening_purpose": "your order"},
    )
    intro = "This is Ann of Acme. I am calling for this reason: your order."
    assert heard.turns == [
        ("user", SCREEN),
        ("agent", intro),
        ("user", SCREEN_HOLD),
        ("user", "Hello?"),
        ("agent", GREETING),
        ("user", "Yes, that works for me."),
        ("agent", "Thank you, goodbye."),
    ]
    assert heard.asked == ["Yes, that works for me."]
    assert intro in heard.heard_by_handset()


@in_virtual_time
async def test_a_service_that_beeps_for_a_name_is_no_voicemail() -> None:
    asks = machine("Please state your name after the tone, and we will try to connect you.", beep())
    heard = await call(asks, agent={"call_screening_identity": "Ann", "voicemail_message": MESSAGE})
    assert heard.said == ["This is Ann."]
    assert heard.end[0] == "user_hangup"


@in_virtual_time
async def test_a_beep_some_time_after_the_words() -> None:
    late = machine("Hier ist der Anschluss von Robin, ich bin nicht da.", bytes(16_000), beep())
    heard = await call(late, lambda turn: [2.0], agent={"voicemail_message": MESSAGE})
    assert heard.end[0] == "voicemail_reached"
    assert heard.said == [MESSAGE]


@in_virtual_time
async def test_without_an_identity_the_brain_answers_who_calls() -> None:
    heard = await call(MANNERS["screener"], lambda turn: [Part("Ann here.", hangup=True)])
    assert heard.asked == [SCREEN]


@in_virtual_time
async def test_a_caller_is_no_machine() -> None:
    async def caller(phone: Phone) -> None:
        await phone.say("May I leave you a message after the beep?")
        await phone.play(beep())
        await phone.pause(2_000)
        phone.hang_up()

    heard = await call(caller, direction="inbound", agent={"voicemail_message": MESSAGE})
    assert heard.end[0] == "user_hangup"
    assert len(heard.asked) == 1
