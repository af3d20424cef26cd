"""Words that are wrong at the end of the whole way: from a handset to the webhook, and from the agent to a handset's ear."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.speech import RATE, SENTENCES, errors, recorded, telephone, words
from bench.voice import sounds
from bench.voice.barge import LONG
from bench.voice.desk import Desk, Step, Webhook, load, pieces
from ringback.speech.engines.base import Pcm
from ringback.speech.engines.loading import Engines

NOISE_DB = (35, 22)
_PAUSE_MS = 3_000
_A_CALL = 8


def _heard(
    desk: Desk, webhook: Webhook, texts: Sequence[str], clips: Sequence[Any], name: str
) -> tuple[int, int]:
    """Words wrong, and words said, of clips that handsets play one after another."""
    wrong = total = 0
    clips_of = list(zip(texts, clips, strict=True))
    for number, some in enumerate(pieces(clips_of, _A_CALL)):
        script: list[Step] = [{"pauseMs": 1_500}]
        for place, (_, samples) in enumerate(some):
            script += [
                {"say": sounds.keep(desk.folder, f"{name}-{number}-{place}", samples)},
                {"pauseMs": _PAUSE_MS},
            ]
        desk.wait(desk.dial(*script, {"hangup": True}))
        # A caller who draws breath may be taken to be done: what counts are the words of all of a call.
        turns = desk.call_of()["transcripts"]
        heard = " ".join(turn["transcript"] or "" for turn in turns)
        said = words(" ".join(text for text, _ in some))
        wrong += errors(said, words(heard))
        total += len(said)
    return wrong, total


def report() -> None:
    lines = []
    webhook = Webhook({"text": "Yes."})
    with tempfile.TemporaryDirectory() as folder, Desk(webhook) as desk:
        piper = Engines(Path(folder)).speaking("piper")
        neural = [(text, piper.speak(text, voice="piper-joe", speed=1.0)) for text in SENTENCES]
        for who, callers in (("Piper", neural), ("people", list(recorded(None)))):
            for noise_db in NOISE_DB:
                clips = [
                    np.frombuffer(telephone(pcm, noise_db, seed), "<i2").astype(float)
                    for seed, (_, pcm) in enumerate(callers)
                ]
                wrong, total = _heard(
                    desk, webhook, [text for text, _ in callers], clips, f"{who}-{noise_db}"
                )
                lines.append(
                    f"| {who}, {len(callers)} clips, {noise_db} dB | {100 * wrong / total:.1f} | {total} |"
                )
        lines.append(_agent(Engines(Path(folder))))
    print(f"\n## Words wrong over the whole way, % ({load()})\n")
    print("| From | wrong | words |\n| --- | --- | --- |")
    print("\n".join(lines), flush=True)


def _agent(engines: Engines) -> str:
    """What the agent said, as it reached a handset, read by the best recogniser that is there."""
    try:
        name, reader = "Whisper", engines.hearing("whisper")
    except Exception:
        name, reader = "Moonshine", engines.hearing("moonshine")
    webhook = Webhook({"text": LONG, "hangup": True})
    wrong = total = 0
    with Desk(webhook) as desk:
        for _ in range(3):
            call = desk.dial({"pauseMs": 1_500}, {"say": "When are you open?"}, {"pauseMs": 60_000})
            desk.wait(call)
            right = desk.recording(call)[1]
            heard = " ".join(
                reader.hear(
                    Pcm(right[one.start * 8 : (one.end + 200) * 8].astype("<i2").tobytes(), RATE),
                    language="en-US",
                ).text
                for one in sounds.loud(right, join_ms=350)
            )
            wrong += errors(words(LONG), words(heard))
            total += len(words(LONG))
    return f"| the agent, read back by {name} | {100 * wrong / total:.1f} | {total} |"
