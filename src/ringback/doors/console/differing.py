"""What differs between two texts: line by line, and word by word where a line was changed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "gone", "new", "fold"]
_AROUND = 2
"""Lines that stay the same and are shown beside those that differ."""
MOST_LINES = 2_000
"""Of each text that are compared, between the lines that both begin and end with: that takes time with the square of it."""
MOST_ROWS = 1_000
"""Lines that are told; a page of more is drawn for a second, in which nobody else is answered."""
_MOST_WORDS = 600
"""Of a changed piece that is compared by words, for the same reason."""
_MOST_WORDS_IN_ALL = 6_000
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Line:
    """`pieces` are parts of the line, and whether each is what differs. Of a fold, it says how many lines are the same."""

    kind: Kind
    pieces: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """`hidden` is how many lines more there would be to tell: very long texts are told in part."""

    lines: list[Line]
    hidden: int = 0


def differences(old: str, new: str) -> Differences:
    """What becomes of `old` on the way to `new`; nothing where they are the same."""
    if old == new:
        return Differences([])
    before, after = old.splitlines(), new.splitlines()
    found, words = list[Line](), _MOST_WORDS_IN_ALL
    blocks = _blocks(before, after)
    for index, (what, old_from, old_to, new_from, new_to) in enumerate(blocks):
        if what == "equal":
            found += _folded(before[old_from:old_to], first=index == 0, last=index == len(blocks) - 1)
        else:
            changed = _Changed(before[old_from:old_to], after[new_from:new_to])
            words -= changed.words
            found += changed.by_words() if words >= 0 else changed.by_lines()
    return Differences(found[:MOST_ROWS], max(0, len(found) - MOST_ROWS))


def _blocks(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """As `SequenceMatcher.get_opcodes`. What both begin and end with is passed over; of what is between, too much is one
    change."""
    begin, end, shorter = 0, 0, min(len(old), len(new))
    while begin < shorter and old[begin] == new[begin]:
        begin += 1
    while end < shorter - begin and old[-1 - end] == new[-1 - end]:
        end += 1
    old_end, new_end = len(old) - end, len(new) - end
    between = [("replace", begin, old_end, begin, new_end)]
    if max(old_end, new_end) - begin <= MOST_LINES:
        codes = SequenceMatcher(None, old[begin:old_end], new[begin:new_end]).get_opcodes()
        between = [(what, *(begin + at for at in places)) for what, *places in codes]  # type: ignore[misc]
    return [
        *([("equal", 0, begin, 0, begin)] if begin else []),
        *between,
        *([("equal", old_end, len(old), new_end, len(new))] if end else []),
    ]


def _folded(lines: list[str], *, first: bool, last: bool) -> Iterator[Line]:
    above, below = 0 if first else _AROUND, 0 if last else _AROUND
    hidden = len(lines) - above - below
    if hidden < 2:
        above, hidden = len(lines), 0
    yield from _whole("same", lines[:above])
    if hidden:
        yield Line("fold", ((f"{hidden} lines stay the same", False),))
        yield from _whole("same", lines[len(lines) - below :])


def _whole(kind: Kind, lines: list[str]) -> Iterator[Line]:
    for line in lines:
        yield Line(kind, ((line, False),))


class _Changed:
    """Lines of a piece that was changed. `words` are how many of each would be compared, none where it has too many."""

    def __init__(self, old: list[str], new: list[str]) -> None:
        self._old, self._new = old, new
        self._words = _WORD.findall("\n".join(old)), _WORD.findall("\n".join(new))
        most = max(map(len, self._words))
        self.words = most if old and new and most <= _MOST_WORDS else 0

    def by_lines(self) -> Iterator[Line]:
        yield from _whole("gone", self._old)
        yield from _whole("new", self._new)

    def by_words(self) -> Iterator[Line]:
        """With the words that differ marked in both."""
        if not self.words:
            yield from self.by_lines()
            return
        old, new = self._words
        gone: list[tuple[str, bool]] = []
        come: list[tuple[str, bool]] = []
        for what, *places in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            gone.append(("".join(old[places[0] : places[1]]), what != "equal"))
            come.append(("".join(new[places[2] : places[3]]), what != "equal"))
        yield from _lines("gone", gone)
        yield from _lines("new", come)


def _lines(kind: Kind, pieces: list[tuple[str, bool]]) -> Iterator[Line]:
    line: list[tuple[str, bool]] = []
    for text, differs in pieces:
        for index, part in enumerate(text.split("\n")):
            if index:
                yield Line(kind, tuple(line))
                line = []
            if part:
                line.append((part, differs))
    yield Line(kind, tuple(line))
