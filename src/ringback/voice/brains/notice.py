"""Nobody decides: the caller hears a notice, and the call ends with the truth."""

from collections.abc import AsyncGenerator

from ringback.voice.brains.base import BrainFailed, Part, UserTurn

NOTHING_SET = "no webhook is set for this agent"


class NoticeBrain:
    """Never answers; its call ends after the notice, which is its greeting."""

    ending = "webhook_error"

    async def answer(self, turn: UserTurn) -> AsyncGenerator[Part, None]:
        """As `Brain.answer`. Raises `BrainFailed`."""
        nothing: tuple[Part, ...] = ()
        for part in nothing:
            yield part
        raise BrainFailed(self.ending, NOTHING_SET)
