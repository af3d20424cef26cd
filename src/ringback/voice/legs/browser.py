"""A leg to a browser: a page with a microphone, over a WebSocket that may break and be opened again."""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from ringback.kit.page_socket import Microphone, Page, open_page
from ringback.voice.legs.base import (
    FRAME,
    FRAME_MS,
    RATE,
    SILENCE,
    Answered,
    Digit,
    HungUp,
    LegEvent,
    Lost,
    Transferred,
)
from ringback.voice.legs.port import Pacer, Port

RETURN_S = 10.0
"""How long a page that is gone without a word is waited for."""
_SILENT_S = 3.0
"""A page that sends nothing for so long is gone."""
_FILL_FRAMES = 3
"""Frames that a page gathers before it plays the first: they are sent at once, lest a reply wait for them to pass."""
_AHEAD_MS = 1_000
"""How much may be on its way to a page; more waits here."""
_COMES_S = 5.0
"""How long a page is waited for whose call can't be held."""
_UNAVAILABLE, _ELSEWHERE = 4503, 4409
_KEYS = frozenset("0123456789*#ABCD")


class BrowserPort(Port):
    """The sound of one call with a page. What was sent is followed until the page says that it has played it."""

    def __init__(self) -> None:
        super().__init__()
        self.page: Page | None = None
        self.silent_s = 0.0
        """Since the page sent anything."""
        self._in = Microphone()
        self._early: deque[bytes] = deque()
        """What was sent before its time, and is spoken in its time as far as we are concerned."""
        self._sent = self._played = self._lost = 0
        self._flushes: deque[int] = deque()
        """What had been sent at each flush that the page has not answered."""
        self._flushed = 0

    def meet(self, page: Page) -> None:
        """From now on that page; of what an earlier one had not played nothing is known, and nothing is waited for."""
        self.page = page
        self.silent_s = 0.0
        self._sent = self._played = self._lost = self._flushed = 0
        self._flushes.clear()
        self._early.clear()
        self._in.clear()

    def part(self) -> None:
        """There is no page now."""
        self.page = None
        self._sent = self._played = self._lost = 0
        self._flushes.clear()
        self._early.clear()

    @property
    def takes(self) -> bool:
        return self.page is not None and not self.page.is_slow and self._on_its_way < _samples(_AHEAD_MS)

    @property
    def buffered_ms(self) -> int:
        return self.waiting_ms + self._on_its_way * 1000 // RATE

    @property
    def _on_its_way(self) -> int:
        """Samples that were sent and are not played, as far as we know: half a round trip late."""
        if self._flushes:
            return self._sent - self._flushes[-1]
        return max(0, self._sent - self._lost - self._played)

    def play_behind(self, mix: Callable[[bytes], bytes]) -> None:
        """A page gets nothing where nothing is said, and so nothing behind it."""

    def flush(self) -> int:
        left = self.buffered_ms
        self._out.clear()
        self._early.clear()
        if self.page is not None and self._on_its_way:
            self._flushed += 1
            self._flushes.append(self._sent)
            self.page.tell(op="flush", n=self._flushed)
        return left

    def flushed(self, n: int, played: int) -> None:
        """The page has emptied its buffer for the `n`th time; until then it had played so many samples."""
        if not self._flushes or n != self._flushed - len(self._flushes) + 1:
            return
        sent = self._flushes.popleft()
        self._played = min(max(played, self._played), sent - self._lost)
        self._lost = sent - self._played

    def heard(self, played: int, pcm: bytes) -> None:
        """A frame of the page's microphone."""
        self.silent_s = 0.0
        if not self._flushes:
            self._played = max(self._played, min(played, self._sent - self._lost))
        self._in.add(pcm)

    def tick(self) -> None:
        super().tick()
        if self.page is not None:
            self.page.tick()
            self.silent_s += FRAME_MS / 1000
            if self.silent_s >= _SILENT_S:
                self.page.cut()

    def _speak(self) -> bytes:
        at_once = 1 if self._on_its_way else _FILL_FRAMES
        for _ in range(at_once):
            frame = super()._speak()
            if frame is not SILENCE:
                self._early.append(frame)
        return self._early.popleft() if self._early else SILENCE

    def take(self) -> bytes:
        return self._in.take() or SILENCE

    def send(self, frame: bytes) -> None:
        # Nothing is sent where nothing is said: the page plays silence by itself, and a reply finds its buffer empty.
        if frame is not SILENCE and self.page is not None:
            self.page.play(frame)
            self._sent += FRAME // 2


