"""The search among the pages: their sections that hold every word, those first whose heading does."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ringback.doors.docs import shelf
from ringback.kit.searching import around, marked, words_of

MOST = 30
MOST_CHARACTERS = 200
_HEADING = re.compile(r"^#{1,3} (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_MARKS = re.compile(r"\[([^\]]*)\]\([^)\s]*\)|^```\w*$|[`*|]|^#+ |(?<= )-{3}(?= )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a page under one heading; `anchor` is empty for what stands above the first."""

    page: str
    title: str
    heading: str
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A section that was found, and a line of it in pieces, with whether each is a word that was looked for."""

    section: Section
    pieces: list[tuple[str, bool]]


def sections_of(name: str, text: str) -> Iterator[Section]:
    """A page of Markdown in its sections."""
    text = shelf.without_front(text)
    title = shelf.title_of(text)
    blocks = [match.span() for match in _FENCE.finditer(text)]
    heads = [
        match
        for match in _HEADING.finditer(text)
        if not any(start <= match.start() < end for start, end in blocks)
    ]
    ends = [*(match.start() for match in heads[1:]), len(text)]
    for head, end in zip(heads, ends, strict=True):
        heading = _plain(head[1])
        anchor = "" if head[0].startswith("# ") else shelf.anchor(head[1])
        yield Section(name, title, heading, anchor, _plain(text[head.end() : end]))


def found(sections: Iterable[Section], typed: str) -> list[Hit]:
    """The sections that hold every word, at most `MOST`; none for nothing."""
    words = words_of(typed[:MOST_CHARACTERS].casefold())
    if not words:
        return []
    hits = [each for each in sections if all(word in _searched(each) for word in words)]
    hits.sort(key=lambda each: -sum(word in each.heading.casefold() for word in words))  # else in their order
    return [Hit(each, marked(around(each.text, words), words)) for each in hits[:MOST]]


def _searched(section: Section) -> str:
    return f"{section.title} {section.heading} {section.text}".casefold()


def _plain(markdown: str) -> str:
    return " ".join(_MARKS.sub(lambda match: match[1] or "", markdown).split())
