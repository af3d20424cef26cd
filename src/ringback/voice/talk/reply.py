"""What an agent does about a turn, and what it says by itself."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from ringback.voice.brains.base import UserTurn
from ringback.voice.talk.book import Book
from ringback.voice.talk.words import sentences

SORRY = "I'm sorry, I didn't get that. Could you say it again?"
CANNOT_GO_ON = "I'm sorry, something is wrong on my side and I can't go on. Please call again later. Goodbye."
AGAIN = "I'm sorry, we were cut off for a moment. Please go on."
NOT_CONNECTED = "I'm sorry, I could not connect you."
OPENING = "opening"
"""The turn of what the agent says by itself before anybody spoke."""


_GAP_MS = 340
"""How long after a caller's words an answer is heard at the earliest: at a comma people fall silent for 200 to 350 ms, and
who hears the agent begin then loses the thread. What is ready sooner waits, and is dropped unheard if they go on."""
_LONGEST_GAP_MS = 540
"""The same where there is a sound that may yet become their voice."""


@dataclass(slots=True)
class Reply:
    """What the agent does about a turn. `times` are those of the turn's timeline, in ms since the answer."""

    turn: UserTurn | None
    turn_id: str
    times: dict[str, int] = field(default_factory=dict)
    task: "asyncio.Task[None] | None" = None
    said: str = ""
    started_ms: int | None = None

    def add(self, text: str) -> Iterator[str]:
        """Say `text` too; answers it in pieces to be spoken."""
        if self.said and not self.said[-1].isspace():
            text = f" {text}"
        self.said += text
        return filter(str.strip, sentences(text))

    def may_begin(self, now_ms: int, *, noticing: bool) -> bool:
        """Whether it may be heard, or its caller may only have drawn breath; `noticing` a sound that may be their voice."""
        if self.turn is None or self.turn.digits:
            return True
        return now_ms - self.times["speech_end"] >= (_LONGEST_GAP_MS if noticing else _GAP_MS)

    def put_down(self, book: Book, heard: str) -> None:
        """Write what was heard of it into the book, and its timeline."""
        if heard:
            started = book.ms() if self.started_ms is None else self.started_ms
            book.note("agent", self.turn_id, heard, started_ms=started)
        if self.turn is not None:
            book.note_times(self.turn_id, self.times)


def least(one: float | None, other: float | None) -> float | None:
    """The lower of two confidences, as far as they are known."""
    given = [value for value in (one, other) if value is not None]
    return min(given) if given else None
