"""Cutting what comes in into utterances, with a scripted voice detector."""

import asyncio
from collections.abc import Iterator

import pytest

from ringback.speech.protocol import Heard
from ringback.voice.legs.base import FRAME, RATE
from ringback.voice.talk.ears import Ears, Utterance, Voice

pytestmark = pytest.mark.unit

QUIET, STARTING, SPEAKING, STOPPING = Voice


class Scripted:
    start_ms, stop_ms = 100, 200

    def __init__(self) -> None:
        self.states: Iterator[Voice] = iter(())

    def feed(self, pcm: bytes) -> Voice:
        return next(self.states)


class Reader:
    """Recognises how long the sound is, in tenths of a second; judges every utterance whole."""

    def __init__(self) -> None:
        self.reading = 0
        self.lengths: list[int] = []
        self.judged: list[int] = []
        self.believes: list[bool] = []
        """What it says of each sound it is asked for; yes when that is used up."""

    async def transcribe(self, pcm: bytes, rate: int, *, language: str = "en-US") -> Heard:
        self.reading += 1
        await asyncio.sleep(0.02)
        self.lengths.append(len(pcm) * 1000 // (2 * rate))
        return Heard("words", None, 1)

    async def is_complete(self, pcm: bytes) -> bool:
        self.judged.append(len(pcm) * 1000 // (2 * RATE))
        return self.believes.pop(0) if self.believes else True


class Heads:
    def __init__(self, patience_ms: int = 0) -> None:
        self.detector, self.reader = Scripted(), Reader()
        self.began: list[int] = []
        self.ended: list[Utterance] = []
        self.ears = Ears(
            self.detector,
            self.reader,
            self.reader,
            began=self.began.append,
            ended=self.ended.append,
            patience_ms=patience_ms,
        )

    async def hear(self, *stretches: tuple[Voice, int]) -> None:
        """Stretches of a state, in frames of 20 ms."""
        states = [state for state, count in stretches for _ in range(count)]
        self.detector.states = iter(states)
        for _ in states:
            self.ears.feed(bytes(FRAME))
            await asyncio.sleep(0)


async def test_an_utterance_and_when_it_was() -> None:
    it = Heads()
    await it.hear((QUIET, 50), (STARTING, 5), (SPEAKING, 50), (STOPPING, 10), (QUIET, 1))
    assert it.began == [1_000 + 120 - 100]
    (utterance,) = it.ended
    assert (utterance.started_ms, utterance.ended_ms) == (1_020, 2_100)
    assert (await utterance.words).text == "words"
    assert await utterance.complete


@pytest.mark.parametrize(
    ("again", "silences", "waits_s"),
    [([True], [550], 0.35), ([False, True], [550, 900], 0.7), ([False, False], [550, 900], 1.3)],
)
async def test_who_did_not_sound_done_is_judged_again_in_a_longer_silence(
    again: list[bool], silences: list[int], waits_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Heads()
    it.reader.believes = [False, *again]
    await it.hear((QUIET, 5), (STARTING, 5), (SPEAKING, 20), (STOPPING, 10), (QUIET, 1))
    (utterance,) = it.ended
    assert not await utterance.complete
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("ringback.voice.talk.ears.asyncio.sleep", sleep)
    over: list[float] = []
    await utterance.breathed(lambda: over.append(sum(waited)))
    assert over == [pytest.approx(waits_s)]
    first, *later = it.reader.judged
    assert [length - first + 40 for length in later] == silences, "the silence that was not there at first"


async def test_it_is_read_on_trial_before_the_silence_is_long_enough() -> None:
    it = Heads()
    await it.hear((QUIET, 5), (STARTING, 5), (SPEAKING, 20), (STOPPING, 3))
    assert it.reader.reading == 1
    assert it.ended == []
    await it.hear((STOPPING, 6), (QUIET, 1))
    assert it.reader.reading == 1, "what was read on trial is what it was"
    await it.ended[0].words


async def test_who_goes_on_makes_the_trial_be_thrown_away() -> None:
    it = Heads()
    await it.hear((QUIET, 5), (STARTING, 5), (SPEAKING, 20), (STOPPING, 7), (SPEAKING, 20), (STOPPING, 10))
    await it.hear((QUIET, 1))
    await it.ended[0].words
    assert it.reader.reading == 2
    # 100 ms of quiet, 100 of starting, 980 until the second trial began.
    assert it.reader.lengths == [5 * 20 + 5 * 20 + 20 * 20 + 7 * 20 + 20 * 20 + 2 * 20]


async def test_the_time_before_is_kept_and_no_more_of_it() -> None:
    it = Heads()
    await it.hear((QUIET, 500), (STARTING, 5), (SPEAKING, 10), (STOPPING, 1), (QUIET, 1))
    await it.ended[0].words
    (length,) = it.reader.lengths
    assert length == pytest.approx(400 + 12 * 20, abs=40)


async def test_patience_reads_in_one_piece_what_is_cut_in_two_without() -> None:
    said = [(QUIET, 5), (STARTING, 5), (SPEAKING, 20), (STOPPING, 10), (QUIET, 1), (STARTING, 5)]
    said += [(SPEAKING, 20), (STOPPING, 10), (QUIET, 20)]
    quick, careful = Heads(), Heads(patience_ms=300)
    for it in (quick, careful):
        await it.hear(*said)
        for utterance in it.ended:
            await utterance.words
    assert len(quick.ended) == 2
    assert len(careful.ended) == len(careful.began) == 1
    assert careful.reader.reading == 1, "nothing is read on trial in the pause"
    assert careful.ended[0].ended_ms == quick.ended[1].ended_ms


async def test_a_voice_without_an_end_is_cut() -> None:
    it = Heads()
    await it.hear((STARTING, 5), (SPEAKING, 30_000 // 20 + 10))
    assert len(it.ended) == 1
    assert len(it.began) == 2
    it.ears.close()


async def test_what_was_said_so_far() -> None:
    it = Heads()
    await it.hear((QUIET, 10), (SPEAKING, 30))
    assert (await it.ears.peek()).text == "words"
    assert it.ended == []
    assert RATE == 8_000
