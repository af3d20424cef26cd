"""The agent shows that it listens, and nobody is interrupted by it."""

import pytest

from ringback.sim.exchange.phone import Phone
from ringback.voice.brains.base import Part
from ringback.voice.talk.backchannel import WORDS
from tests.unit.voice.direct import Heard, call
from tests.unit.voice.virtual import in_virtual_time

pytestmark = pytest.mark.unit

STORY = (
    "I bought a kettle from you in the spring, and it was fine for a month,",
    "but then it began to leak, so I sent it back, as your letter said that I should,",
    "and now I would like to know when the new one comes.",
)


async def story(phone: Phone) -> None:
    await phone.pause(500)
    for part in STORY:
        await phone.say(part)
        await phone.pause(900)
    await phone.pause(4_000)
    phone.hang_up()


async def told(**agent: object) -> Heard:
    return await call(
        story, lambda turn: [Part("Tomorrow.")], direction="inbound", draws_breath=(0, 1), agent=agent
    )


@in_virtual_time
async def test_it_says_a_word_at_a_breath_and_asks_nobody() -> None:
    heard = await told()
    by_ear = heard.heard_by_handset()
    assert WORDS[0] in by_ear
    assert WORDS[1] in by_ear
    assert heard.asked == [" ".join(STORY)], "the story is one turn"
    assert heard.turns == [("user", " ".join(STORY)), ("agent", "Tomorrow.")]
    timeline = next(fields for kind, fields in heard.told if kind == "timeline")
    assert timeline["audio_first"] >= timeline["transcript"], "the word is not taken for the answer"


@pytest.mark.parametrize("agent", [{"enable_backchannel": False}, {"language": "de-DE"}])
@in_virtual_time
async def test_it_is_silent(agent: dict[str, object]) -> None:
    heard = await told(**agent)
    assert heard.heard_by_handset() == "Tomorrow."


@in_virtual_time
async def test_a_short_turn_gets_none() -> None:
    async def short(phone: Phone) -> None:
        await phone.say("I would like to")
        await phone.pause(900)
        await phone.say("book a table")
        await phone.pause(3_000)
        phone.hang_up()

    heard = await call(short, lambda turn: [Part("Sure.")], direction="inbound", draws_breath=(0,))
    assert heard.heard_by_handset() == "Sure."
