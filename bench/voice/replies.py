"""How long a caller waits for the agent's answer, and which part of it passes where; beside the smallest plain pipecat bot."""

import itertools
import statistics
from dataclasses import dataclass, field
from typing import Any

from bench.speech import SENTENCES
from bench.voice import plain_bot, sounds
from bench.voice.desk import Desk, Webhook, conversation, load, pieces
from ringback.voice.legs.base import FRAME
from ringback.voice.models import Silero
from ringback.voice.talk.ears import Voice

ANSWER = "Sure, I can help with that."
A_CALL = 10
_LONGEST_MS = 6_000


@dataclass
class Replies:
    """Waits in ms, and the parts of each that is whole."""

    waits: list[float] = field(default_factory=list)
    early: int = 0
    """Answers that began before the caller was done."""
    missed: int = 0
    parts: dict[str, list[float]] = field(default_factory=dict)
    frames: list[bytes] = field(default_factory=list)
    """What each caller said, as PCM, for whoever is measured with the same."""

    def row(self, name: str) -> str:
        found = (
            f"| {name} | {statistics.median(self.waits):.0f} | {sounds.percentile(self.waits, 0.95):.0f} |"
        )
        return f"{found} {len(self.waits)} | {self.early} | {self.missed} |"


def waits(left: Any, right: Any, turns: int, replies: Replies) -> list[tuple[int, int]]:
    """From the end of what the caller said to the first sound of the answer; answers both, of each whole turn."""
    said, heard = sounds.loud(left, join_ms=900), sounds.loud(right, join_ms=700)
    found = []
    for number, span in enumerate(said):
        until = said[number + 1].start if number + 1 < len(said) else span.end + _LONGEST_MS
        answer = next((one for one in heard if span.start <= one.start < until), None)
        if answer is None:
            replies.missed += 1
        elif answer.start < span.end:
            replies.early += 1
        else:
            replies.waits.append(answer.start - span.end)
            found.append((span.end, answer.start))
    replies.missed += max(0, turns - len(said))
    return found


def decided_ms(left: Any) -> list[int]:
    """When the voice detector, fed with what the caller said and nothing in between, finds each utterance ended."""
    pcm, detector, before, found = left.astype("<i2").tobytes(), Silero(), Voice.QUIET, []
    for number, start in enumerate(range(0, len(pcm) - FRAME, FRAME), 1):
        state = detector.feed(pcm[start : start + FRAME])
        speaking = state in (Voice.SPEAKING, Voice.STOPPING)
        if not speaking and before in (Voice.SPEAKING, Voice.STOPPING):
            found.append(number * 20)
        before = state
    return found


def split(turns: list[tuple[int, int]], left: Any, stamps: list[tuple[str, float]], begun: float) -> Any:
    """The parts of each turn, in ms, from the stamps of one call's processes."""
    quiet = decided_ms(left)
    for end, start in turns:
        at = {}
        for what, when in stamps:
            ms = (when - begun) * 1000
            if end < ms < start + 50 and (what not in at or what in ("vad", "words", "turn")):
                at[what] = ms
        decided = next((ms for ms in quiet if ms > end), None)
        # Words that were read on trial may have been there before the voice was known to have ended.
        if (
            decided is None
            or not {"vad", "turn", "asked", "answered", "speak", "sound", "written"} <= at.keys()
        ):
            continue
        words = max(at.get("words", at["vad"]), at["vad"])
        yield {
            "voice detector": decided - end,
            "way in": at["vad"] - decided,
            "words": words - at["vad"],
            "end of turn": at["turn"] - words,
            "webhook": at["answered"] - at["asked"],
            "speech made": at["sound"] - at["speak"],
            "ringback": at["asked"] - at["turn"] + at["speak"] - at["answered"],
            "held for who goes on": at["written"] - at["sound"],
            "way out": start - at["written"],
        }


def measure(turns: int, **agent: Any) -> Replies:
    """Calls of ten turns each, one after another."""
    texts = list(itertools.islice(itertools.cycle(SENTENCES), turns))
    replies = Replies()
    with Desk(Webhook({"text": ANSWER}), stamps=True, **agent) as desk:
        # What is loaded and made once, is so before: the models, and the voices of the handset.
        desk.wait(desk.dial(*conversation(SENTENCES[:2])))
        for some in pieces(texts, A_CALL):
            call = desk.dial(*conversation(some))
            desk.wait(call)
            left, right = desk.recording(call)
            found = waits(left, right, len(some), replies)
            stamps = desk.stamps()
            begun = next(when for what, when in stamps if what == f"begun {call}")
            for parts in split(found, left, stamps, begun):
                for name, ms in parts.items():
                    replies.parts.setdefault(name, []).append(ms)
            replies.frames.append(left.astype("<i2").tobytes())
    return replies


def report(turns: int) -> None:
    print(f"\n## Replies: end of the caller's speech to the first sound of the answer, ms ({load()})\n")
    ours = measure(turns)
    print("| Who | median | p95 | turns | began early | missed |\n| --- | --- | --- | --- | --- | --- |")
    print(ours.row("Ringback"), flush=True)
    plain = Replies()
    for pcm, (left, right) in zip(ours.frames, plain_bot.answer(ours.frames, ANSWER), strict=True):
        waits(left, right, len(sounds.loud(left, join_ms=900)), plain)
        assert len(pcm) == 2 * len(left)
    print(plain.row("plain pipecat bot, without a telephone line"))
    print(
        f"\nRingback is {statistics.median(ours.waits) / statistics.median(plain.waits):.2f} of the plain bot.\n"
    )
    print("| Part | median | p95 |\n| --- | --- | --- |")
    for name, values in ours.parts.items():
        print(f"| {name} | {statistics.median(values):.0f} | {sounds.percentile(values, 0.95):.0f} |")
    print(f"\n{load()} at the end", flush=True)
