"""Who has the word: greetings, turns, interruptions, and ends. In virtual time, with a sound for each character."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from ringback.speech.protocol import Heard
from ringback.voice.brains.base import BrainFailed, Part, Said, UserTurn
from ringback.voice.talk.reply import AGAIN, CANNOT_GO_ON, NOT_CONNECTED, SORRY
from ringback.voice.talk.settings import Manners
from tests.unit.voice.stage import MS_A_CHARACTER, Running, on_stage
from tests.unit.voice.virtual import in_virtual_time

pytestmark = pytest.mark.unit

LONG = "This is a long answer. It goes on for a while, and then it goes on for a while more."


@in_virtual_time
async def test_the_greeting_is_said_first_and_the_notice_before_it() -> None:
    manners = Manners(greeting="Hello there.", notice="This call is recorded.")
    async with Running(on_stage(manners=manners)) as stage:
        await stage.quiet()
        assert stage.turns == [("agent", "This call is recorded. Hello there.")]
        assert stage.port.loud_ms == pytest.approx(20 * 35, abs=40)
        assert stage.brain.asked == []


@in_virtual_time
async def test_a_turn_is_answered_and_both_are_put_down_under_one_id() -> None:
    async with Running(on_stage()) as stage:
        await stage.say("good morning")
        await stage.until(lambda: len(stage.turns) == 2)
        assert stage.turns == [("user", "good morning"), ("agent", "You said good morning")]
        ids = {one["turn_id"] for kind, one in stage.told}
        assert ids == {"turn_1"}
        times = stage.times[0]
        assert times["transcript"] <= times["brain_first"] <= times["audio_first"]
        assert stage.told[0][1]["confidence"] == 0.9


@in_virtual_time
async def test_what_the_brain_is_told_of_the_past() -> None:
    past = [Said("turn_1", "user", "hello", 0), Said("turn_1", "agent", "Hi.", 0)]
    async with Running(on_stage(history=past)) as stage:
        await stage.say("next")
        await stage.until(lambda: len(stage.turns) == 2)
        assert [one.text for one in stage.brain.asked[0].before] == ["hello", "Hi."]
        assert stage.brain.asked[0].turn_id == "turn_3"


@in_virtual_time
async def test_who_does_not_sound_done_may_draw_breath() -> None:
    async with Running(on_stage()) as stage:
        await stage.say("I would like to", complete=False)
        await asyncio.sleep(0.4)
        assert stage.brain.asked == []
        await stage.say("book a table")
        await stage.until(lambda: len(stage.turns) == 2)
        assert [turn.text for turn in stage.brain.asked] == ["I would like to book a table"]


@in_virtual_time
async def test_who_never_sounds_done_is_answered_after_a_while() -> None:
    async with Running(on_stage()) as stage:
        await stage.say("well", complete=False)
        await stage.until(lambda: bool(stage.brain.asked), timeout_s=2)


@in_virtual_time
async def test_words_stop_the_agent_and_only_what_was_heard_counts() -> None:
    async with Running(on_stage(lambda turn: [Part(LONG)] if turn.turn_id == "turn_1" else [])) as stage:
        await stage.say("tell me")
        await stage.until(lambda: stage.port.loud_ms > 500)
        await stage.say("stop please")
        await stage.until(lambda: len(stage.turns) == 3)
        roles = [role for role, _ in stage.turns]
        assert roles == ["user", "agent", "user"]
        heard = stage.turns[1][1]
        assert LONG.startswith(heard)
        assert len(heard) == pytest.approx(stage.port.loud_ms / 20, abs=12)
        assert "interrupted" in stage.times[0]
        loud = stage.port.loud_ms
        await asyncio.sleep(0.3)
        assert stage.port.loud_ms == loud


@in_virtual_time
async def test_the_agent_pauses_at_a_voice_and_a_backchannel_lets_it_go_on() -> None:
    async with Running(on_stage(lambda turn: [Part(LONG)])) as stage:
        await stage.say("tell me")
        await stage.until(lambda: stage.port.loud_ms > 300)
        stage.conversation.voice_began()
        await asyncio.sleep(0.06)
        paused_at = stage.port.loud_ms
        await asyncio.sleep(0.2)
        assert stage.port.loud_ms == paused_at, "it pauses"
        stage.hears("Mhm.")
        await stage.quiet()
        assert stage.turns == [("user", "tell me"), ("agent", LONG)]
        assert stage.port.loud_ms == pytest.approx(20 * len(LONG), abs=40), "nothing is lost or said twice"


@in_virtual_time
async def test_a_noise_lets_it_go_on() -> None:
    async with Running(on_stage(lambda turn: [Part("A short answer.")])) as stage:
        await stage.say("tell me")
        await stage.until(lambda: stage.port.loud_ms > 60)
        await stage.say("")
        await stage.quiet()
        assert stage.turns[-1] == ("agent", "A short answer.")


@pytest.mark.parametrize(("text", "cut"), [("", False), ("hold on a second", True)])
@in_virtual_time
async def test_a_voice_that_never_ends_is_read(text: str, cut: bool) -> None:
    async def heard() -> Heard:
        return Heard(text, None, 1)

    stage = on_stage(lambda turn: [Part(LONG + LONG)], peek=lambda: asyncio.create_task(heard()))
    async with Running(stage):
        await stage.say("tell me")
        await stage.until(lambda: stage.port.loud_ms > 100)
        stage.conversation.voice_began()
        await asyncio.sleep(3)
        assert (len(stage.turns) == 2) is cut
        if not cut:
            assert not stage.port.silent_for(5), "music holds nobody up"


@in_virtual_time
async def test_an_agent_that_nothing_interrupts_speaks_to_its_end_and_answers_then() -> None:
    async with Running(on_stage(manners=Manners(sensitivity=0))) as stage:
        await stage.say("tell me")
        await stage.until(lambda: stage.port.loud_ms > 60)
        await stage.say("wait a moment")
        await stage.until(lambda: len(stage.turns) == 4)
        assert stage.turns[1] == ("agent", "You said tell me")
        assert stage.turns[2:] == [("user", "wait a moment"), ("agent", "You said wait a moment")]


@in_virtual_time
async def test_a_caller_who_goes_on_while_the_brain_thinks_is_asked_for_as_a_whole() -> None:
    async with Running(on_stage(lambda turn: [0.5, Part("Yes.")])) as stage:
        await stage.say("I need a taxi")
        await stage.until(lambda: bool(stage.brain.asked))
        await stage.say("to the station")
        await stage.until(lambda: len(stage.turns) == 3)
        assert [turn.text for turn in stage.brain.asked] == ["I need a taxi", "I need a taxi to the station"]
        assert stage.brain.cancelled == 1
        assert stage.turns[-1] == ("agent", "Yes.")


@in_virtual_time
async def test_parts_are_spoken_as_they_come() -> None:
    async with Running(on_stage(lambda turn: [Part("One moment."), 0.6, Part("Here it is.")])) as stage:
        await stage.say("find it")
        await asyncio.sleep(0.5)
        assert stage.port.loud_ms > 100
        await stage.quiet()
        assert stage.turns[-1] == ("agent", "One moment. Here it is.")


@in_virtual_time
async def test_hang_up_comes_after_the_last_word() -> None:
    async with Running(on_stage(lambda turn: [Part("Goodbye.", hangup=True)])) as stage:
        await stage.say("that is all")
        await stage.until(lambda: bool(stage.ends))
        assert stage.turns[-1] == ("agent", "Goodbye.")
        assert stage.port.loud_ms >= 140
        assert stage.ends == [("agent_hangup", "agent", None)]


@pytest.mark.parametrize(
    ("number", "fails"), [("+14155550111", None), ("+14155550111", "busy"), (None, None)]
)
@in_virtual_time
async def test_a_transfer_comes_after_the_last_word(number: str | None, fails: str | None) -> None:
    stage = on_stage(
        lambda turn: [Part("I will connect you.", transfer="")], manners=Manners(transfer_number=number)
    )
    stage.transfer_fails = fails
    async with Running(stage):
        await stage.say("a human please")
        if number and fails is None:
            await stage.until(lambda: bool(stage.ends))
            assert (stage.transfers, stage.ends) == ([number], [("call_transfer", "agent", None)])
        else:
            await stage.until(lambda: len(stage.turns) == 3)
            assert stage.turns[-1] == ("agent", NOT_CONNECTED)
            assert stage.ends == []


@in_virtual_time
async def test_a_transfer_is_not_undone_by_right() -> None:
    stage = on_stage(
        lambda turn: [Part("I will connect you.", transfer="")],
        manners=Manners(transfer_number="+14155550111"),
    )
    async with Running(stage):
        await stage.say("a human please")
        await stage.until(lambda: stage.port.loud_ms > 60)
        await stage.say("Right.")
        await stage.until(lambda: bool(stage.ends))
        assert stage.ends[0][0] == "call_transfer"


@pytest.mark.parametrize("apologize", [False, True])
@in_virtual_time
async def test_a_brain_that_fails_is_silence_or_an_apology_and_ends_the_call_at_the_third_time(
    apologize: bool,
) -> None:
    def fails(turn: object) -> list[Part | float | Exception]:
        return [BrainFailed("webhook_error", "no answer")]

    async with Running(on_stage(fails, manners=Manners(apologize=apologize))) as stage:
        asked = stage.brain.asked
        for number in ("one", "two", "three"):
            before = len(asked)
            await stage.say(f"question {number}")
            await stage.until(lambda before=before: len(asked) > before)  # type: ignore[misc]
            await stage.quiet()
        said = [text for role, text in stage.turns if role == "agent"]
        assert said == ([SORRY, SORRY, CANNOT_GO_ON] if apologize else [])
        assert stage.ends == [("webhook_error", "webhook", "no answer")]


@in_virtual_time
async def test_a_brain_that_dies_in_every_answer_ends_the_call() -> None:
    def dies(turn: object) -> list[Part | float | Exception]:
        return [Part("Well."), BrainFailed("llm_error", "it broke off")]

    async with Running(on_stage(dies, manners=Manners(apologize=True))) as stage:
        for number in ("one", "two", "three"):
            before = len(stage.brain.asked)
            await stage.say(f"question {number}")
            await stage.until(lambda before=before: len(stage.brain.asked) > before)  # type: ignore[misc]
            await stage.quiet()
        assert [text for role, text in stage.turns if role == "agent"] == [
            f"Well. {SORRY}",
            f"Well. {SORRY}",
            f"Well. {CANNOT_GO_ON}",
        ]
        assert stage.ends == [("llm_error", "llm", "it broke off")]


@in_virtual_time
async def test_a_failure_that_lasts_ends_the_call_at_once() -> None:
    failed = BrainFailed("llm_error", "a wrong key", lasting=True)
    async with Running(on_stage(lambda turn: [failed], manners=Manners(apologize=True))) as stage:
        await stage.say("hello")
        await stage.until(lambda: bool(stage.ends))
        assert [text for role, text in stage.turns if role == "agent"] == [CANNOT_GO_ON]
        assert stage.ends == [("llm_error", "llm", "a wrong key")]


@in_virtual_time
async def test_a_part_that_waits_lets_all_before_it_be_spoken() -> None:
    heard_ms: list[int] = []

    def answers(turn: object) -> list[Part | float | Exception]:
        return [Part("Pressing the keys now."), Part(waits=True)]

    stage = on_stage(answers)
    asked = stage.brain.answer

    async def answer(turn: UserTurn) -> AsyncGenerator[Part, None]:
        async for part in asked(turn):
            yield part
        heard_ms.append(stage.port.loud_ms)

    stage.brain.answer = answer  # type: ignore[method-assign]
    async with Running(stage):
        await stage.say("hello")
        await stage.until(lambda: bool(heard_ms))
        assert heard_ms[0] >= 22 * MS_A_CHARACTER - 40


@in_virtual_time
async def test_keys_are_a_turn() -> None:
    async with Running(on_stage()) as stage:
        for digit in "42#":
            stage.conversation.digit(digit)
        await stage.until(lambda: len(stage.turns) == 2)
        assert (stage.brain.asked[0].digits, stage.brain.asked[0].text) == ("42#", "42#")
        stage.conversation.digit("1")
        await stage.until(lambda: len(stage.brain.asked) == 2, timeout_s=3)


@in_virtual_time
async def test_silence_ends_a_call_and_sounds_without_words_do_not_save_it() -> None:
    async with Running(on_stage(manners=Manners(max_silence_ms=600))) as stage:
        await stage.say("hello")
        await stage.until(lambda: len(stage.turns) == 2)
        await asyncio.sleep(0.3)
        assert stage.ends == []
        await stage.say("")
        await stage.until(lambda: bool(stage.ends), timeout_s=1.5)
        assert stage.ends == [("inactivity", "caller", None)]


@in_virtual_time
async def test_the_longest_call() -> None:
    async with Running(on_stage(manners=Manners(max_ms=300, greeting=LONG))) as stage:
        await stage.until(lambda: bool(stage.ends), timeout_s=1)
        assert stage.ends[0][0] == "max_duration_reached"
    assert LONG.startswith(stage.turns[0][1]), "what was heard before is put down"


@in_virtual_time
async def test_a_call_that_goes_on_apologises_and_does_not_greet_again() -> None:
    past = [Said("turn_1", "user", "hello", 0)]
    stage = on_stage(manners=Manners(greeting="Hello."), resumed=True, history=past)
    async with Running(stage):
        await stage.quiet()
        assert stage.turns == [("agent", AGAIN)]


@in_virtual_time
async def test_the_times_of_a_call_that_goes_on_count_from_its_answer() -> None:
    manners = Manners(talked_ms=60_000, max_ms=60_900)
    async with Running(on_stage(manners=manners, resumed=True)) as stage:
        await stage.until(lambda: bool(stage.ends), timeout_s=3)
        assert stage.ends[0][0] == "max_duration_reached", "it is no longer than any other"
    [began] = [one["started_ms"] for kind, one in stage.told if kind == "turn"]
    assert 60_000 <= began < 61_000


@in_virtual_time
async def test_a_goodbye_takes_the_place_of_everything() -> None:
    async with Running(on_stage(lambda turn: [Part(LONG)])) as stage:
        await stage.say("tell me")
        await stage.until(lambda: stage.port.loud_ms > 100)
        await stage.conversation.say_goodbye("Goodbye.")
        assert stage.turns[-1] == ("agent", "Goodbye.")
        assert len(stage.turns[-2][1]) < len(LONG)


@in_virtual_time
async def test_a_voice_that_cannot_be_made_ends_the_call() -> None:
    async with Running(on_stage(lambda turn: [Part("BROKEN")])) as stage:
        await stage.say("hello")
        await stage.until(lambda: bool(stage.ends))
        assert stage.ends[0][:2] == ("speech_error", "speech")
