"""The first answer of a POST that carried an `Idempotency-Key`, kept for 24 hours of the clock.

A POST that is one unit keeps its answer in that unit, so racers meet at the account's lock. A POST that goes outside
in between first marks the key as under way; whoever comes meanwhile gets `InProgress`.
"""

from dataclasses import dataclass

from sqlalchemy import Table, and_, bindparam, delete, not_

from ringback.kit.faults import Conflict
from ringback.storage.schema import idempotency
from ringback.storage.statements import Statement
from ringback.storage.tx import Row, Tx

KEPT_MS = 24 * 3_600_000
_ANY_TIME = 1 << 62
_UNDER_WAY = and_(idempotency.c.status.is_(None), idempotency.c.holder.is_(None))
_EXPIRED = Statement(
    delete(idempotency).where(idempotency.c.created_at <= bindparam("until"), not_(_UNDER_WAY))
)
_ABANDONED = Statement(delete(idempotency).where(idempotency.c.created_at <= bindparam("until"), _UNDER_WAY))


class Mismatch(Conflict):
    """The key was used for another request."""

    code = "IDEMPOTENCY_MISMATCH"


class InProgress(Conflict):
    """The first request with this key is still under way."""

    code = "IDEMPOTENCY_IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class Claim:
    """One use of a key: `operation` is method and path, `fingerprint` a hash of the body's meaning."""

    account_id: str
    operation: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it went over the wire."""

    status: int
    body: bytes


def needs(claim: Claim) -> tuple[Table, tuple[str, ...]]:
    """The row that using the key reads."""
    return idempotency, (claim.account_id, claim.operation, claim.key)


def look_up(tx: Tx, claim: Claim) -> Answer | None:
    """The kept answer, or None when this is the first use. Raises `Mismatch` or `InProgress`."""
    row = tx.get(idempotency, claim.account_id, claim.operation, claim.key)
    if row is None or not _lives(tx, row):
        return None
    if row["fingerprint"] != claim.fingerprint:
        raise Mismatch("this Idempotency-Key was used for another request; use a new key for a new request")
    if row["status"] is None:
        raise InProgress(
            "the first request with this Idempotency-Key is still under way; try again", retry_after_s=1
        )
    return Answer(row["status"], row["answer"].encode())


def begin(tx: Tx, claim: Claim) -> Answer | None:
    """Mark the first use as under way; or the kept answer."""
    found = look_up(tx, claim)
    if found is None:
        _put(tx, claim, status=None, answer=None)
    return found


def hold(tx: Tx, claim: Claim, holder: str | None) -> None:
    """The order `holder` will settle the key, even when the request's process dies; None: only the request will."""
    row = tx.get(idempotency, claim.account_id, claim.operation, claim.key)
    if row is not None and row["status"] is None:
        tx.update(idempotency, row, holder=holder)


def keep(tx: Tx, claim: Claim, answer: Answer) -> Answer:
    """Keep the answer of a key that has none; answers the one that is kept."""
    row = tx.get(idempotency, claim.account_id, claim.operation, claim.key)
    if row is not None and row["status"] is not None and _lives(tx, row):
        return Answer(row["status"], row["answer"].encode())
    _put(tx, claim, status=answer.status, answer=answer.body.decode())
    return answer


def drop(tx: Tx, claim: Claim) -> None:
    """The request failed before anything was done: the key may be used again."""
    tx.delete(idempotency, claim.account_id, claim.operation, claim.key)


def purge(tx: Tx) -> int:
    """Forget what is older than 24 hours."""
    return tx.execute(_EXPIRED, [idempotency], until=tx.now - KEPT_MS)


def drop_abandoned(tx: Tx, *, older_than_ms: int | None) -> int:
    """Free keys whose request died with its process; None: however young, also by a clock that was set back since."""
    until = _ANY_TIME if older_than_ms is None else tx.now - older_than_ms
    return tx.execute(_ABANDONED, [idempotency], until=until)


def _lives(tx: Tx, row: Row) -> bool:
    """Whether the row is of a use that still counts; one that is over may wait for the purge.

    A request under way counts however far the clock was moved meanwhile, be it by that very request.
    """
    under_way = row["status"] is None and row["holder"] is None
    return under_way or bool(row["created_at"] + KEPT_MS > tx.now)


def _put(tx: Tx, claim: Claim, *, status: int | None, answer: str | None) -> None:
    row = tx.get(idempotency, claim.account_id, claim.operation, claim.key)
    values = {
        "fingerprint": claim.fingerprint,
        "status": status,
        "answer": answer,
        "holder": None,
        "created_at": tx.now,
    }
    if row is None:
        tx.insert(
            idempotency, account_id=claim.account_id, operation=claim.operation, key=claim.key, **values
        )
    else:
        tx.update(idempotency, row, **values)
