"""What was said in calls and holds words, newest calls first."""

from typing import Any

from sqlalchemy import and_, bindparam, or_, select, tuple_

from ringback.storage.like import Sought, holds, like
from ringback.storage.schema import call_turns, calls
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row

Place = tuple[str, int]
"""A turn: its call's id and its `n`."""
NEWEST: Place = ("call_" + "z" * 27, 0)
"""Behind every turn."""
_KEY = (call_turns.c.call_id, call_turns.c.n)
_NEWEST_FIRST = tuple(column.desc() for column in _KEY)
_PASSED = (
    call_turns.c.account_id == bindparam("account_id"),
    tuple_(*_KEY) < tuple_(bindparam("before_call"), bindparam("before_n")),
)
_OLDEST_PASSED = Statement(
    select(*_KEY).where(*_PASSED).order_by(*_NEWEST_FIRST).offset(bindparam("passed")).limit(1)
)
_CALL = and_(calls.c.account_id == call_turns.c.account_id, calls.c.id == call_turns.c.call_id)

_WITHIN = (
    # Of both tables, since PostgreSQL may begin with either; compared as pairs they led it astray by a factor of a hundred.
    call_turns.c.call_id.between(bindparam("to_call"), bindparam("before_call")),
    calls.c.id.between(bindparam("to_call"), bindparam("before_call")),
    or_(call_turns.c.call_id < bindparam("before_call"), call_turns.c.n < bindparam("before_n")),
    or_(call_turns.c.call_id > bindparam("to_call"), call_turns.c.n >= bindparam("to_n")),
)


def _found(spelled: bool) -> Statement:
    return Statement(
        select(
            call_turns,
            *[calls.c[name] for name in ("direction", "from_e164", "to_e164", "number_e164")],
            *[calls.c[name] for name in ("agent_id", "conversation_id")],
        )
        .select_from(call_turns.join(calls, _CALL))
        .where(
            call_turns.c.account_id == bindparam("account_id"),
            *_WITHIN,
            holds(call_turns.c.text, spelled=spelled),
            or_(like(calls.c.from_e164, "number"), like(calls.c.to_e164, "number")),
        )
        .order_by(*_NEWEST_FIRST)
        .limit(bindparam("most"))
    )


_FOUND = {spelled: _found(spelled) for spelled in (False, True)}


def search(
    db: Reads, account_id: str, sought: Sought, number: str, *, before: Place, most: int, passed: int
) -> tuple[list[Row], Row | None]:
    """As the search among texts, of turns with what their calls say of the two ends."""
    own: dict[str, Any] = {"account_id": account_id, "before_call": before[0], "before_n": before[1]}
    last = db.one(_OLDEST_PASSED, **own, passed=passed - 1)
    rows = db.all(
        _FOUND[sought.spelled],
        **own,
        **sought.params(),
        number=number,
        to_call=last["call_id"] if last else "",
        to_n=last["n"] if last else 0,
        most=most,
    )
    return rows, None if last is None else db.get(call_turns, account_id, last["call_id"], last["n"])