class BrowserLeg:
    """A `CallLeg` to the page that `meet` is given. `ticket` lets a page come back that lost its connection."""

    retakable = True

    def __init__(self, call_id: str, ticket: str, *, pacer: Pacer) -> None:
        self.call_id = call_id
        self._ticket, self._pacer = ticket, pacer
        self._events: asyncio.Queue[LegEvent] = asyncio.Queue()
        self._waiting: asyncio.TimerHandle | None = None
        self._over = False
        self._refusal: str | None = None
        self._told = asyncio.Event()
        self.audio = BrowserPort()

    async def open(self) -> None:
        self._pacer.add(self.audio)
        self._wait("no browser came for the call")

    async def meet(self, connection: socket.socket) -> None:
        """A page has come, for the first time or again; the one before, if there is one still, makes room."""
        if self._over:
            connection.close()
            return
        page = await open_page(connection, self)
        if self._refusal is not None:
            page.close(_UNAVAILABLE, self._refusal)
            self._told.set()
            return
        before, self.audio.page = self.audio.page, None
        if before is not None:
            before.close(_ELSEWHERE, "the call goes on over another connection")
        if self._waiting is not None:
            self._waiting.cancel()
        self.audio.meet(page)
        page.tell(op="started", callId=self.call_id, ticket=self._ticket, rate=RATE, frameMs=FRAME_MS)
        self._events.put_nowait(Answered())

    async def turn_away(self, why: str) -> None:
        """Wait a moment for the page, which is told why there is no call."""
        self._refusal = why
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_COMES_S):
                await self._told.wait()

    async def events(self) -> AsyncIterator[LegEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, HungUp | Lost):
                return

    async def ring(self) -> None:
        """A browser calls; nothing rings."""

    async def answer(self) -> None:
        """A call from a browser is answered when it comes."""

    async def reject(self, code: int) -> None:
        await self.hangup()

    async def hangup(self) -> None:
        if self.audio.page is not None:
            self.audio.page.tell(op="ended")
            self.audio.page.close()

    async def hold(self, on: bool) -> None:
        """A page has nothing to be put on hold with: what is not said is not sent."""

    async def send_digits(self, digits: str) -> None:
        """Nobody listens for keys at a page."""

    async def transfer(self, to: str) -> None:
        self._events.put_nowait(Transferred(False, "a call from a browser can't be connected with a number"))

    async def close(self) -> None:
        self._over = True
        self._pacer.remove(self.audio)
        if self._waiting is not None:
            self._waiting.cancel()
        if self.audio.page is not None:
            self.audio.page.close(1001)

    # What a page tells

    def heard(self, played: int, pcm: bytes) -> None:
        self.audio.heard(played, pcm)

    def told(self, message: dict[str, Any]) -> None:
        match message:
            case {"op": "flushed", "n": int(n), "played": int(played)}:
                self.audio.flushed(n, played)
            case {"op": "digit", "digit": str(digit)} if digit in _KEYS:
                self._events.put_nowait(Digit(digit))
            case {"op": "hangup"}:
                self._end(HungUp())

    def gone(self, page: Page, left: bool) -> None:
        if page is not self.audio.page:
            return
        self.audio.part()
        if left:
            self._end(HungUp())
        else:
            self._wait("the browser's connection was lost, and it did not come back")

    def _wait(self, why: str) -> None:
        if not self._over:
            self._waiting = asyncio.get_running_loop().call_later(RETURN_S, self._end, HungUp(why))

    def _end(self, event: LegEvent) -> None:
        if not self._over:
            self._over = True
            self._events.put_nowait(event)


def _samples(ms: int) -> int:
    return ms * RATE // 1000
