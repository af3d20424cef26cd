"""The agent's ears: cut what comes in into utterances, and have each of them read and judged as early as can be."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from ringback.speech.protocol import Heard, Recogniser
from ringback.voice.legs.base import FRAME_MS, RATE

_BEFORE_MS = 300
"""How much is kept of the time before a voice was noticed: it begins earlier than one is sure of it."""
_GUESS_MS = 40
"""After so much silence an utterance is read on trial; whoever goes on speaking makes it be thrown away. Within words there
are some ten such silences a minute, half of them shorter than this."""
_LONGEST_MS = 30_000
_LOOKS_MS, _LOOK_S = (550, 900), 0.35
"""With how much silence behind the words who did not sound done is judged again, and how long after the look before: of
sentences that are whole Smart Turn believes nearly all by then, of those that stop midway not all."""
_BREATH_S = 0.6
"""How much longer who sounds undone even then may draw breath."""


class Voice(Enum):
    """What a voice detector thinks."""

    QUIET = 1
    STARTING = 2
    SPEAKING = 3
    STOPPING = 4


class VoiceDetector(Protocol):
    """Tells voice from silence. `start_ms` and `stop_ms` are how long it takes to be sure of either."""

    start_ms: int
    stop_ms: int

    def feed(self, pcm: bytes) -> Voice:
        """Twenty milliseconds more."""
        ...


class TurnJudge(Protocol):
    """Tells from the sound of an utterance whether its speaker is done, or draws breath."""

    async def is_complete(self, pcm: bytes) -> bool: ...


@dataclass(slots=True)
class Utterance:
    """A stretch of voice. Times are those of the frames, in ms since the first one."""

    started_ms: int
    ended_ms: int
    words: "asyncio.Task[Heard]"
    complete: "asyncio.Task[bool]"
    again: Callable[[int], Awaitable[bool]]
    """Judges it once more with so many ms of silence behind its words."""

    async def breathed(self, then: Callable[[], None]) -> None:
        """Call `then` when one who did not sound done at its end is taken to be."""
        for silence_ms in _LOOKS_MS:
            await asyncio.sleep(_LOOK_S)
            if await self.again(silence_ms):
                break
        else:
            await asyncio.sleep(_BREATH_S)
        then()

    def forget(self) -> None:
        """Nobody wants to know any more."""
        self.words.cancel()
        self.complete.cancel()


class Ears:
    """Feed it frames; it calls `began` with when a voice began, and `ended` with the utterance. With `patience_ms` it takes so
    much longer a silence to end one."""

    def __init__(
        self,
        detector: VoiceDetector,
        judge: TurnJudge,
        recogniser: Recogniser,
        *,
        began: Callable[[int], None],
        ended: Callable[[Utterance], None],
        language: str = "en-US",
        patience_ms: int = 0,
    ) -> None:
        self._detector, self._judge, self._recogniser = detector, judge, recogniser
        self._began, self._ended = began, ended
        self._language = language
        self._patience_ms = patience_ms
        self._state = Voice.QUIET
        self._sound = bytearray()
        self._now_ms = 0
        self._started_ms = 0
        self._silent_ms = 0
        self._voice_ms = 0
        self._guess: Utterance | None = None

    @property
    def now_ms(self) -> int:
        """The time of the last frame."""
        return self._now_ms

    @property
    def noticing(self) -> bool:
        """Whether there is a voice, or something that may become one."""
        return self._state is not Voice.QUIET

    @property
    def hearing_voice(self) -> bool:
        return self._state in (Voice.SPEAKING, Voice.STOPPING)

    def feed(self, pcm: bytes) -> None:
        """Twenty milliseconds more of what the other end says."""
        self._now_ms += FRAME_MS
        self._sound += pcm
        before, state = self._state, self._detector.feed(pcm)
        if before in (Voice.SPEAKING, Voice.STOPPING) and self._is_early(state):
            state = Voice.STOPPING
        self._state = state
        speaking = state in (Voice.SPEAKING, Voice.STOPPING)
        if not speaking:
            if before in (Voice.SPEAKING, Voice.STOPPING):
                self._end()
            self._keep(_BEFORE_MS + self._detector.start_ms)
            return
        if before not in (Voice.SPEAKING, Voice.STOPPING):
            self._started_ms = self._voice_ms = self._now_ms - self._detector.start_ms
            self._began(self._started_ms)
        if state is Voice.SPEAKING:
            self._voice_ms = self._now_ms
            self._drop_guess()
        elif self._now_ms - self._voice_ms >= _GUESS_MS + self._patience_ms and self._guess is None:
            self._guess = self._utterance()
        if self._now_ms - self._started_ms >= _LONGEST_MS:
            self._end()
            self._started_ms = self._now_ms
            self._began(self._started_ms)

    def _is_early(self, state: Voice) -> bool:
        """Whether a silence that would end an utterance is to be waited out."""
        ends = state in (Voice.QUIET, Voice.STARTING)
        return (
            bool(self._patience_ms)
            and ends
            and self._now_ms - self._voice_ms < self._detector.stop_ms + self._patience_ms
        )

    def peek(self) -> "asyncio.Task[Heard]":
        """Read what was said so far of an utterance that goes on."""
        return self._read(bytes(self._sound))

    def close(self) -> None:
        self._drop_guess()

    def _end(self) -> None:
        guess, self._guess = self._guess, None
        self._ended(guess or self._utterance())
        self._sound.clear()

    def _utterance(self) -> Utterance:
        sound, silent_ms = bytes(self._sound), self._now_ms - self._voice_ms

        def again(silence_ms: int) -> Awaitable[bool]:
            more = bytes(2 * RATE * max(0, silence_ms - silent_ms) // 1000)
            return self._judge.is_complete(sound + more)

        return Utterance(
            self._started_ms,
            self._voice_ms,
            self._read(sound),
            _begin(self._judge.is_complete(sound)),
            again,
        )

    def _read(self, sound: bytes) -> "asyncio.Task[Heard]":
        return _begin(self._recogniser.transcribe(sound, RATE, language=self._language))

    def _drop_guess(self) -> None:
        if self._guess is not None:
            self._guess.forget()
            self._guess = None

    def _keep(self, ms: int) -> None:
        more = len(self._sound) - ms * RATE // 1000 * 2
        if more > 0:
            del self._sound[:more]


def _begin(work: "Coroutine[Any, Any, Any]") -> "asyncio.Task[Any]":
    task = asyncio.create_task(work)
    # What is thrown away may fail unnoticed.
    task.add_done_callback(_look)
    return task


def _look(task: "asyncio.Task[Any]") -> None:
    with contextlib.suppress(asyncio.CancelledError):
        task.exception()
