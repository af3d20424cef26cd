"""Sessions of the console that were ended by signing out, remembered until their own time is up.

A session is a sealed cookie that nothing is stored of, so whoever kept a copy could go on with it. The ended ones are rows
of `meta`, a hundred bytes each; each sign-out forgets those whose time is up. Times are real, as those of cookies are.
"""

from sqlalchemy import bindparam, delete

from ringback.storage.schema import meta
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Tx

_ENDED = "ended_session:"
_BEHIND = "ended_session;"
"""What follows in order on all that begins with `_ENDED`."""
_FORGET = Statement(
    delete(meta).where(
        meta.c.key > bindparam("first"), meta.c.key < bindparam("last"), meta.c.value < bindparam("now")
    )
)


def end(tx: Tx, mark: str, *, until_ms: int, now_ms: int) -> None:
    """Note that the session with this mark is over; by itself it would be at `until_ms`."""
    tx.execute(_FORGET, [meta], first=_ENDED, last=_BEHIND, now=_in_order(now_ms))
    if tx.get(meta, _ENDED + mark) is None:
        tx.insert(meta, key=_ENDED + mark, value=_in_order(until_ms))


def is_over(db: Reads, mark: str) -> bool:
    return db.get(meta, _ENDED + mark) is not None


def _in_order(time_ms: int) -> str:
    """A time as text that compares as the time does."""
    return f"{time_ms:015}"
