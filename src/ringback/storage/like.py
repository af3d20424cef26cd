"""Words that are looked for, as patterns of `LIKE`, which both stores compare alike.

`lower()` of SQLite folds ASCII alone, that of PostgreSQL what the database's locale knows. So a column is compared in lower
case, and a word in each spelling that is left of it then: `höhe`, `HÖHE` and `Höhe` find one another in both.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, func, or_

MOST_WORDS: Final = 8
ANY: Final = "%"
_NONE: Final = ""
"""A pattern that no text fits."""
_SPELLINGS: Final = 3
_ESCAPED = str.maketrans({"/": "//", "%": "/%", "_": "/_"})
_UPPER_ASCII = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_NUMBER = re.compile(r"[-+().\[\]/\d ]+", re.ASCII)
FEWEST_DIGITS: Final = 3


def containing(word: str) -> str:
    """The pattern of texts that hold this word anywhere; `/` escapes."""
    return f"%{word.translate(_ESCAPED)}%"


def digits_of(typed: str) -> str:
    """The pattern of numbers that hold these digits, in any spelling; that of none where they are no part of a number."""
    digits = re.sub(r"\D", "", typed, flags=re.ASCII)
    looks = _NUMBER.fullmatch(typed) is not None and len(digits) >= FEWEST_DIGITS
    return containing(digits) if looks else _NONE


def spellings_of(word: str) -> list[str]:
    """How the word may stand in a text that `lower()` has folded: in one way where it is ASCII."""
    cased = (word.lower(), word.upper(), word.capitalize())
    return list(dict.fromkeys(one.translate(_UPPER_ASCII) for one in cased))


@dataclass(frozen=True, slots=True)
class Sought:
    """One to `MOST_WORDS` words, all of which must be there."""

    words: tuple[str, ...]

    @property
    def spelled(self) -> bool:
        """Whether a word has further spellings; statements are made for both."""
        return any(len(spellings_of(word)) > 1 for word in self.words)

    def places(self) -> list[str | None]:
        """The word that is looked for at each place; None where there are no more. The longest is the first, since it is
        seldom there, and what comes behind is looked for only where it is."""
        ordered = sorted(self.words, key=len, reverse=True)
        return [*ordered, *[None] * (MOST_WORDS - len(ordered))]

    def params(self) -> dict[str, str]:
        """Of the conditions that `holds` makes."""
        found: dict[str, str] = {}
        for n, word in enumerate(self.places()):
            patterns = [ANY] if word is None else [containing(spelling) for spelling in spellings_of(word)]
            for m in range(_SPELLINGS if self.spelled else 1):
                found[f"word_{n}_{m}"] = patterns[min(m, len(patterns) - 1)]
        return found


def like(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a column fits the pattern that is the parameter of this name."""
    return column.like(bindparam(name), escape="/")


def holds(column: ColumnElement[str], *, spelled: bool) -> ColumnElement[bool]:
    """Whether a column holds every word."""
    return and_(*[holds_at(column, n, spelled=spelled) for n in range(MOST_WORDS)])


def holds_at(column: ColumnElement[str], n: int, *, spelled: bool) -> ColumnElement[bool]:
    """Whether a column holds the word at place `n`."""
    names = [f"word_{n}_{m}" for m in range(_SPELLINGS if spelled else 1)]
    return or_(*[like(func.lower(column), name) for name in names])
