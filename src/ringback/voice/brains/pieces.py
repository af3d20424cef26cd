"""What a model writes, in pieces that can be spoken: the first as soon as one may breathe, then sentence by sentence."""

import re
from collections.abc import Iterator

from ringback.voice.talk.words import sentences

_CLAUSE = re.compile(r"[,;:\u2014]\s+")
_FIRST = 20
"""Characters that a first piece has at least which is no whole sentence."""
_LONGEST = 400
"""Characters after which a text without an end is cut at its last space."""


class Pieces:
    """Feed it text as it comes. `all` is everything that came; joined, the pieces are that."""

    def __init__(self) -> None:
        self.all = ""
        self._rest = ""
        self._begun = False

    def feed(self, text: str) -> Iterator[str]:
        """The pieces that `text` completes."""
        self.all += text
        *whole, self._rest = sentences(self._rest + text) if (self._rest + text) else [""]
        if not whole:
            whole = self._cut()
        for piece in whole:
            self._begun = self._begun or bool(piece.strip())
            yield piece

    def rest(self) -> str:
        """What is left at the end."""
        rest, self._rest = self._rest, ""
        return rest

    def _cut(self) -> list[str]:
        """A piece of what is no sentence yet, if it can wait no longer."""
        ends = []
        if not self._begun:
            ends = [found.end() for found in _CLAUSE.finditer(self._rest) if found.end() >= _FIRST][:1]
        if not ends and len(self._rest) > _LONGEST:
            ends = [self._rest.rfind(" ", 0, _LONGEST) + 1 or _LONGEST]
        if not ends:
            return []
        piece, self._rest = self._rest[: ends[0]], self._rest[ends[0] :]
        return [piece]
