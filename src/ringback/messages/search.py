"""Texts that hold words, newest first."""

from typing import Any

from sqlalchemy import bindparam, or_, select

from ringback.storage.like import Sought, holds, like
from ringback.storage.schema import messages
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row

Place = tuple[str]
"""A text: its id."""
NEWEST: Place = ("msg_" + "z" * 27,)
"""Behind every text."""
_PASSED = (messages.c.account_id == bindparam("account_id"), messages.c.id < bindparam("before"))
_OLDEST_PASSED = Statement(
    select(messages.c.id).where(*_PASSED).order_by(messages.c.id.desc()).offset(bindparam("passed")).limit(1)
)


def _found(spelled: bool) -> Statement:
    return Statement(
        select(messages)
        .where(
            *_PASSED,
            messages.c.id >= bindparam("down_to"),
            holds(messages.c.body, spelled=spelled),
            or_(like(messages.c.from_e164, "number"), like(messages.c.to_e164, "number")),
        )
        .order_by(messages.c.id.desc())
        .limit(bindparam("most"))
    )


_FOUND = {spelled: _found(spelled) for spelled in (False, True)}


def search(
    db: Reads, account_id: str, sought: Sought, number: str, *, before: Place, most: int, passed: int
) -> tuple[list[Row], Row | None]:
    """Texts behind `before`, and the text at which looking stopped: the one after the `passed` newest.

    `number` is a pattern that either end must fit. Ids are in the order in which texts were taken in.
    """
    own: dict[str, Any] = {"account_id": account_id, "before": before[0]}
    last = db.one(_OLDEST_PASSED, **own, passed=passed - 1)
    rows = db.all(
        _FOUND[sought.spelled],
        **own,
        **sought.params(),
        number=number,
        down_to=last["id"] if last else "",
        most=most,
    )
    return rows, None if last is None else db.get(messages, account_id, last["id"])
