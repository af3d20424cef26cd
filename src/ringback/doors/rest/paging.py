"""Paging parameters (contract: behaviour, "Common")."""

from typing import Annotated, Any, Protocol

from fastapi import Query

from ringback.kit.faults import Invalid
from ringback.kit.times import from_iso
from ringback.kit.wire import DIGITS
from ringback.messages.errors import MessageNotFound
from ringback.messages.service import get
from ringback.storage.tx import Reads, Row

Limit100 = Annotated[int, Query(ge=1, le=100), DIGITS]
Limit200 = Annotated[int, Query(ge=1, le=200), DIGITS]
Offset = Annotated[int, Query(ge=0), DIGITS]
Cursor = Annotated[
    str | None,
    Query(
        description="A date-time, or the id of a message; an empty value counts as not given.",
        json_schema_extra={
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "pattern": "^msg_"}]
        },
    ),
]

NOT_GIVEN: Any = None
"""The default of a parameter that takes no null and may be left out."""
_FARTHEST = 1 << 62


def within_store(offset: int) -> int:
    """An offset that every store can count to: past the last row either way."""
    return min(offset, _FARTHEST)


class Page(Protocol):
    """`page_of_number` and `page_of_conversation`: exclusive times in ms, newest first, and whether there is more."""

    def __call__(
        self,
        db: Reads,
        account_id: str,
        scope_id: str,
        /,
        *,
        limit: int,
        before: int | None,
        after: int | None,
    ) -> tuple[list[Row], bool]: ...


def messages_page(
    db: Reads,
    page: Page,
    account_id: str,
    scope: tuple[str, str],
    *,
    limit: int,
    before: str | None,
    after: str | None,
) -> tuple[list[Row], bool]:
    """One page of the messages of `scope`, the column of a message and what it must hold. Raises `Invalid`."""
    return page(
        db,
        account_id,
        scope[1],
        limit=limit,
        before=cursor(db, account_id, "before", before, scope=scope),
        after=cursor(db, account_id, "after", after, scope=scope),
    )


def cursor(db: Reads, account_id: str, field: str, text: str | None, *, scope: tuple[str, str]) -> int | None:
    """The time (ms) that a cursor stands for. `scope` is the message's column and value that must fit.

    Raises `Invalid` naming `field` for a text that is neither a date-time nor an id of a message here.
    """
    if text is None:
        return None
    if text.startswith("msg_"):
        try:
            message = get(db, account_id, text)
        except MessageNotFound:
            message = {}
        if message.get(scope[0]) != scope[1]:
            raise Invalid(f"there is no message {text[:64]} here", field=field, where="query")
        at: int = message["at"]
        return at
    try:
        return from_iso(text)
    except ValueError as error:
        raise Invalid(f"{error}, or the id of a message", field=field, where="query") from None
