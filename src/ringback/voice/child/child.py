"""A media child: it takes commands from its host, and goes on without one for a while."""

import asyncio
import contextlib
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from ringback import __version__
from ringback.kit import machine
from ringback.kit.clock import MovableClock
from ringback.kit.g711 import encode_ulaw
from ringback.kit.http import AddressPolicy, OutgoingHttp
from ringback.kit.ids import IdMaker
from ringback.kit.private_sockets import socket_path
from ringback.speech import registry
from ringback.speech.client import SpeechClient
from ringback.speech.protocol import SpeechError, SpeechMissing
from ringback.voice import models
from ringback.voice.child.asks import Asks
from ringback.voice.child.call import LiveCall
from ringback.voice.child.makings import Around, Unknown, make_brain, make_leg
from ringback.voice.child.outbox import LEFT, Outbox
from ringback.voice.child.pages import Pages
from ringback.voice.legs.base import SILENCE
from ringback.voice.legs.browser import BrowserLeg
from ringback.voice.legs.port import Pacer
from ringback.voice.protocol import (
    GRACE_S,
    MAX_LINE,
    ORPHAN_S,
    VERSION,
    BadLine,
    CallPlan,
    Message,
    line_of,
    pages_path,
    read_message,
)

_log = structlog.get_logger("ringback.voice")
_ALONE_S = 2.0
"""How long a child without calls waits for a host."""
_KEEP_ALIVE_S = 60.0
"""How long a brain's connection is kept: from turn to turn, or each would wait for a new one's handshakes."""
STOPPED = "the server was stopped"
NO_HOST = "the server was gone for too long"


@dataclass(frozen=True, slots=True)
class Makeup:
    """How a child was started: for what data folder, under what name, with what engines, and whether it may call this
    machine's own addresses."""

    data: Path
    name: str
    stt: str
    tts: str
    loopback: bool
    orphan_s: float = ORPHAN_S


