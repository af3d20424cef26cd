"""Text made for eyes, given to the ear. What was written stays as it was in the transcript."""

import re
from collections.abc import Iterator

from ringback.speech.markup import without_markup
from ringback.speech.readings import read_aloud

_PLAIN = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " ", "\u202f": " "}
)
_ARROW = re.compile(r"\s*(?:->|=>|[\u2190-\u21ff])\s*")
_ENDLESS = re.compile(r"(\S{80})(?=\S)")
"""Nothing that is said is longer; it would only cost time."""
_BREAK = re.compile(r"\s*(?:\u2014|\u2013|--+|(?<=\s)-(?=\s))\s*")
_DOTS = re.compile(r"(?:\u2026|\.{2,})")
_BRACKETS = re.compile(r"\s*[()\[\]{}]\s*")
_STRAY = re.compile(r"[*#`_~|\\<>^\"=\u2022\u00b0+@$\u20ac\u00a3\u00a5]")
_MARKS = [
    (re.compile(r"\s+"), " "),
    (re.compile(r"\s+(?=[,.;:!?])"), ""),
    (re.compile(r"[,;:]+(?=[,.;:!?])"), ""),
    (re.compile(r"([!?])[!?.]+"), r"\1"),
    (re.compile(r"(?<=[.!?])[,;:]+"), ""),
    (re.compile(r"^[\s,.;:!?]+|[\s,;:]+$"), ""),
]
_WIDE = re.compile(r"[^\S\n]{2,}|(?<=\n)\s{2,}")
_FIRST, _LATER = 40, 240
_SENTENCE = re.compile(r"(?<=[.!?])(?<!\b[A-Z]\.)[\"')\]]*\s+(?=\S)")
_COMMA = re.compile(r"(?<=[,;:])\s+")
_BEFORE_WORD = re.compile(r"\s+(?=(?:and|or|but|so|because|if|when|that|which|who|to|for|with|at|on|in)\b)")
_SPACE = re.compile(r"\s+")


def spoken(text: str, *, language: str = "en-US") -> str:
    """`text` as it is said aloud: no markup, link, emoji or sign is left, and in English figures are words.

    Said again, it stays the same. In another language what figures mean is left to the voice.
    """
    english = language.lower().startswith("en")
    text = without_markup(_WIDE.sub(" ", text.translate(_PLAIN)), in_english=english)
    text = _ARROW.sub(" to " if english else ", ", text)
    if english:
        text = read_aloud(
            _ENDLESS.sub(r"\1 ", text), month_first=language.lower() in ("en", "en-us", "en-ca")
        )
    text = _BRACKETS.sub(", ", _DOTS.sub(", ", _BREAK.sub(", ", text)))
    text = _STRAY.sub(" ", text)
    for pattern, said in _MARKS:
        text = pattern.sub(said, text)
    return text.strip()


def clauses(text: str) -> Iterator[str]:
    """`text` in the pieces in which it is made: a first of some forty characters, then sentence by sentence.

    Joined with spaces they are the text again, but for its white space.
    """
    first = True
    for sentence in _SENTENCE.split(text.strip()):
        rest = " ".join(sentence.split())
        while rest:
            piece, rest = _cut(rest, _FIRST if first else _LATER)
            yield piece
            first = False


def _cut(text: str, most: int) -> tuple[str, str]:
    """The text up to where one may breathe, and the rest. Half as long again is let pass as it is."""
    if len(text) <= most * 1.5:
        return text, ""
    for place in (_COMMA, _BEFORE_WORD, _SPACE):
        ends = [found for found in place.finditer(text, 0, most + 1) if most / 4 <= found.start() <= most]
        if ends:
            return text[: ends[-1].start()], text[ends[-1].end() :]
    end = _SPACE.search(text)
    if end is None or end.start() > 2 * most:
        return text[:most], text[most:]
    return text[: end.start()], text[end.end() :]
