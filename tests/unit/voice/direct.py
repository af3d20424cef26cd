"""A whole call without processes and sockets: a handset of the simulated network, its line, and a live call at the other
end of it. In virtual time, with speech of tones; a loudness takes the place of the voice detector."""

import asyncio
import contextlib
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ringback.kit.g711 import decode_ulaw, encode_ulaw
from ringback.kit.playout import Playout
from ringback.kit.rtp import FRAME as SAMPLES
from ringback.kit.rtp import PCMU, Packet
from ringback.sim.exchange.call import Call, Failure, Party
from ringback.sim.exchange.line import Line
from ringback.sim.exchange.phone import Conduct, Phone
from ringback.sim.exchange.studio import Studio
from ringback.voice.child.call import LiveCall
from ringback.voice.legs.base import (
    FRAME_MS,
    SILENCE,
    Answered,
    Digit,
    Failed,
    HungUp,
    LegEvent,
    Ringing,
    Transferred,
)
from ringback.voice.legs.port import Pacer, Port
from ringback.voice.protocol import CallPlan
from ringback.voice.talk.ears import Voice
from tests.tones import Tones
from tests.unit.voice.stage import Answers, Script

AGENT, OTHER = "+14155550100", "+14155550142"
_LOUD = 300
_REASONS = {"unreachable": "invalid_destination"}


class Loudness:
    """A `VoiceDetector`: what is loud is a voice."""

    start_ms, stop_ms = 100, 200

    def __init__(self) -> None:
        self._loud = self._quiet = 0
        self._speaking = False

    def feed(self, pcm: bytes) -> Voice:
        samples = array("h", pcm)
        loud = sum(map(abs, samples)) > _LOUD * len(samples)
        self._loud, self._quiet = (self._loud + FRAME_MS, 0) if loud else (0, self._quiet + FRAME_MS)
        if self._speaking:
            self._speaking = self._quiet < self.stop_ms
            if self._speaking:
                return Voice.SPEAKING if loud else Voice.STOPPING
            return Voice.QUIET
        self._speaking = self._loud >= self.start_ms
        if self._speaking:
            return Voice.SPEAKING
        return Voice.STARTING if loud else Voice.QUIET


class Patience:
    """A `TurnJudge` that takes every utterance for whole, but those that `draws_breath` is told of, by their number."""

    def __init__(self, draws_breath: Sequence[int] = ()) -> None:
        self._draws_breath = draws_breath
        self._seen: list[bytes] = []

    async def is_complete(self, pcm: bytes) -> bool:
        said = pcm.rstrip(b"\0")
        if said not in self._seen:
            self._seen.append(said)
        return self._seen.index(said) not in self._draws_breath


class DirectPort(Port):
    def __init__(self, send: Callable[[Packet], None]) -> None:
        super().__init__()
        self.playout = Playout()
        self._send = send
        self._number = 0

    def take(self) -> bytes:
        coded = self.playout.pull()
        return SILENCE if coded is None else decode_ulaw(coded)

    def send(self, frame: bytes) -> None:
        self._send(Packet(PCMU, self._number & 0xFFFF, self._number * SAMPLES, 1, False, encode_ulaw(frame)))
        self._number += 1


class DirectLeg(Party):
    """A `CallLeg` that is a party of the network's call itself. `transfers` tells how a transfer to a number ends."""

    retakable = False

    def __init__(self, begin: Callable[["DirectLeg"], None], pacer: Pacer) -> None:
        self._begin, self._pacer = begin, pacer
        self._events: asyncio.Queue[LegEvent] = asyncio.Queue()
        self.audio = DirectPort(self._carry)
        self.asked: list[str] = []
        self.transfers: Callable[[str], str | None] = lambda to: None
        self.pressed = ""

    async def open(self) -> None:
        self._begin(self)

    async def events(self) -> Any:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Failed | HungUp):
                return

    async def ring(self) -> None:
        if self.call is not None:
            self.call.ring()

    async def answer(self) -> None:
        if self.call is not None:
            self.call.answer()

    async def reject(self, code: int) -> None: ...

    async def hangup(self) -> None:
        if self.call is not None:
            self.call.hang_up(self)

    async def hold(self, on: bool) -> None: ...

    async def send_digits(self, digits: str) -> None:
        self.pressed += digits

    async def transfer(self, to: str) -> None:
        self.asked.append(to)
        reason = self.transfers(to)
        await asyncio.sleep(0.5)
        self._events.put_nowait(Transferred(reason is None, reason))
        if reason is None and self.call is not None:
            self.call.hang_up(self)  # the other end is somebody else's now

    async def close(self) -> None:
        self._pacer.remove(self.audio)

    # What the network tells it

    def ringing(self) -> None:
        self._events.put_nowait(Ringing())

    def answered(self) -> None:
        self._pacer.add(self.audio)
        self._events.put_nowait(Answered())

    def failed(self, failure: Failure) -> None:
        self._events.put_nowait(Failed(_REASONS.get(failure.reason, failure.reason)))

    def hung_up(self, detail: str) -> None:
        self._events.put_nowait(HungUp())

    def digit(self, key: str) -> None:
        self._events.put_nowait(Digit(key))

    def hear(self, packet: Packet) -> None:
        self.audio.playout.push(packet)

    def _carry(self, packet: Packet) -> None:
        if self.call is not None:
            self.call.carry(self, packet)


