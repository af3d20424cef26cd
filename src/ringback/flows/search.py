"""Searching an account's texts, calls and conversations at once, newest first.

Each of the three is walked by its key, so no index is kept beside the rows and nothing is paid where they are written
(docs/decisions/0035-search.md). A request looks at 100,000 rows of each at most (`STEPS`); a page ends where one of them
ended, since what lies behind might be newer than what the others found.
"""

import base64
import functools
import heapq
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ringback.calls import search as turns
from ringback.contacts.store import folded
from ringback.conversations import search as conversations
from ringback.kit.faults import Invalid
from ringback.kit.searching import words_of
from ringback.messages import search as texts
from ringback.storage.like import ANY, FEWEST_DIGITS, MOST_WORDS, Sought, digits_of
from ringback.storage.tx import Reads, Row

STEPS: Final = (2_000, 8_000, 30_000, 60_000)
"""Rows that are looked at, of each kind, until there is a page: what is often there is found in the first."""
MOST_CHARACTERS: Final = 200
_LONGEST_ID: Final = 64
Kind = Literal["text", "turn", "conversation"]
Place = tuple[Any, ...] | None
"""Behind what a search goes on, in one of its sources; None where it is at the end."""


@dataclass(frozen=True, slots=True)
class _Source:
    """`search` gives rows behind a place, whose `key` is the next; `at` is the column of their time."""

    search: Callable[..., tuple[list[Row], Row | None]]
    newest: tuple[Any, ...]
    key: tuple[str, ...]
    at: str

    def place(self, row: Row) -> Place:
        return tuple([row[name] for name in self.key])

    def is_place(self, told: object) -> bool:
        return isinstance(told, list) and list(map(type, told)) == list(map(type, self.newest))


_SOURCES: Final[dict[Kind, _Source]] = {
    "text": _Source(texts.search, texts.NEWEST, ("id",), "at"),
    "turn": _Source(turns.search, turns.NEWEST, ("call_id", "n"), "created_at"),
    "conversation": _Source(
        functools.partial(conversations.search, folded=folded),
        conversations.NEWEST,
        ("last_message_at", "id"),
        "last_message_at",
    ),
}


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. `number` is a pattern that one of the two numbers must fit."""

    sought: Sought
    number: str
    limit: int
    after: dict[Kind, Place]


@dataclass(frozen=True, slots=True)
class Hit:
    """A row of `messages`, of `call_turns` with its call, or of `conversations` with `contact_name`."""

    kind: Kind
    row: Row

    @property
    def at(self) -> int:
        at: int = self.row[_SOURCES[self.kind].at]
        return at


@dataclass(frozen=True, slots=True)
class Found:
    """`cursor` goes on; None at the end of all."""

    hits: list[Hit]
    cursor: str | None


def read(q: str, number: str | None, cursor: str | None, limit: int) -> Search:
    """What a query asks for. Raises `Invalid`."""
    words = [q.strip()] if digits_of(q) else words_of(q)
    if len(q) > MOST_CHARACTERS or len(words) > MOST_WORDS:
        told = f"takes at most {MOST_WORDS} words and {MOST_CHARACTERS} characters"
        raise Invalid(told, field="q", where="query")
    if not words:
        raise Invalid("needs a word to look for", field="q", where="query")
    pattern = digits_of(number) if number else ANY
    if not pattern:
        told = f"takes a part of a number, at least {FEWEST_DIGITS} digits"
        raise Invalid(told, field="number", where="query")
    after: dict[Kind, Place] = {kind: source.newest for kind, source in _SOURCES.items()}
    if cursor:
        after = _opened(cursor)
    return Search(Sought(tuple(words)), pattern, limit, after)


def search(db: Reads, account_id: str, asked: Search, *, steps: Sequence[int] = STEPS) -> Found:
    """One page of hits."""
    found = {
        kind: _look(db, account_id, asked, source, place, steps)
        for kind, source in _SOURCES.items()
        if (place := asked.after[kind]) is not None
    }
    stopped_at = [Hit(kind, last).at for kind, (_, last) in found.items() if last is not None]
    horizon = max(stopped_at, default=0)
    one_goes_on = any(not rows for rows, _ in found.values())
    each = [[Hit(kind, row) for row in rows] for kind, (rows, _) in found.items()]
    hits: list[Hit] = []
    for hit in heapq.merge(*each, key=lambda hit: -hit.at):
        # Times stand a little out of the order of ids where much comes at once; a page that told nothing for that would
        # be asked for again and again.
        if len(hits) == asked.limit or (hit.at < horizon and (hits or one_goes_on)):
            break
        hits.append(hit)
    after: dict[Kind, Place] = dict.fromkeys(_SOURCES)
    for kind, (rows, last) in found.items():
        told = [hit.row for hit in hits if hit.kind == kind]
        after[kind] = _after(_SOURCES[kind], asked.after[kind], told, rows, last)
    return Found(hits, _closed(after) if any(after.values()) else None)


def _look(
    db: Reads, account_id: str, asked: Search, source: _Source, before: Place, steps: Sequence[int]
) -> tuple[list[Row], Row | None]:
    """One more row than the page holds, and the row at which looking stopped; None if it came to the end or had enough."""
    rows: list[Row] = []
    last: Row | None = None
    for passed in steps:
        some, last = source.search(
            db,
            account_id,
            asked.sought,
            asked.number,
            before=before,
            most=asked.limit + 1 - len(rows),
            passed=passed,
        )
        rows += some
        if len(rows) > asked.limit:
            return rows, None
        if last is None:
            break
        before = source.place(last)
    return rows, last


def _after(
    source: _Source, before: Place, told: Sequence[Row], rows: Sequence[Row], last: Row | None
) -> Place:
    """Where the next page goes on: behind what was told, or where looking stopped if that was all."""
    if len(told) == len(rows):
        return None if last is None else source.place(last)
    return source.place(told[-1]) if told else before


def _closed(after: dict[Kind, Place]) -> str:
    written = json.dumps(after, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


def _opened(cursor: str) -> dict[Kind, Place]:
    """The places in a cursor, which nobody but us should have written. Raises `Invalid`."""
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        after: dict[Kind, Place] = {}
        for kind, source in _SOURCES.items():
            place = told[kind]
            if place is not None and not (source.is_place(place) and all(map(_is_part, place))):
                raise ValueError
            after[kind] = None if place is None else tuple(place)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Invalid("is the nextCursor of no search", field="cursor", where="query") from None
    return after


def _is_part(part: Any) -> bool:
    if isinstance(part, int):
        return 0 <= part < 1 << 63
    return len(part) <= _LONGEST_ID and part.isascii() and part.isprintable()
