"""Conversations whose number, contact or metadata holds words, last active first."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, tuple_

from ringback.storage.like import ANY, MOST_WORDS, Sought, containing, digits_of, holds_at, like
from ringback.storage.schema import contacts, conversations
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row

Place = tuple[int, str]
"""A conversation: when it was last active, and its id."""
NEWEST: Place = (1 << 62, "")
"""Behind every conversation."""
_KEY = (conversations.c.last_message_at, conversations.c.id)
_NEWEST_FIRST = tuple(column.desc() for column in _KEY)
_PASSED = (
    conversations.c.account_id == bindparam("account_id"),
    tuple_(*_KEY) < tuple_(bindparam("before_at"), bindparam("before_id")),
)
_OLDEST_PASSED = Statement(
    select(*_KEY).where(*_PASSED).order_by(*_NEWEST_FIRST).offset(bindparam("passed")).limit(1)
)
_CONTACT = and_(contacts.c.account_id == conversations.c.account_id, contacts.c.e164 == conversations.c.party)


def _known_by(n: int, spelled: bool) -> ColumnElement[bool]:
    """Whether the word at place `n` says which conversation it is."""
    return or_(
        like(conversations.c.party, f"digits_{n}"),
        like(conversations.c.number_e164, f"digits_{n}"),
        holds_at(conversations.c.metadata, n, spelled=spelled),
        like(contacts.c.search_text, f"folded_{n}"),
    )


def _found(spelled: bool) -> Statement:
    return Statement(
        select(conversations, contacts.c.name.label("contact_name"))
        .select_from(conversations.outerjoin(contacts, _CONTACT))
        .where(
            *_PASSED,
            tuple_(*_KEY) >= tuple_(bindparam("to_at"), bindparam("to_id")),
            *[_known_by(n, spelled) for n in range(MOST_WORDS)],
            or_(like(conversations.c.party, "number"), like(conversations.c.number_e164, "number")),
        )
        .order_by(*_NEWEST_FIRST)
        .limit(bindparam("most"))
    )


_FOUND = {spelled: _found(spelled) for spelled in (False, True)}


def search(
    db: Reads,
    account_id: str,
    sought: Sought,
    number: str,
    *,
    folded: Callable[[str], str],
    before: Place,
    most: int,
    passed: int,
) -> tuple[list[Row], Row | None]:
    """As the search among texts, with `contact_name`; `folded` makes of a word what contacts are compared by."""
    own: dict[str, Any] = {"account_id": account_id, "before_at": before[0], "before_id": before[1]}
    last = db.one(_OLDEST_PASSED, **own, passed=passed - 1)
    words = sought.places()
    rows = db.all(
        _FOUND[sought.spelled],
        **own,
        **sought.params(),
        **{f"digits_{n}": digits_of(word) if word else ANY for n, word in enumerate(words)},
        **{f"folded_{n}": containing(folded(word)) if word else ANY for n, word in enumerate(words)},
        number=number,
        to_at=last["last_message_at"] if last else 0,
        to_id=last["id"] if last else "",
        most=most,
    )
    return rows, last
