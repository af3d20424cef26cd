"""A handset in a call: it rings, speaks, hears, and does what its script or its owner wants."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from ringback.kit.rtp import Packet
from ringback.sim.exchange.call import DECLINED, Failure, Party
from ringback.sim.exchange.ear import Ear
from ringback.sim.exchange.mouth import Mouth
from ringback.sim.exchange.person import Person
from ringback.sim.exchange.recording import Recording
from ringback.sim.exchange.studio import Studio

_logger = logging.getLogger(__name__)
_LAST_WORDS_S = 20.0
"""How long the end of a call waits for what was heard to be read."""
_MOST_KEYS = 200
REACTION_MS = 300
"""How long a person takes from the answer to the first word."""
Tell = Callable[[str, dict[str, Any]], None]
"""Takes the type of an event of this handset's call, and its data."""
Conduct = Callable[["Phone"], Awaitable[None]]
"""What the handset does: from the answer on when it calls, from the first ring on when it is called."""


class Phone(Party):
    """One handset in one call. Times are ms since the answer, as this end counts them."""

    def __init__(
        self,
        call_id: str,
        conduct: Conduct,
        studio: Studio,
        tell: Tell,
        *,
        name: str = "",
        audio: Path | None = None,
    ) -> None:
        self.id = call_id
        self.name = name
        self.studio = studio
        self.ear = Ear(self._utterance, self._key)
        self.mouth = Mouth(call_id)
        self.now_ms = 0
        self.is_up = False
        self.keys = ""
        """The keys that the other end pressed."""
        self._conduct = conduct
        self._calls = False
        self._tell = tell
        self._audio = audio
        self._recording = Recording(audio) if audio else None
        self._person: Person | None = None
        self._running: asyncio.Task[None] | None = None
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._reading: set[asyncio.Task[None]] = set()
        self._over = False
        self.finished: asyncio.Task[None] | None = None

    # What the call tells it

    def offer(self) -> None:
        self._start()

    def dial(self) -> None:
        """It is the one that calls: its conduct begins with the answer."""
        self._calls = True

    def ringing(self) -> None:
        self._tell("ringing", {})
        if self._person is not None:
            self._person.hears_ringing = True

    def answered(self) -> None:
        if not self.is_up:
            self.is_up = True
            self._tell("answered", {})
            if self._person is not None:
                self._person.is_up = True
            elif self._calls:
                self._start()

    def failed(self, failure: Failure) -> None:
        self._finish("failed", failure.reason)

    def hung_up(self, detail: str) -> None:
        if self.is_up:
            self._finish("completed", "other_hung_up" if detail == "far" else detail)
        else:
            self._finish("failed", "cancelled" if detail == "far" else detail)

    def digit(self, key: str) -> None:
        self._key(key)

    def hear(self, packet: Packet) -> None:
        self.ear.hear(packet)

    def speak(self) -> Iterable[Packet]:
        if self._over:
            return ()
        self.now_ms += 20
        heard = self.ear.tick()
        packet, said = self.mouth.tick()
        if self._recording is not None:
            self._recording.add(said, heard)
        if self._person is not None:
            self._person.hear(heard)
            self._person.spoke(said)
        for condition, future in [one for one in self._waiting if one[0]()]:
            self._waiting.remove((condition, future))
            if not future.done():
                future.set_result(None)
        return (packet,)

    # What it does

    def ring(self) -> None:
        """Ring, and let the caller hear of it."""
        if self.call is not None:
            self._tell("ringing", {})
            self.call.ring()

    def answer(self) -> None:
        """Pick up."""
        if self.call is not None:
            self.call.answer()

    def pick_up(self, conduct: Conduct | None) -> None:
        """The owner answers by hand, and wants it to do this; without a conduct it only listens."""
        if self.is_up or self._over or self._calls:
            return
        if self._running is not None:
            self._running.cancel()
        self._conduct = conduct or _listen
        self.answer()
        self._start()

    def refuse(self, failure: Failure) -> None:
        """Don't pick up, for this reason."""
        if self.call is not None:
            self.call.refuse(failure)

    def decline(self) -> None:
        """The owner presses the red button while it rings."""
        if not (self.is_up or self._calls):
            self.refuse(DECLINED)

    def hang_up(self, reason: str = "hung_up") -> None:
        """End the call, or the attempt to make one."""
        if self._over:
            return
        call, self.call = self.call, None
        never_up = "cancelled" if self._calls else "declined"
        self._finish("completed" if self.is_up else "failed", reason if self.is_up else never_up)
        if call is not None:
            call.hang_up(self)

    def give(self) -> Person:
        """Nobody but a person holds it from now on, who comes with a page: what it was doing by itself ends."""
        if self._person is None:
            if self._running is not None:
                self._running.cancel()
            self.mouth.be_silent()
            self._person = Person(
                self.id,
                now_ms=self.now_ms,
                on_utterance=self._spoke,
                on_key=self.mouth.press,
                on_leave=self._let_go,
            )
            self._person.is_up = self.is_up
            self.mouth.live = self._person.speak
        return self._person

    async def meet(self, connection: socket.socket, ticket: str) -> None:
        """A person's page has come. Where the handset is called that is an answer."""
        person = self.give()
        await person.meet(connection, ticket)
        if not (self.is_up or self._calls or self._over):
            self.answer()

    def pass_time(self) -> None:
        """Twenty milliseconds have passed, in a call or before it."""
        if self._person is not None and not self._over:
            self._person.tick()

    async def say(self, text: str) -> None:
        """Say `text` to its end."""
        pcm = await self.studio.speech(text)
        start_ms = self.now_ms
        self.mouth.say(pcm)
        try:
            await self.until(lambda: self.mouth.is_idle)
        finally:
            self._word("handset", text, start_ms, self.now_ms, None)

    async def play(self, pcm: bytes) -> None:
        """Send a sound to its end."""
        self.mouth.say(pcm)
        await self.until(lambda: self.mouth.is_idle)

    async def press(self, keys: str) -> None:
        """Press keys, one after another."""
        self.mouth.press(keys)
        await self.until(lambda: self.mouth.is_idle)

    async def pause(self, ms: int) -> None:
        """Wait so long."""
        end_ms = self.now_ms + ms
        await self.until(lambda: self.now_ms >= end_ms)

    async def until(self, condition: Callable[[], bool], within_ms: int | None = None) -> bool:
        """Wait until `condition` holds, looked at every 20 ms; whether it came to hold in time."""
        end_ms = None if within_ms is None else self.now_ms + within_ms
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        met = False

        def look() -> bool:
            nonlocal met
            met = condition()
            return met or (end_ms is not None and self.now_ms >= end_ms)

        self._waiting.append((look, future))
        await future
        return met

    # Inside

    def _start(self) -> None:
        if not self._over:
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            if self.is_up:
                await self.pause(REACTION_MS)
            await self._conduct(self)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            _logger.warning("handset of call %s can't go on: %s", self.id, error)
            self._tell("trouble", {"text": str(error) or type(error).__name__})
            self.hang_up("speech_error")

    def _key(self, key: str) -> None:
        if len(self.keys) < _MOST_KEYS:
            self.keys += key
            self._tell("digit", {"key": key})

    def _let_go(self, why: str | None) -> None:
        if why is not None:
            self._tell("trouble", {"text": why})
        self.hang_up("hung_up" if why is None else "page_lost")

    def _utterance(self, pcm: bytes, start_ms: int, end_ms: int) -> None:
        self._listen_to("other", pcm, start_ms, end_ms)

    def _spoke(self, pcm: bytes, start_ms: int, end_ms: int) -> None:
        self._listen_to("handset", pcm, start_ms, end_ms)

    def _listen_to(self, who: str, pcm: bytes, start_ms: int, end_ms: int) -> None:
        task = asyncio.create_task(self._read(who, pcm, start_ms, end_ms))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read(self, who: str, pcm: bytes, start_ms: int, end_ms: int) -> None:
        try:
            heard = await self.studio.read(pcm)
        except Exception as error:
            _logger.info("what was said at the handset of call %s can't be read: %s", self.id, error)
            self._tell("trouble", {"text": str(error) or type(error).__name__})
            return
        if heard is not None and heard.text:
            self._word(who, heard.text, start_ms, end_ms, heard.confidence)

    def _word(self, who: str, text: str, start_ms: int, end_ms: int, confidence: float | None) -> None:
        self._tell(
            "word",
            {"who": who, "text": text, "startMs": start_ms, "endMs": end_ms, "confidence": confidence},
        )

    def _finish(self, status: str, reason: str) -> None:
        if self._over:
            return
        self._over = True
        self.call = None
        if self._person is not None:
            self._person.close()
        self.finished = asyncio.create_task(self._wind_up(status, reason))

    async def _wind_up(self, status: str, reason: str) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        if self._person is not None:
            await self._person.part()
        self.ear.close()
        if self._recording is not None:
            with contextlib.suppress(OSError):
                self._recording.close()
        if self._reading:
            _, late = await asyncio.wait(tuple(self._reading), timeout=_LAST_WORDS_S)
            for task in late:
                task.cancel()
        has_audio = self._audio is not None and self._audio.exists()
        self._tell(
            "ended", {"status": status, "reason": reason, "durationMs": self.now_ms, "hasAudio": has_audio}
        )


async def _listen(phone: Phone) -> None:
    """Do nothing."""
