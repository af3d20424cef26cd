"""A conversation on a stage: a real port and mouth, and sound that needs no engine."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ringback.speech.protocol import Heard, SpeechError
from ringback.voice.brains.base import BrainFailed, Part, Said, UserTurn
from ringback.voice.legs.base import FRAME, RATE, SILENCE
from ringback.voice.legs.port import Pacer, Port
from ringback.voice.talk.conversation import Conversation
from ringback.voice.talk.ears import Utterance
from ringback.voice.talk.mouth import Mouth
from ringback.voice.talk.settings import Manners

MS_A_CHARACTER = 20


class Beeps:
    """Speaks each character for 20 ms, as a sound that is not silence; a text with BROKEN in it can't be spoken."""

    rate = RATE

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        if "BROKEN" in text:
            raise SpeechError("no engine")
        await asyncio.sleep(0.005)
        half = len(text) // 2
        for piece in (text[:half], text[half:]):
            yield b"\x01\x10" * (RATE * MS_A_CHARACTER * len(piece) // 1000)


class Loudspeaker(Port):
    """Keeps what is spoken."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def take(self) -> bytes:
        return SILENCE

    def send(self, frame: bytes) -> None:
        self.sent.append(frame)

    @property
    def loud_ms(self) -> int:
        """How long there was sound in all."""
        return sum(20 for frame in self.sent if frame != SILENCE)

    def silent_for(self, frames: int) -> bool:
        return all(frame == SILENCE for frame in self.sent[-frames:])


Answers = Callable[[UserTurn], Sequence[Part | float | Exception]]


class Script:
    """A brain that answers as it is told; numbers are pauses in seconds."""

    ending = "webhook_error"

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.asked: list[UserTurn] = []
        self.cancelled = 0

    async def answer(self, turn: UserTurn) -> AsyncGenerator[Part, None]:
        self.asked.append(turn)
        try:
            for one in self._answers(turn):
                if isinstance(one, Part):
                    yield one
                elif isinstance(one, Exception):
                    raise one
                else:
                    await asyncio.sleep(one)
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise


@dataclass
class Stage:
    """What comes out of a conversation."""

    conversation: Conversation
    port: Loudspeaker
    brain: Script
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ends: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    transfers: list[str] = field(default_factory=list)
    transfer_fails: str | None = None
    noticing: bool = False
    """Whether the ears notice a sound."""

    @property
    def turns(self) -> list[tuple[str, str]]:
        return [(one["role"], one["text"]) for kind, one in self.told if kind == "turn"]

    @property
    def times(self) -> list[dict[str, Any]]:
        return [one for kind, one in self.told if kind == "timeline"]

    def hears(self, text: str, *, complete: bool = True) -> None:
        """The caller has said `text` and fallen silent."""
        self.conversation.voice_ended(utterance(text, complete=complete))

    async def say(self, text: str, *, complete: bool = True) -> None:
        """The caller says `text`, which takes a tenth of a second."""
        self.conversation.voice_began()
        await asyncio.sleep(0.1)
        self.hears(text, complete=complete)

    async def until(self, what: Callable[[], bool], timeout_s: float = 5.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not what():
                await asyncio.sleep(0.01)

    async def quiet(self) -> None:
        """Wait until the agent has said all it had to say."""
        await asyncio.sleep(0.05)
        await self.until(lambda: self.conversation._reply is None)


def utterance(text: str, *, complete: bool = True) -> Utterance:
    async def words() -> Heard:
        return Heard(text, 0.9, 1)

    async def judged(silence_ms: int = 0) -> bool:
        return complete

    return Utterance(0, 100, asyncio.create_task(words()), asyncio.create_task(judged()), judged)


def on_stage(
    answers: Answers = lambda turn: [Part(f"You said {turn.text}")],
    *,
    manners: Manners | None = None,
    peek: "Callable[[], asyncio.Task[Heard]] | None" = None,
    history: Sequence[Said] = (),
    resumed: bool = False,
) -> Stage:
    """A conversation that may begin. `Pacer` runs until its port is removed."""
    port = Loudspeaker()
    mouth = Mouth(port, Beeps(), voice="default")
    brain = Script(answers)

    async def transfer(to: str) -> str | None:
        stage.transfers.append(to)
        await asyncio.sleep(0.05)
        return stage.transfer_fails

    conversation = Conversation(
        manners or Manners(),
        mouth,
        brain,
        tell=lambda kind, fields: stage.told.append((kind, fields)),
        finish=lambda reason, side, detail: stage.ends.append((reason, side, detail)),
        transfer=transfer,
        peek=peek,
        history=history,
        resumed=resumed,
    )
    mouth.may_begin = lambda: conversation.may_begin(noticing=stage.noticing)
    mouth.first_sound, mouth.failed = conversation.first_sound, conversation.speech_failed
    stage = Stage(conversation, port, brain)
    return stage


class Running:
    """`async with Running(stage)`: its port plays, and its conversation is closed at the end."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._pacer = Pacer()

    async def __aenter__(self) -> Stage:
        self._pacer.add(self._stage.port)
        self._stage.conversation.begin()
        return self._stage

    async def __aexit__(self, *_: object) -> None:
        await self._stage.conversation.close()
        self._pacer.remove(self._stage.port)
        await asyncio.sleep(0.03)


__all__ = ["FRAME", "BrainFailed", "Part", "Running", "Stage", "on_stage", "utterance"]
