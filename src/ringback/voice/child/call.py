"""One call in a media child: leg, ears, conversation, recording, from the first moment to `ended`."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from ringback.kit import machine
from ringback.speech.protocol import Recogniser, Synthesiser
from ringback.voice.brains.base import Brain, Said
from ringback.voice.legs.base import (
    Answered,
    CallLeg,
    Digit,
    Failed,
    HungUp,
    LegEvent,
    Lost,
    Ringing,
    Transferred,
)
from ringback.voice.protocol import CallPlan
from ringback.voice.recording import Recording
from ringback.voice.talk.ambience import ambience
from ringback.voice.talk.conversation import Conversation
from ringback.voice.talk.ears import Ears, TurnJudge, VoiceDetector
from ringback.voice.talk.mouth import Mouth
from ringback.voice.talk.settings import Manners

_log = structlog.get_logger("ringback.voice")
_MEDIA_S = 0.5
"""How long after the answer the agent begins to speak, if nothing has come in until then."""
_READY_S = 5.0
"""How long a call that comes in rings on at most while speech is loaded: better than silence after the answer."""
_TRANSFER_S = 70.0
_GOODBYE_S = 8.0
_SILENT_AFTER_S = 0.2
SORRY_GOODBYE = "I'm sorry, I have to end this call now. Goodbye."
Tell = Callable[..., None]


class LiveCall:
    """`run` holds the call and returns when it is over; `tell(type, **fields)` gets its events, `ended` last. A call that comes
    in is answered when `ready` is done."""

    def __init__(
        self,
        plan: CallPlan,
        leg: CallLeg,
        *,
        synthesiser: Synthesiser,
        recogniser: Recogniser,
        detector: VoiceDetector,
        judge: TurnJudge,
        brain: Brain,
        tell: Tell,
        ready: "asyncio.Task[None] | None" = None,
    ) -> None:
        self.plan, self._leg, self._tell, self._ready = plan, leg, tell, ready
        self._manners = Manners.of(plan)
        self._planned = machine.monotonic()
        self._end: asyncio.Future[tuple[str, str | None, str | None]] = (
            asyncio.get_running_loop().create_future()
        )
        self._answered = False
        self._hangs_up = True
        self._media = asyncio.Event()
        self._transferred: asyncio.Future[str | None] | None = None
        self._recording: Recording | None = None
        agent = plan["agent"]
        self._mouth = Mouth(
            leg.audio,
            synthesiser,
            voice=agent.get("voice") or "default",
            speed=float(agent.get("voice_speed") or 1.0),
        )
        self._ears = Ears(
            detector,
            judge,
            recogniser,
            began=lambda at: self._conversation.voice_began(at),
            ended=lambda utterance: self._conversation.voice_ended(utterance),
            language=self._manners.language,
            patience_ms=self._manners.patience_ms,
        )
        self._conversation = Conversation(
            self._manners,
            self._mouth,
            brain,
            tell=lambda kind, fields: self._tell(kind, **fields),
            finish=self._finish,
            transfer=self._transfer,
            peek=self._ears.peek,
            history=[Said(turn["turn_id"], turn["role"], turn["text"], 0) for turn in plan["history"]],
            resumed=plan["resumed"],
        )
        self._mouth.may_begin = lambda: self._conversation.may_begin(noticing=self._ears.noticing)
        self._mouth.first_sound = self._conversation.first_sound
        self._mouth.failed = self._conversation.speech_failed
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Hold the call to its end."""
        try:
            await self._leg.open()
        except (OSError, TimeoutError) as error:
            self._finish("carrier_error", "carrier", f"the line can't be reached: {error or 'no answer'}")
        else:
            self._begin(self._follow())
            if self.plan["direction"] == "inbound":
                # Of a call that goes on this was done before, which does no harm.
                await self._leg.ring()
                if self._ready is not None and not self.plan["resumed"]:
                    first: list[asyncio.Future[Any]] = [self._ready, self._end]
                    await asyncio.wait(first, timeout=_READY_S, return_when=asyncio.FIRST_COMPLETED)
                if not self._end.done():
                    await self._leg.answer()
        reason, side, detail = await asyncio.shield(self._end)
        await self._close()
        self._tell("ended", reason=reason, side=side, detail=detail)

    def end(self, reason: str, side: str | None = None, detail: str | None = None) -> None:
        """End the call, whatever it is doing."""
        self._finish(reason, side, detail)

    async def say_goodbye(self, reason: str, side: str, detail: str) -> None:
        """End the call with a word to the caller, who hears it for some seconds at most."""
        if self._answered and not self._end.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await self._conversation.say_goodbye(SORRY_GOODBYE)
        self._finish(reason, side, detail)

    def _finish(self, reason: str, side: str | None, detail: str | None) -> None:
        if not self._end.done():
            self._end.set_result((reason, side, detail))

    # The leg

    async def _follow(self) -> None:
        async for event in self._leg.events():
            await self._heed(event)

    async def _heed(self, event: LegEvent) -> None:
        match event:
            case Ringing():
                self._tell("ringing")
            case Answered():
                self._be_answered()
            case Digit(digit):
                self._conversation.digit(digit)
            case Transferred(ok, reason):
                if self._transferred is not None and not self._transferred.done():
                    self._transferred.set_result(None if ok else (reason or "the transfer failed"))
                self._hangs_up = not ok
            case Failed(reason, detail):
                self._hangs_up = False
                self._finish(reason, None, detail)
            case HungUp(detail):
                self._hangs_up = False
                self._finish("user_hangup", "caller", detail)
            case Lost(detail):
                self._hangs_up = False
                self._finish("carrier_error", "carrier", detail)

    def _be_answered(self) -> None:
        if self._answered:
            return
        self._answered = True
        self._tell("answered")
        path = self.plan["recording_path"]
        if self.plan["record"] and path:
            try:
                self._recording = Recording(Path(path), begun_ms=self._begun_ms())
            except OSError as error:
                _log.warning("a call can't be recorded", call=self.plan["call_id"], reason=error.strerror)
        self._begin(self._hear())
        self._begin(self._open())
        self._begin(self._play_behind())

    def _begun_ms(self) -> int:
        """How long the call has been up, of one that goes on."""
        if not self.plan["resumed"]:
            return 0
        return self._manners.talked_ms + round((machine.monotonic() - self._planned) * 1000)

    async def _open(self) -> None:
        """Let the agent begin at the first media, or half a second after the answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_MEDIA_S):
                await self._media.wait()
        self._conversation.begin()
        self._conversation.ears_ms = -self._ears.now_ms

    async def _play_behind(self) -> None:
        # Made once in a process, which takes a moment.
        sound = await asyncio.to_thread(ambience, self.plan["agent"].get("ambient_sound"))
        if sound is not None:
            self._leg.audio.play_behind(sound.mix)

    async def _hear(self) -> None:
        """Feed the ears and the recording, frame by frame."""
        audio = self._leg.audio
        while True:
            frame = await audio.read()
            if not self._media.is_set() and any(frame.heard):
                self._media.set()
            self._conversation.sound(frame.heard)
            self._ears.feed(frame.heard)
            if self._recording is not None:
                try:
                    self._recording.write(frame)
                except OSError as error:
                    _log.warning("a recording ends", call=self.plan["call_id"], reason=error.strerror)
                    self._stop_recording()

    async def _transfer(self, to: str) -> str | None:
        self._transferred = asyncio.get_running_loop().create_future()
        await self._leg.transfer(to)
        try:
            async with asyncio.timeout(_TRANSFER_S):
                return await self._transferred
        except TimeoutError:
            return "no_answer"

    # The end

    async def _close(self) -> None:
        await self._conversation.close()
        self._ears.close()
        if self._hangs_up:
            if self._answered:
                # The last of what was spoken is still under way.
                await asyncio.sleep(_SILENT_AFTER_S)
            await self._leg.hangup()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._leg.close()
        self._stop_recording()

    def _stop_recording(self) -> None:
        recording, self._recording = self._recording, None
        if recording is None:
            return
        try:
            ms = recording.close()
        except OSError:
            ms = recording.ms
        if ms:
            self._tell("recording", path=self.plan["recording_path"], ms=ms)

    def _begin(self, work: Any) -> None:
        self._tasks.append(asyncio.create_task(self._guard(work)))

    async def _guard(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            _log.exception("a call failed", call=self.plan["call_id"])
            self._finish("worker_lost", "ringback", f"{type(error).__name__} in its worker")
