"""Paging parameters (contract: behaviour, "Common")."""

from typing import Annotated, Any

from fastapi import Query

from ringback.kit.faults import Invalid
from ringback.kit.times import from_iso
from ringback.messages.errors import MessageNotFound
from ringback.messages.service import get
from ringback.storage.tx import Reads

Limit100 = Annotated[int, Query(ge=1, le=100)]
Limit200 = Annotated[int, Query(ge=1, le=200)]
Offset = Annotated[int, Query(ge=0)]
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
            raise Invalid(f"there is no message {text[:64]} here", field=field)
        at: int = message["at"]
        return at
    try:
        return from_iso(text)
    except ValueError as error:
        raise Invalid(f"{error}, or the id of a message", field=field) from None
