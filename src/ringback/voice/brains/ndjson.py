"""Lines of JSON as they come over a network: cut anywhere, ended by LF or CRLF, and not always JSON."""

import codecs
from collections.abc import Iterator
from typing import Any

from ringback.kit import json_text

_SHOWN = 60


class Lines:
    """Feed it pieces; it yields the objects in them. `ignored` tells of every line that was none."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self.ignored: list[str] = []

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[dict[str, Any]]:
        """The objects that `piece` completes; after the `last` one, what is left counts as a line."""
        self._rest += self._decoder.decode(piece, last)
        *whole, self._rest = self._rest.split("\n")
        if last:
            whole.append(self._rest)
            self._rest = ""
        for line in whole:
            found = self._object(line.strip().removeprefix("\ufeff"))
            if found is not None:
                yield found

    def _object(self, line: str) -> dict[str, Any] | None:
        if not line:
            return None
        try:
            found = json_text.loads(line)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
        self.ignored.append(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}...")
        return None
