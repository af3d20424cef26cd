"""What somebody types to find something: its words, and where they stand in a text."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

_SNIPPET: Final = 160
_BEFORE: Final = 50
"""Characters of a snippet before the word that was found."""
_WORD = re.compile(r'"([^"]*)"|(\S+)')


def words_of(typed: str) -> list[str]:
    """The words of what was typed; what stands in double quotes is one."""
    found = ((quoted or plain).strip() for quoted, plain in _WORD.findall(typed))
    return [word for word in found if word]


def around(text: str, words: Sequence[str]) -> str:
    """A piece of a text around the first of the words, in one line."""
    text = " ".join(text.split())
    first = next((start for start, _ in places_of(text, words)), 0)
    start = max(0, min(first - _BEFORE, len(text) - _SNIPPET))
    end = start + _SNIPPET
    return ("…" if start else "") + text[start:end].strip() + ("…" if end < len(text) else "")


def places_of(text: str, words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where the words stand in a text, in whatever case, in order and apart from one another."""
    if words:
        longest_first = sorted(words, key=len, reverse=True)
        pattern = "|".join(r"\s+".join(map(re.escape, word.split())) for word in longest_first)
        for match in re.finditer(pattern, text, re.IGNORECASE):
            yield match.span()


def marked(text: str, words: Sequence[str]) -> list[tuple[str, bool]]:
    """The text in pieces, and whether each is a word that was looked for."""
    pieces, at = list[tuple[str, bool]](), 0
    for start, end in places_of(text, words):
        pieces += [(text[at:start], False), (text[start:end], True)]
        at = end
    return [piece for piece in [*pieces, (text[at:], False)] if piece[0]]
