"""Server-sent events as they come over a network (WHATWG HTML, 9.2.6): cut anywhere, ended by LF, CRLF or CR."""

import codecs
import re
from collections.abc import Iterator

_LINE_END = re.compile(r"\r\n|\n|\r(?!\Z)")
"""A CR at the end may be half of a CRLF."""


class EventData:
    """Feed it pieces; it yields the data of the events in them. Names, ids and comments are left out."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[str]:
        """The data of the events that `piece` completes."""
        *lines, self._rest = _LINE_END.split(self._rest + self._decoder.decode(piece))
        for line in lines:
            yield from self._take(line)

    def last(self) -> Iterator[str]:
        """The stream has ended: an event without its empty line counts, for some servers leave that out."""
        yield from self._take(self._rest.rstrip("\r"))
        yield from self._take("")

    def _take(self, line: str) -> Iterator[str]:
        if not line:
            if self._data:
                yield "\n".join(self._data)
                self._data.clear()
            return
        name, _, value = line.partition(":")
        if name == "data":
            self._data.append(value.removeprefix(" "))
