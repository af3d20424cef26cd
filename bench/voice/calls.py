"""Many calls at a time: how late frames reach the handset, what a call costs, and how long callers wait then."""

import json
import statistics
import threading
import time

from bench.speech import SENTENCES
from bench.voice.desk import Desk, Step, Webhook, conversation, load
from bench.voice.replies import ANSWER, Replies, waits

MANY, WITH_MODELS = 50, 8
_LATE_MS = 40
_A_CALL_S = 60
_SAYS = ("i would like to book a table", "for friday evening please", "thank you very much")


def _script(turns: int, phone: int) -> list[Step]:
    """Callers who don't all speak at the same moment."""
    texts = [_SAYS[turn % len(_SAYS)] for turn in range(turns)]
    return conversation(texts, before_ms=2_000 + 137 * phone)


def report() -> None:
    _many()
    _with_models()


def _many() -> None:
    with Desk(Webhook({"text": "we have noted that for you"}), stt="fake", tts="fake", stamps=True) as desk:
        desk.wait(desk.dial(*_script(1, 0)))
        empty, began = desk.memory_mb(), time.monotonic()
        calls = [desk.dial(*_script(12, phone), phone=phone) for phone in range(MANY)]
        time.sleep(10)
        before, at = desk.cpu_s(), time.monotonic()
        time.sleep(20)
        cpu = {kind: (value - before[kind]) / (time.monotonic() - at) for kind, value in desk.cpu_s().items()}
        memory = desk.memory_mb()
        ended = [desk.wait(call) for call in calls]
        gaps = [
            json.loads(what.removeprefix("frames "))
            for what, _ in desk.stamps()
            if what.startswith("frames ")
        ]
        frames, slow = sum(one[0] for one in gaps), sum(one[1] for one in gaps)
    print(
        f"\n## {MANY} calls, scripted brain, fake speech, after {time.monotonic() - began:.0f} s ({load()})\n"
    )
    completed = sum(one["status"] == "completed" for one in ended)
    print(
        f"{completed} of {MANY} completed; of {frames:,} frames {slow} came more than {_LATE_MS} ms late",
        end="",
    )
    print(f" ({100 * slow / max(1, frames):.3f} %)\n")
    print("| process | % of a core a call | MB a call after the first |\n| --- | --- | --- |")
    for kind, share in cpu.items():
        print(
            f"| {kind} | {100 * share / MANY:.2f} | {(memory[kind] - empty[kind]) / MANY:.2f} |", flush=True
        )


def _with_models() -> None:
    replies = Replies()
    texts = [SENTENCES[(3 * turn) % len(SENTENCES)] for turn in range(5)]
    with Desk(Webhook({"text": ANSWER})) as desk:
        desk.wait(desk.dial(*conversation(texts)))
        calls: list[str] = []
        for phone in range(WITH_MODELS):
            threading.Event().wait(0.7)
            calls.append(desk.dial(*conversation(texts, silence_ms=2_500), phone=phone))
        for call in calls:
            desk.wait(call)
            waits(*desk.recording(call), len(texts), replies)
    print(
        f"\n## {WITH_MODELS} calls at a time with Moonshine and Piper, caller's end to first sound, ms ({load()})\n"
    )
    print("| Who | median | p95 | turns | began early | missed |\n| --- | --- | --- | --- | --- | --- |")
    print(replies.row("Ringback"))
    print(f"(the least {min(replies.waits):.0f}, mean {statistics.mean(replies.waits):.0f})", flush=True)
