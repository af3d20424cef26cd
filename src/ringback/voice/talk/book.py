"""What is put down of a conversation: turns as they were said and heard, and when the steps of each were reached."""

from collections.abc import Callable, Sequence
from typing import Any

from ringback.kit import machine
from ringback.voice.brains.base import Said

Tell = Callable[[str, dict[str, Any]], None]


class Book:
    """Tells `turn` and `timeline` events with `tell(type, fields)`, and remembers the turns. Times are ms since the answer."""

    def __init__(self, tell: Tell, history: Sequence[Said] = ()) -> None:
        self._tell = tell
        self.history = list(history)
        self._turns = len(self.history)
        self._begun = machine.monotonic()

    def begin(self, talked_ms: int = 0) -> None:
        """The call is answered, or was so long ago."""
        self._begun = machine.monotonic() - talked_ms / 1000

    def ms(self) -> int:
        """Milliseconds since the answer."""
        return round((machine.monotonic() - self._begun) * 1000)

    def next_id(self) -> str:
        """The id of the next turn of the caller, which the agent's answer shares."""
        self._turns += 1
        return f"turn_{self._turns}"

    def note(
        self,
        role: str,
        turn_id: str,
        text: str,
        *,
        started_ms: int,
        ended_ms: int | None = None,
        confidence: float | None = None,
    ) -> None:
        """Somebody said `text`, until now unless it is told."""
        self.history.append(Said(turn_id, role, text, machine.current.time_ns() // 1_000_000))
        turn = {"turn_id": turn_id, "role": role, "text": text, "started_ms": started_ms}
        turn["ended_ms"] = self.ms() if ended_ms is None else ended_ms
        if confidence is not None:
            turn["confidence"] = confidence
        self._tell("turn", turn)

    def note_times(self, turn_id: str, times: dict[str, int]) -> None:
        """The timeline of a turn is whole."""
        self._tell("timeline", {"turn_id": turn_id, **times})
