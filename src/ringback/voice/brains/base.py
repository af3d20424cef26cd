"""What a conversation asks of whoever decides what the agent says."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said before: `role` is `user` or `agent`, `at_ms` real time."""

    turn_id: str
    role: str
    text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class UserTurn:
    """What the caller said, whole: `text` is all since the agent last had the word. `digits` are keys that were pressed."""

    turn_id: str
    text: str
    confidence: float | None = None
    digits: str = ""
    before: Sequence[Said] = field(default=())


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an answer, to be spoken as it comes. What it asks besides is done when all before it was spoken.

    `transfer` is a number (E.164), or "" for the agent's own `transferNumber`. After `waits` the brain is asked on only
    when all before it was spoken.
    """

    text: str = ""
    waits: bool = False
    hangup: bool = False
    transfer: str | None = None


class BrainFailed(Exception):
    """There is no answer to this turn. `reason` is how the call ends if that can't be helped: `webhook_error` or
    `llm_error`. `lasting`: the next turn would fail in the same way."""

    def __init__(self, reason: str, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.reason, self.message, self.lasting = reason, message, lasting

    @property
    def side(self) -> str:
        """Whose doing it is."""
        return "llm" if self.reason == "llm_error" else "webhook"


class Brain(Protocol):
    """Answers turns, one at a time."""

    ending: str
    """How a call ends when its brain goes on failing: `webhook_error` or `llm_error`."""

    def answer(self, turn: UserTurn) -> AsyncGenerator[Part, None]:
        """What to say; closing the iterator tells the brain that nobody waits any more. Raises `BrainFailed`."""
        ...


Plan = Mapping[str, Any]