class Child:
    """`serve` returns when the child has no more to do."""

    def __init__(self, makeup: Makeup) -> None:
        self._makeup = makeup
        self._calls: dict[str, LiveCall] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._outbox = Outbox(self._send)
        self._host: asyncio.StreamWriter | None = None
        self._meeting: asyncio.Task[Any] | None = None
        self._alone_since = machine.monotonic()
        self._over = asyncio.Event()
        self._pacer = Pacer()
        self._pages = Pages(pages_path(makeup.data, makeup.name))
        self._speech = SpeechClient(makeup.data, stt=makeup.stt, tts=makeup.tts)
        self._http = OutgoingHttp(AddressPolicy(loopback_allowed=makeup.loopback), keep_alive_s=_KEEP_ALIVE_S)
        # Where models are is the operator's word, not a customer's.
        self._models = OutgoingHttp(AddressPolicy(loopback_allowed=True), keep_alive_s=_KEEP_ALIVE_S)
        self._ids = IdMaker(MovableClock())
        self._asks = Asks(self._send, self._ids)
        self._lacks = models.lacks()
        self._judge: models.SmartTurn | None = None

    async def serve(self) -> None:
        """Listen for a host, hold its calls, and return when there is neither."""
        path = socket_path(self._makeup.data, f"{self._makeup.name}.sock")
        if self._lacks is None:
            self._begin(self._warm(registry.DEFAULT, "en-US"))
            # Before the first host comes: no call should wait for what a child loads once.
            await asyncio.to_thread(self._load)
        path.unlink(missing_ok=True)
        self._pages.open()
        server = await asyncio.start_unix_server(self._meet, path, limit=MAX_LINE)
        path.chmod(0o600)
        watching = asyncio.create_task(self._watch())
        warming = asyncio.create_task(self._http.warm_up(after_s=0))
        try:
            await self._over.wait()
        finally:
            watching.cancel()
            warming.cancel()
            server.close()
            await self._leave_host()
            self._pages.close()
            path.unlink(missing_ok=True)
            self._outbox.leave(path.with_suffix(LEFT))

    def _load(self) -> None:
        models.Silero().feed(SILENCE)
        self._judge = models.SmartTurn()
        encode_ulaw(SILENCE)  # its table takes a tenth of a second

    # The host

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a host until it goes, or another comes."""
        before, self._host = self._host, writer
        self._meeting = asyncio.current_task()
        if before is not None:
            before.close()
        try:
            while (message := await read_message(reader)) is not None and self._host is writer:
                self._obey(message)
        except BadLine as error:
            _log.warning("a host was hung up on", reason=str(error))
        finally:
            writer.close()
            if self._host is writer:
                self._host, self._alone_since = None, machine.monotonic()

    async def _leave_host(self) -> None:
        """Let the connection end by itself: one whose task is cancelled is complained of by Python 3.11."""
        if self._host is not None and self._meeting is not None:
            self._host.close()
            await asyncio.wait([self._meeting], timeout=1)

    def _obey(self, message: Message) -> None:
        match message.get("op"):
            case "hello":
                self._send(
                    {
                        "op": "hello",
                        "pid": os.getpid(),
                        "calls": list(self._calls),
                        "version": VERSION,
                        "release": __version__,
                    }
                )
                for event in self._outbox.kept():
                    self._send(event)
            case "ping":
                self._send(
                    {"op": "pong", "calls": len(self._calls), "late_ms": round(self._pacer.late_ms, 1)}
                )
            case "start":
                self._start(message["call"])
            case "end":
                call = self._calls.get(message["call"])
                if call is not None:
                    call.end(message["reason"])
            case "answer":
                self._asks.answered(message)
            case "ack":
                self._outbox.acknowledge(message["call"], message["n"])
            case "drain":
                self._begin(self._drain(STOPPED))
            case other:
                _log.warning("a host asked for something unknown", op=other)

    def _send(self, message: Message) -> None:
        if self._host is not None and not self._host.is_closing():
            self._host.write(line_of(message))

    # Calls

    def _start(self, plan: CallPlan) -> None:
        call_id = plan["call_id"]
        if call_id not in self._calls:
            self._outbox.begin(call_id, after=plan["last_n"])
            try:
                self._calls[call_id] = call = self._make(plan)
            except (Unknown, _Lacking) as error:
                self._begin(self._turn_away(plan, error))
                return
            self._begin(self._hold(call))

    def _make(self, plan: CallPlan) -> LiveCall:
        if self._lacks is not None:
            raise _Lacking(self._lacks)
        assert self._judge is not None
        plan = self._in_its_language(plan)
        leg = make_leg(plan, self._pacer)
        around = Around(
            self._http,
            self._models,
            self._ids,
            tell=lambda hook: self._tell(plan, "hook", **hook),
            press=leg.send_digits,
            ask=partial(self._asks.ask, plan),
        )
        brain = make_brain(plan, around)
        agent = plan["agent"]
        voice, language = agent.get("voice") or registry.DEFAULT, agent.get("language") or "en-US"
        if isinstance(leg, BrowserLeg):
            self._pages.expect(leg)
        is_careful = agent.get("stt_mode") == "accurate"
        return LiveCall(
            plan,
            leg,
            synthesiser=self._speech,
            recogniser=self._speech.careful() if is_careful else self._speech,
            detector=models.Silero(),
            judge=self._judge,
            brain=brain,
            tell=lambda type_, **fields: self._tell(plan, type_, **fields),
            ready=asyncio.create_task(self._warm(voice, language, careful=is_careful)),
        )

    async def _warm(self, voice: str, language: str, *, careful: bool = False) -> None:
        """Have speech ready before somebody waits for it. What is wrong with it tells whoever needs it."""
        with contextlib.suppress(SpeechError):
            await self._speech.warm(voice=voice, language=language, careful=careful)

    def _in_its_language(self, plan: CallPlan) -> CallPlan:
        """The plan with a voice of its language. Raises `_Lacking` where nothing speaks or understands it."""
        agent, makeup = plan["agent"], self._makeup
        language = agent.get("language") or "en-US"
        if trouble := registry.language_trouble(language, makeup.stt, makeup.tts, makeup.data):
            raise _Lacking(trouble)
        with contextlib.suppress(SpeechMissing):
            named = agent.get("voice") or registry.DEFAULT
            agent = {**agent, "voice": registry.voice_for(named, language, makeup.tts, makeup.data).id}
        return {**plan, "agent": agent}

    async def _turn_away(self, plan: CallPlan, error: "Unknown | _Lacking") -> None:
        """End a call that can't be held: nobody listens to a ringing tone, and a page is told why."""
        with contextlib.suppress(Unknown, OSError, TimeoutError):
            leg = make_leg(plan, self._pacer)
            if isinstance(leg, BrowserLeg):
                # As long as the call lives its page is brought here.
                self._pages.expect(leg)
                await leg.turn_away(str(error))
                self._pages.forget(leg.call_id)
            elif plan["direction"] == "inbound":
                await leg.open()
                await leg.reject(480)
                await leg.close()
        self._tell(plan, "ended", reason=error.reason, side=error.side, detail=str(error))

    async def _hold(self, call: LiveCall) -> None:
        try:
            await call.run()
        except Exception as error:
            _log.exception("a call failed", call=call.plan["call_id"])
            detail = f"{type(error).__name__} in its worker"
            self._tell(call.plan, "ended", reason="worker_lost", side="ringback", detail=detail)
        finally:
            del self._calls[call.plan["call_id"]]
            self._pages.forget(call.plan["call_id"])

    def _tell(self, plan: CallPlan, type_: str, **fields: Any) -> None:
        self._outbox.tell(plan["account_id"], plan["call_id"], type_, **fields)

    # The end

    async def _watch(self) -> None:
        """End when there is nobody to work for."""
        while True:
            await asyncio.sleep(0.1)
            if self._host is not None:
                continue
            alone_s = machine.monotonic() - self._alone_since
            if alone_s > self._makeup.orphan_s:
                await self._drain(NO_HOST)
            elif alone_s > _ALONE_S and not self._calls and not self._outbox.kept():
                self._over.set()

    async def _drain(self, why: str) -> None:
        """Say goodbye to every caller, wait until the host has every event, and end."""
        for call in list(self._calls.values()):
            self._begin(call.say_goodbye("worker_lost", "ringback", why))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                while self._calls or (self._host is not None and self._outbox.kept()):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        self._over.set()

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


class _Lacking(Exception):
    """An extra is not installed."""

    reason, side = "speech_error", "speech"
