"""How soon after the caller's words an answer is heard, in virtual time: who drew breath at a comma hears nothing of it."""

import asyncio

import pytest

from ringback.voice.talk.settings import Manners
from tests.unit.voice.stage import Part, Running, on_stage
from tests.unit.voice.virtual import in_virtual_time

pytestmark = pytest.mark.unit

SPEECH_END_MS = 100


@in_virtual_time
async def test_an_answer_that_is_ready_at_once_is_heard_when_the_caller_is_surely_done() -> None:
    async with Running(on_stage()) as stage:
        await stage.say("good morning")
        await stage.quiet()
        assert stage.times[0]["brain_first"] - SPEECH_END_MS < 50
        assert stage.times[0]["audio_first"] - SPEECH_END_MS == pytest.approx(340, abs=25)


@in_virtual_time
async def test_a_caller_who_goes_on_at_a_comma_hears_nothing_and_is_answered_once() -> None:
    async with Running(on_stage(lambda turn: [Part("Fine.")])) as stage:
        await stage.say("yes")
        await asyncio.sleep(0.28)
        assert stage.brain.asked
        assert not stage.port.loud_ms
        await stage.say("that works for me")
        assert not stage.port.loud_ms
        await stage.quiet()
        assert [turn.text for turn in stage.brain.asked] == ["yes", "yes that works for me"]
        assert [text for role, text in stage.turns if role == "agent"] == ["Fine."]


@in_virtual_time
async def test_a_sound_that_may_be_a_voice_holds_it_back_but_not_for_good() -> None:
    async with Running(on_stage()) as stage:
        stage.noticing = True
        await stage.say("good morning")
        await stage.quiet()
        assert stage.times[0]["audio_first"] - SPEECH_END_MS == pytest.approx(540, abs=25)


@in_virtual_time
async def test_keys_and_greetings_wait_for_nobody() -> None:
    async with Running(on_stage(manners=Manners(greeting="Hello."))) as stage:
        await asyncio.sleep(0.1)
        assert stage.port.loud_ms
        await stage.quiet()
        before = stage.port.loud_ms
        stage.conversation.digit("#")
        await asyncio.sleep(0.1)
        assert stage.port.loud_ms > before
