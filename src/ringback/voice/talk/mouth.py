"""The agent's mouth: speaks sentences one after another, stops in the middle, goes on, and knows what was heard."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ringback.speech.protocol import SpeechError, Synthesiser
from ringback.voice.legs.base import AudioPort
from ringback.voice.talk.words import heard_part

LEAD_MS = 80
"""How much is written ahead of its time: enough for a late moment of the process, and gone at a cut all the same."""
_AHEAD_MS = 4_000
"""How much sound is made before it is needed."""
_CHARACTERS_A_MS = 0.015
_WAIT_S = 0.02
_KEPT_MS = 1_500
"""How much of what was written is kept, to be spoken again where it was not heard."""


@dataclass(slots=True)
class _Piece:
    """A sentence under way: the sound that is made and not written yet, and how much there was of it in all."""

    text: str
    sound: deque[bytes] = field(default_factory=deque)
    made_ms: float = 0.0
    written_ms: float = 0.0
    whole: bool = False
    aside: bool = False

    def share(self, heard_ms: float) -> float:
        """The part of it that was heard."""
        if self.whole and heard_ms >= self.made_ms - 1:
            return 1.0
        guessed = len(self.text) / _CHARACTERS_A_MS / 1000 if not self.whole else 0.0
        return heard_ms / max(self.made_ms, guessed, 1.0)


class Mouth:
    """Speaks through a port. `first_sound` is called when the first sound of what was said since the last cut goes out, not
    before `may_begin` allows it, and `failed` with the error when no sound can be made."""

    def __init__(
        self,
        port: AudioPort,
        synthesiser: Synthesiser,
        *,
        voice: str,
        speed: float = 1.0,
    ) -> None:
        self._port = port
        self._synthesiser = synthesiser
        self._voice, self._speed = voice, speed
        self.may_begin: Callable[[], bool] = lambda: True
        self.first_sound: Callable[[], None] = lambda: None
        self.failed: Callable[[SpeechError], None] = lambda error: None
        self._pieces: deque[_Piece] = deque()
        self._done: list[_Piece] = []
        self._to_make: asyncio.Queue[_Piece] = asyncio.Queue()
        self._making: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._paused = False
        self._sounded = False
        self._last_written = b""

    @property
    def speaking(self) -> bool:
        """Whether something was said that is not spoken to its end, paused or not."""
        return not self._quiet.is_set()

    @property
    def sounding(self) -> bool:
        """Whether the other end hears the agent now, or would if it weren't paused."""
        return self.speaking and self._sounded

    @property
    def paused(self) -> bool:
        return self._paused

    def say(self, text: str, *, aside: bool = False) -> None:
        """Speak `text` after what was said before. What is said aside is spoken, and never told of."""
        piece = _Piece(text, aside=aside)
        self._pieces.append(piece)
        self._to_make.put_nowait(piece)
        self._quiet.clear()
        if self._making is None:
            self._making = asyncio.create_task(self._make())
            self._writing = asyncio.create_task(self._write())

    async def wait_quiet(self) -> None:
        """Return when all was spoken, or cut."""
        await self._quiet.wait()

    def pause(self) -> None:
        """Fall silent at once, for the moment; what is said meanwhile waits too."""
        if not self._paused:
            self._paused = True
            self._take_back()

    def resume(self) -> None:
        """Go on where it was paused."""
        self._paused = False
        self._news.set()

    def cut(self) -> str:
        """Fall silent and forget the rest; answers what was heard since the last cut or `take_heard`."""
        self._take_back()
        heard = self.take_heard()
        self._stop()
        self._pieces.clear()
        while not self._to_make.empty():
            self._to_make.get_nowait()
        self._paused = self._sounded = False
        self._quiet.set()
        return heard

    def take_heard(self) -> str:
        """What was spoken and heard of all that was said since the last time."""
        said = [piece.text for piece in self._done if not piece.aside]
        self._done.clear()
        if self._pieces and self._pieces[0].written_ms > 0 and not self._pieces[0].aside:
            current = self._pieces[0]
            heard_ms = max(0.0, current.written_ms - self._port.buffered_ms)
            said.append(heard_part(current.text, current.share(heard_ms)))
        if not self._pieces:
            self._sounded = False
        return "".join(said).strip()

    async def close(self) -> None:
        """Fall silent for good."""
        self.cut()

    def _stop(self) -> None:
        for task in (self._making, self._writing):
            if task is not None:
                task.cancel()
        self._making = self._writing = None

    def _take_back(self) -> None:
        """Take back what the port has not spoken; it is spoken first when the mouth goes on."""
        pieces = self._pieces
        left = self._port.flush()
        if left <= 0 or not pieces:
            return
        # What is left of the sentence before goes with it: below nothing means not yet begun.
        pieces[0].written_ms -= left
        pieces[0].sound.appendleft(self._last_written[-(left * self._port.rate // 1000 * 2) :])

    async def _make(self) -> None:
        while True:
            piece = await self._to_make.get()
            made = self._synthesiser.speak(piece.text, voice=self._voice, speed=self._speed)
            try:
                async for sound in made:
                    piece.sound.append(sound)
                    piece.made_ms += self._ms(sound)
                    self._news.set()
                    while self._ahead_ms() > _AHEAD_MS:  # noqa: ASYNC110
                        await asyncio.sleep(_WAIT_S * 5)
            except SpeechError as error:
                self.failed(error)
            finally:
                closing = getattr(made, "aclose", None)
                if closing is not None:
                    with contextlib.suppress(RuntimeError):
                        await closing()
            piece.whole = True
            self._news.set()

    async def _write(self) -> None:
        while True:
            if self._paused or not self._pieces:
                await self._next_news()
                continue
            piece = self._pieces[0]
            if piece.sound and not self._sounded and not piece.aside and not self.may_begin():
                await asyncio.sleep(_WAIT_S / 2)
            elif piece.sound:
                await self._write_some(piece)
            elif not piece.whole:
                await self._next_news()
            elif (left := self._left_of_piece()) > 0:
                await asyncio.sleep(min(left, LEAD_MS) / 1000)
            else:
                self._done.append(self._pieces.popleft())
                if not self._pieces:
                    self._quiet.set()

    def _left_of_piece(self) -> int:
        """How long the next sentence has to wait; the last has been spoken when it was heard, not when it is written."""
        if len(self._pieces) == 1:
            return self._port.buffered_ms
        return self._port.waiting_ms - LEAD_MS

    async def _write_some(self, piece: _Piece) -> None:
        over = self._port.waiting_ms - LEAD_MS
        if over > 0:
            await asyncio.sleep(min(over / 1000 + 0.005, _WAIT_S))
            return
        sound = piece.sound.popleft()
        size = LEAD_MS * self._port.rate // 1000 * 2
        if len(sound) > size:
            piece.sound.appendleft(sound[size:])
            sound = sound[:size]
        self._port.write(sound)
        self._last_written = (self._last_written + sound)[-_KEPT_MS * self._port.rate // 1000 * 2 :]
        piece.written_ms += self._ms(sound)
        if not self._sounded and not piece.aside:
            self._sounded = True
            self.first_sound()

    async def _next_news(self) -> None:
        await self._news.wait()
        self._news.clear()

    def _ms(self, sound: bytes) -> float:
        return len(sound) * 1000 / (2 * self._port.rate)

    def _ahead_ms(self) -> float:
        return sum(self._ms(sound) for piece in self._pieces for sound in piece.sound)
