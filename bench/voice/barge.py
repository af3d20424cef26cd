"""Callers who speak while the agent does: those who interrupt it, and those who only show that they listen."""

import itertools
import statistics

from bench.voice import sounds
from bench.voice.desk import Desk, Step, Webhook, load, pieces

LONG = (
    "Thank you for asking. We are open from Monday to Friday between nine in the morning and six in the evening. On Saturday "
    "we close at two, and on Sunday nobody is here at all. You can come without an appointment, but it may take a while until "
    "somebody has time for you. Those who call before have a chair kept for them, and a cup of coffee. We are next to the "
    "old station, and the bus stops in front of the door. If you come by car, you can leave it behind the house."
)
QUESTION = "When are you open?"
STOPS = (
    "Please stop, I have heard enough.",
    "Wait, that was not my question.",
    "Excuse me, can I say something?",
    "No, I meant the other office.",
    "Hold on, I need a pen.",
)
LISTENING = ("Mhm.", "Mm-hmm.", "Uh-huh.", "Yeah.", "Okay.", "Right.")
_A_CALL, _A_LONG_ANSWER = 10, 5
_SPEECH_MS, _BETWEEN_MS, _SOON_MS = 2_000, 2_500, 1_500


def report(count: int) -> None:
    """From the first sound of who interrupts to the last of the agent."""
    took: list[float] = []
    silent = missed = 0
    with Desk(Webhook({"text": LONG})) as desk:
        for some in pieces(list(itertools.islice(itertools.cycle(STOPS), count)), _A_CALL):
            script: list[Step] = [{"pauseMs": 2_000}, {"say": QUESTION}]
            script += [{"interruptAfterMs": _SPEECH_MS, "say": text} for text in some]
            call = desk.dial(*script, {"pauseMs": 2_000}, {"hangup": True})
            desk.wait(call)
            left, right = desk.recording(call)
            agent = sounds.loud(right, join_ms=200)
            for span in sounds.loud(left, join_ms=900)[1:]:
                while_ = next((one for one in agent if one.start < span.start < one.end), None)
                if while_ is None:
                    silent += 1  # it drew breath in that very moment
                elif while_.end > span.end + _SOON_MS:
                    missed += 1
                else:
                    took.append(while_.end - span.start)
    print(f"\n## Interruptions: the caller begins to the agent is silent, ms ({load()})\n")
    print(
        "| median | p95 | measured | the agent was silent anyway | not heard |\n| --- | --- | --- | --- | --- |"
    )
    print(
        f"| {statistics.median(took):.0f} | {sounds.percentile(took, 0.95):.0f} | {len(took)} | {silent} | {missed} |",
        flush=True,
    )


def report_backchannels(count: int) -> None:
    """Whether the agent goes on after each, and how long it was silent for it."""
    held: list[float] = []
    cancelled: list[str] = []
    webhook = Webhook({"text": LONG})
    with Desk(webhook) as desk:
        for some in pieces(list(itertools.islice(itertools.cycle(LISTENING), count)), _A_LONG_ANSWER):
            script: list[Step] = [{"pauseMs": 2_000}, {"say": QUESTION}, {"pauseMs": 3_500}]
            for text in some:
                script += [{"say": text}, {"pauseMs": _BETWEEN_MS}]
            turns = len(webhook.heard)
            call = desk.dial(*script, {"hangup": True})
            desk.wait(call)
            cancelled += webhook.heard[turns + 1 :]
            left, right = desk.recording(call)
            agent = sounds.loud(right, join_ms=100)
            for span in sounds.loud(left, join_ms=900)[1:]:
                next_ = next((one.start for one in agent if one.end > span.end), None)
                if next_ is not None:
                    held.append(max(0, next_ - span.end))
    print(f"\n## {count} backchannels while the agent speaks ({load()})\n")
    print(
        "| replies cancelled | heard as | the agent goes on after, ms: median | p95 |\n| --- | --- | --- | --- |"
    )
    print(
        f"| {len(cancelled)} | {', '.join(sorted(set(cancelled))) or '-'} | {statistics.median(held):.0f} "
        f"| {sounds.percentile(held, 0.95):.0f} |",
        flush=True,
    )
