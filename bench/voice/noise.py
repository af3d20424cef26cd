"""Noise 20 dB below speech while the agent speaks: how often it falls silent for nobody."""

from bench.voice import sounds
from bench.voice.barge import LONG, QUESTION
from bench.voice.desk import Desk, Webhook, load

BELOW_DB = 20
NOISES = {"white": sounds.white, "pink": sounds.pink, "clicks": sounds.clicks}
_A_MINUTE = 3
_BREATH_MS = 900
"""The agent's own pauses between sentences are shorter."""


def report(minutes: float) -> None:
    """One call with each noise, all at the same time."""
    webhook = Webhook({"text": " ".join([LONG] * round(minutes * _A_MINUTE + 1))})
    found = {}
    with Desk(webhook, stamps=True) as desk:
        calls = {}
        for phone, (name, make) in enumerate(NOISES.items()):
            sound = make(60 * minutes, sounds.SPEECH_DB - BELOW_DB)
            played = sounds.keep(desk.folder, name, sound)
            calls[name] = desk.dial(
                {"pauseMs": 2_000},
                {"say": QUESTION},
                {"pauseMs": 1_500},
                {"say": played},
                {"hangup": True},
                phone=phone,
            )
        for name, call in calls.items():
            desk.wait(call)
            agent = sounds.loud(desk.recording(call)[1], join_ms=_BREATH_MS)
            spoken = sum(one.end - one.start for one in agent) / 60_000
            found[name] = (spoken, len(agent) - 1)
        voices = sum(what == "voice" for what, _ in desk.stamps()) - len(NOISES)
    turns = webhook.heard
    print(f"\n## Noise {BELOW_DB} dB below speech while the agent speaks ({load()})\n")
    print("| noise | minutes the agent spoke | times it fell silent |\n| --- | --- | --- |")
    for name, (spoken, pauses) in found.items():
        print(f"| {name} | {spoken:.1f} | {pauses} |")
    taken = [text for text in turns if text not in turns[: len(NOISES)]]
    print(
        f"\nVoices that were noticed in noise: {voices}. Silences of a reply without one are the synthesiser's."
    )
    print(f"Replies that were cancelled: {len(turns) - len(NOISES)} {taken or ''}", flush=True)
