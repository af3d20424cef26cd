"""A person at a handset: a page's microphone and speaker, in the place of a script."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from ringback.kit.g711 import decode_ulaw, encode_ulaw
from ringback.kit.page_socket import FRAME, Microphone, Page, open_page
from ringback.kit.rtp import KEYS, RATE
from ringback.sim.exchange.sound import SILENCE, ringing
from ringback.sim.exchange.utterances import OnUtterance, Utterances

RETURN_S = 10.0
"""How long a page is waited for, at first and when its connection was lost."""
AWAY = "the page did not come, or lost its connection and did not come back"
_FRAME_MS = 20
_LAST_WORDS_S = 1.0
"""So long a page may take to play what it was sent before it hears that the call is over."""
_SILENT_S = 3.0
"""A page that sends nothing for so long is gone."""
_TRAILING = 20
"""Frames of silence that are sent behind a sound, so that pauses between words are no gaps; in longer ones nothing is."""
_AHEAD = RATE * 500 // 1000
"""Samples that are on their way to a page that keeps up. One that lags behind is caught up with in pauses."""
_MOST_AHEAD = 2 * RATE
"""And to any page: it never lags behind the call by more, and what is over is dropped."""


class Person:
    """Holds one handset, whose call is at `now_ms`, through whatever page is connected.

    `on_utterance` gets what the person said, `on_key` the keys that are pressed on the page; `on_leave(why)` hears that nobody
    holds it any more: None for a person who hung up.
    """

    def __init__(
        self,
        call_id: str,
        *,
        now_ms: int,
        on_utterance: OnUtterance,
        on_key: Callable[[str], None],
        on_leave: Callable[[str | None], None],
    ) -> None:
        self.is_up = False
        """Whether the call is: else nothing is heard of its microphone."""
        self.hears_ringing = False
        """Whether the other end rings, as the person hears."""
        self._call_id = call_id
        self._on_key = on_key
        self._on_leave = on_leave
        self._spoken = Utterances(on_utterance, now_ms=now_ms)
        self._microphone = Microphone()
        self._page: Page | None = None
        self._away_s = self._silent_s = 0.0
        self._sent = self._played = 0
        self._quiet = _TRAILING
        self._rung = 0
        self._over = False

    async def meet(self, connection: socket.socket, ticket: str) -> None:
        """A page has come, for the first time or again with the `ticket` that it gets; an earlier one makes room."""
        self.join(await open_page(connection, self), ticket)

    def join(self, page: Page, ticket: str) -> None:
        """As `meet`, with a page whose WebSocket is open."""
        if self._over:
            page.close(1001)
            return
        before, self._page = self._page, page
        if before is not None:
            before.close(4409, "the call goes on over another connection")
        self._microphone.clear()
        self._away_s = self._silent_s = 0.0
        self._sent = self._played = 0
        page.tell(op="started", callId=self._call_id, ticket=ticket, rate=RATE, frameMs=_FRAME_MS)

    def close(self) -> None:
        """The call is over."""
        self._over = True
        self._spoken.end()

    async def part(self) -> None:
        """Let the page hear of it, when it has played what was said."""
        for _ in range(round(_LAST_WORDS_S * 1000) // _FRAME_MS):
            if self._page is None or self._sent <= self._played:
                break
            await asyncio.sleep(_FRAME_MS / 1000)
        if self._page is not None:
            self._page.tell(op="ended")
            self._page.close()

    # Each 20 ms

    def tick(self) -> None:
        """Whether there is a call yet or not."""
        if self._page is None:
            self._away_s += _FRAME_MS / 1000
            if self._away_s >= RETURN_S:
                self._leave(AWAY)
            return
        self._page.tick()
        if self.hears_ringing and not self.is_up:
            self.hear(ringing()[self._rung % len(ringing())])
            self._rung += 1
        self._silent_s += _FRAME_MS / 1000
        if self._silent_s >= _SILENT_S:
            self._page.cut()

    def speak(self) -> bytes | None:
        """The microphone's next frame, in mu-law; None while nothing comes of it."""
        pcm = self._microphone.take()
        return None if pcm is None else encode_ulaw(pcm)

    def spoke(self, frame: bytes) -> None:
        """This is what the handset sent of it."""
        self._spoken.add(frame)

    def hear(self, frame: bytes) -> None:
        """What the handset hears, in mu-law."""
        self._quiet = self._quiet + 1 if frame == SILENCE else 0
        page, ahead = self._page, self._sent - self._played
        if page is None or page.is_slow or ahead > _MOST_AHEAD:
            return
        if self._quiet > _TRAILING or (self._quiet and ahead > _AHEAD):
            return
        page.play(decode_ulaw(frame))
        self._sent += FRAME // 2

    # What the page tells

    def heard(self, played: int, pcm: bytes) -> None:
        self._silent_s = 0.0
        self._played = max(self._played, min(played, self._sent))
        if self.is_up:
            self._microphone.add(pcm)

    def told(self, message: dict[str, Any]) -> None:
        match message:
            case {"op": "digit", "digit": str(digit)} if len(digit) == 1 and digit in KEYS:
                self._on_key(digit)
            case {"op": "hangup"}:
                self._leave(None)

    def gone(self, page: Page, left: bool) -> None:
        if page is not self._page:
            return
        self._page = None
        if left:
            self._leave(None)

    def _leave(self, why: str | None) -> None:
        if not self._over:
            self._on_leave(why)
