"""`python -m bench.voice.stamped serve|child|exchange ...`: Ringback's own processes, which note when things happened.

With BENCH_STAMPS set, each writes JSON lines into that folder, by the machine's clock, which is the same in all of them.
Handsets of this exchange also play WAV files (`sounds.PLAY`), so that a caller can be anybody, and any noise.
"""

import json
import os
import runpy
import subprocess
import sys
import time
import types
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

PLAY = "play:"
_KNOWN = 500
"""Frames, ten seconds, whose earliest tells when the next are due: what held all up once moves them all."""
_TO: list[Any] = []


def stamp(what: str) -> None:
    """It happened now."""
    if not _TO:
        folder = os.environ.get("BENCH_STAMPS")
        _TO.append(open(Path(folder) / f"{os.getpid()}.jsonl", "a") if folder else None)  # noqa: SIM115
    if _TO[0] is not None:
        _TO[0].write(json.dumps([what, time.monotonic()]) + "\n")
        _TO[0].flush()


def serve() -> None:
    """The server, whose child and exchange are those below."""
    from ringback import phone_network
    from ringback.voice import children

    command_of = phone_network.exchange_command

    def exchange_command(settings: Any) -> tuple[str, ...]:
        return tuple(_ours(command_of(settings), "exchange"))

    def popen(command: Any, **more: Any) -> Any:
        return subprocess.Popen(_ours(command, "voice.child"), **more)

    setattr(phone_network, "exchange_command", exchange_command)  # noqa: B010
    setattr(children, "subprocess", types.SimpleNamespace(**{**vars(subprocess), "Popen": popen}))  # noqa: B010
    from ringback import cli

    sys.exit(cli.main(sys.argv[1:]))


def _ours(command: Any, name: str) -> list[str]:
    found = list(command)
    place = found.index(f"ringback.{name}")
    found[place : place + 1] = ["bench.voice.stamped", name.rpartition(".")[2]]
    return found


def child() -> None:
    """A media child that notes each step of a reply."""
    from ringback.speech.client import SpeechClient
    from ringback.voice.brains.webhook import WebhookBrain
    from ringback.voice.talk.conversation import Conversation

    began, ended, end_turn, answer, speak, first = (
        Conversation.voice_began,
        Conversation.voice_ended,
        Conversation._end_turn,
        WebhookBrain.answer,
        SpeechClient.speak,
        Conversation.first_sound,
    )

    def voice_began(self: Any, at_ms: int = 0) -> None:
        stamp("voice")
        began(self, at_ms)

    def voice_ended(self: Any, utterance: Any) -> None:
        stamp("vad")
        utterance.words.add_done_callback(lambda _: stamp("words"))
        utterance.complete.add_done_callback(lambda _: stamp("complete"))
        ended(self, utterance)

    def turn(self: Any) -> None:
        stamp("turn")
        end_turn(self)

    async def answers(self: Any, turn: Any) -> AsyncIterator[Any]:
        stamp("asked")
        noted = False
        async for part in answer(self, turn):
            if not noted:
                stamp("answered")
                noted = True
            yield part

    async def speaks(self: Any, text: str, **more: Any) -> AsyncIterator[bytes]:
        stamp("speak")
        noted = False
        async for sound in speak(self, text, **more):
            if not noted:
                stamp("sound")
                noted = True
            yield sound

    def first_sound(self: Any) -> None:
        stamp("written")
        first(self)

    for place, made in (
        (
            Conversation,
            {
                "voice_ended": voice_ended,
                "_end_turn": turn,
                "voice_began": voice_began,
                "first_sound": first_sound,
            },
        ),
        (WebhookBrain, {"answer": answers}),
        (SpeechClient, {"speak": speaks}),
    ):
        for name, what in made.items():
            setattr(place, name, what)
    runpy.run_module("ringback.voice.child", run_name="__main__")


def exchange() -> None:
    """The far end, whose handsets play files too, and which notes when each began."""
    from ringback.sim.exchange.phone import Phone
    from ringback.sim.exchange.studio import Studio

    speech, tick, hear, wind_up = Studio.speech, Phone.speak, Phone.hear, Phone._wind_up

    async def play_or_speak(self: Any, text: str) -> bytes:
        if not text.startswith(PLAY):
            spoken: bytes = await speech(self, text)
            return spoken
        with wave.open(text.removeprefix(PLAY)) as file:
            played: bytes = file.readframes(file.getnframes())
            return played

    def ticks(self: Any) -> Any:
        if not self.now_ms:
            stamp(f"begun {self.id}")
        return tick(self)

    def hears(self: Any, packet: Any) -> None:
        # The earliest of the last ten seconds tells when the others are due: one each 20 ms.
        due = (
            time.monotonic()
            - (packet.timestamp - self.__dict__.setdefault("_first", packet.timestamp)) / 8_000
        )
        self.__dict__.setdefault("_came", []).append(due)
        hear(self, packet)

    async def winds_up(self: Any, status: str, reason: str) -> None:
        came = self.__dict__.get("_came", [])
        late = [due - min(came[max(0, at - _KNOWN) : at + 1]) for at, due in enumerate(came)]
        stamp("frames " + json.dumps([len(late), sum(one > 0.04 for one in late)]))
        await wind_up(self, status, reason)

    setattr(Phone, "hear", hears)  # noqa: B010
    setattr(Phone, "_wind_up", winds_up)  # noqa: B010
    setattr(Studio, "speech", play_or_speak)  # noqa: B010
    setattr(Phone, "speak", ticks)  # noqa: B010
    runpy.run_module("ringback.exchange", run_name="__main__")


if __name__ == "__main__":
    role = sys.argv.pop(1)
    {"serve": serve, "child": child, "exchange": exchange}[role]()
