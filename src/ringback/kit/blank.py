"""What nobody sees of a text."""

import unicodedata

_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10)))
)
"""Fillers, joiners and variation selectors that Unicode counts among letters and marks."""


def is_invisible(ch: str) -> bool:
    """Whether a character takes no place: zero-width, direction and format characters, fillers."""
    return not ch.isascii() and (ch in _INVISIBLE or unicodedata.category(ch) == "Cf")


def is_blank(text: str) -> bool:
    """Whether a text is empty or has nothing but white space, control and invisible characters."""
    return all(ch.isspace() or is_invisible(ch) or unicodedata.category(ch) == "Cc" for ch in text)
