"""Queries on contacts, and the search among them."""

import re
import unicodedata
from collections.abc import Iterable

from sqlalchemy import ColumnElement, bindparam, func, or_, select

from ringback.kit import phone
from ringback.storage.schema import accounts, contacts
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row

_FEWEST_DIGITS = 3
_BETWEEN = "\n"
"""Stands between the fields of a contact in `search_text`."""
_NUMBER = re.compile(r"\s*(?:tel:\s*)?(\+?)[-\d ().\[\]/]+", re.ASCII | re.IGNORECASE)
_TURKISH_I = ("i\N{COMBINING DOT ABOVE}", "\N{LATIN SMALL LETTER DOTLESS I}")
"""What case folding leaves of `İ` and `ı`, which other languages write as `I` and `i`."""
_ESCAPED = str.maketrans({"/": "//", "%": "/%", "_": "/_"})
_OWN = contacts.c.account_id == bindparam("account_id")


def _has(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    return column.like(bindparam(name), escape="/")


_searched: ColumnElement[str] = contacts.c.search_text
for _letter in _TURKISH_I:
    _searched = func.replace(_searched, _letter, "i")
_WORDS = _has(_searched, "words")
_WORDS_OR_NUMBER = or_(_WORDS, _has(contacts.c.e164, "digits"), contacts.c.e164 == bindparam("e164"))


def _page(*where: ColumnElement[bool]) -> Statement:
    return Statement(
        select(contacts)
        .where(_OWN, *where)
        .order_by(contacts.c.created_at.desc(), contacts.c.id.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )


def _count(*where: ColumnElement[bool]) -> Statement:
    return Statement(select(func.count().label("n")).select_from(contacts).where(_OWN, *where))


_PAGE = _page()
_FOUND = {False: (_page(_WORDS), _count(_WORDS)), True: (_page(_WORDS_OR_NUMBER), _count(_WORDS_OR_NUMBER))}
_BY_NUMBER = Statement(select(contacts).where(_OWN, contacts.c.e164 == bindparam("e164")))

_MANY = 32
_BY_NUMBERS = Statement(
    select(contacts).where(_OWN, contacts.c.e164.in_([bindparam(f"e164_{n}") for n in range(_MANY)]))
)
"""Takes as many numbers as a statement that is compiled once can name; those left over name one of them again."""


def by_number(db: Reads, account_id: str, e164: str) -> Row | None:
    """The contact who has this number."""
    return db.one(_BY_NUMBER, account_id=account_id, e164=e164)


def by_numbers(db: Reads, account_id: str, numbers: Iterable[str]) -> list[Row]:
    """The contacts who have one of these numbers."""
    wanted, found = sorted(set(numbers)), []
    for start in range(0, len(wanted), _MANY):
        some = wanted[start : start + _MANY]
        some += some[:1] * (_MANY - len(some))
        found += db.all(
            _BY_NUMBERS, account_id=account_id, **{f"e164_{n}": e164 for n, e164 in enumerate(some)}
        )
    return found


def page(db: Reads, account_id: str, *, limit: int, offset: int) -> tuple[list[Row], int]:
    """Contacts, newest first, and how many there are in all."""
    head = db.get(accounts, account_id)
    rows = db.all(_PAGE, account_id=account_id, limit=limit, offset=offset)
    return rows, int(head["contact_count"]) if head else 0


def search(db: Reads, account_id: str, text: str, *, limit: int, offset: int) -> tuple[list[Row], int]:
    """As `page`, of those with `text` in a line of name, email, notes or number, which may be typed in any spelling."""
    if _BETWEEN in text:
        return [], 0
    digits, e164 = _number_in(text)
    params = {"account_id": account_id, "words": _containing(_without_turkish_i(folded(text)))}
    if digits:
        params |= {"digits": _containing(digits), "e164": e164}
    found, counted = _FOUND[bool(digits)]
    rows = db.all(found, **params, limit=limit, offset=offset)
    if len(rows) < limit and (rows or offset == 0):
        return rows, offset + len(
            rows
        )  # The last page tells the total, and counting would read everything again.
    row = db.one(counted, **params)
    return rows, int(row["n"]) if row else 0


def folded(*texts: str | None) -> str:
    """What a search compares: equal for texts that look equal but for their case, in every script."""
    given = _BETWEEN.join(text for text in texts if text)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", given).casefold())


def _without_turkish_i(text: str) -> str:
    for letter in _TURKISH_I:
        text = text.replace(letter, "i")
    return text


def _containing(text: str) -> str:
    return f"%{text.translate(_ESCAPED)}%"


def _number_in(text: str) -> tuple[str, str]:
    """The digits of a text that looks like a number or a part of one, and the number, if it is a whole one."""
    typed = phone.fold_spelling(text)
    looks = _NUMBER.fullmatch(typed)
    digits = re.sub(r"\D", "", typed, flags=re.ASCII)
    if looks is None or len(digits) < _FEWEST_DIGITS:
        return "", ""
    try:
        return looks[1] + digits, phone.normalise(typed)
    except phone.InvalidNumber:
        return looks[1] + digits, ""