@dataclass
class Heard:
    """What is known of a call when it is over. Times are ms since the answer, where nothing else is said."""

    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    words: list[dict[str, Any]] = field(default_factory=list)
    """Of both sides, as the handset has them."""
    asked: list[str] = field(default_factory=list)
    """What the brain was asked."""
    transfers: list[str] = field(default_factory=list)

    @property
    def turns(self) -> list[tuple[str, str]]:
        return [(one["role"], one["text"]) for kind, one in self.told if kind == "turn"]

    @property
    def said(self) -> list[str]:
        """What the agent said, by its transcript."""
        return [text for role, text in self.turns if role == "agent"]

    @property
    def end(self) -> tuple[str, str | None]:
        """The reason, and whose doing it is."""
        kind, fields = self.told[-1]
        assert kind == "ended", self.told
        return fields["reason"], fields["side"]

    @property
    def detail(self) -> Any:
        return self.told[-1][1]["detail"]

    @property
    def end_ms(self) -> int:
        """When it ended."""
        return int(self.told[-1][1]["at_ms"])

    def heard_by_handset(self, *, after_ms: int = 0) -> str:
        """What the handset heard the agent say."""
        return " ".join(
            one["text"] for one in self.words if one["who"] == "other" and one["startMs"] >= after_ms
        )


def plan(**given: Any) -> CallPlan:
    """A plan with defaults; `agent` are settings by their stored names."""
    base: dict[str, Any] = {
        "call_id": "call_1",
        "account_id": "acct_1",
        "request_id": None,
        "direction": "outbound",
        "from": AGENT,
        "to": OTHER,
        "leg": {},
        "agent": {},
        "brain": {"kind": "webhook"},
        "greeting": None,
        "max_s": 600,
        "record": False,
        "recording_path": None,
        "recording_notice": None,
        "resumed": False,
        "last_n": 0,
        "history": [],
    }
    return {**base, **given}  # type: ignore[typeddict-item]


async def call(
    conduct: Conduct,
    answers: Answers = lambda turn: [],
    *,
    most_s: float = 120,
    line: Line | None = None,
    engine: Any = None,
    listener: Any = None,
    draws_breath: Sequence[int] = (),
    transfers: Callable[[str], str | None] = lambda to: None,
    audio: Path | None = None,
    during: "Callable[[LiveCall], None] | None" = None,
    **planned: Any,
) -> Heard:
    """Hold a call to its end, with a handset that does `conduct`. `during` is called when the call has begun."""
    tones = Tones()
    found = Heard()
    ended = asyncio.Event()

    def tell_phone(kind: str, data: dict[str, Any]) -> None:
        if kind == "word":
            found.words.append(data)
        elif kind == "ended":
            ended.set()

    phone = Phone("hsc_1", conduct, Studio(tones, tones), tell_phone, name="Robin", audio=audio)
    outbound = planned.get("direction", "outbound") == "outbound"

    def begin(leg: DirectLeg) -> None:
        caller, callee = (leg, phone) if outbound else (phone, leg)
        if not outbound:
            phone.dial()
        Call("ref", caller, callee, line or Line()).begin()

    pacer = Pacer()
    leg = DirectLeg(begin, pacer)
    leg.transfers = transfers
    brain = Script(answers)
    loop = asyncio.get_running_loop()
    answered_at = loop.time()

    def tell(kind: str, **fields: Any) -> None:
        nonlocal answered_at
        if kind == "answered":
            answered_at = loop.time()
        found.told.append((kind, {**fields, "at_ms": round((loop.time() - answered_at) * 1000)}))

    live = LiveCall(
        plan(**planned),
        leg,
        synthesiser=engine or tones,
        recogniser=cast(Any, listener or engine or tones),
        detector=Loudness(),
        judge=Patience(draws_breath),
        brain=brain,
        tell=tell,
    )

    async def beat() -> None:
        while True:
            await asyncio.sleep(FRAME_MS / 1000)
            if phone.call is not None:
                phone.call.tick()

    beating = asyncio.create_task(beat())
    try:
        if during is not None:
            during(live)
        async with asyncio.timeout(most_s):
            await live.run()
            await ended.wait()
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
    found.asked = [turn.text for turn in brain.asked]
    found.transfers = leg.asked
    return found
