"""Steps: what did not go straight on with a message or a delivery, kept for whoever asks what became of it."""

from typing import Literal

from sqlalchemy import bindparam, select

from ringback.storage.schema import steps
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

Kind = Literal[
    "queued", "received", "throttled", "unreachable", "retry", "sent", "begun-again", "no-answer", "delivered", "refused", "expired",
    "failed", "settled", "contradicted", "webhook-planned", "attempt-failed", "webhook-delivered", "webhook-failed",
]  # fmt: skip
"""What a step may say; `docs/delivery.md` explains each. Those that go straight on are told by the rows themselves."""

_OF_SUBJECT = Statement(
    select(steps)
    .where(steps.c.account_id == bindparam("account_id"), steps.c.subject_id == bindparam("subject_id"))
    .order_by(steps.c.at, steps.c.id)
)


def note(
    tx: Tx,
    account_id: str,
    subject_id: str,
    kind: Kind,
    *,
    attempt: int | None = None,
    code: str | None = None,
    side: str | None = None,
    detail: str | None = None,
    took_ms: int | None = None,
    at: int | None = None,
    once: bool = False,
) -> None:
    """Keep one step of a message or a delivery (`subject_id`).

    `kind` says what happened, `code` is the other side's own, `side` whose it was (`you`,
    `endpoint`, `carrier`, `handset`, `ringback`), `detail` a sentence for people: never a secret or a body, `took_ms` how
    long an attempt took. It happened `at` (clock ms), now unless given. With `once`
    only the first of its kind at this attempt is kept: what waits for hours leaves one row, not thousands.
    """
    # `first_` sorts before what ends a wait in the same millisecond.
    step_id = f"first_{kind}/{attempt or 0}" if once else tx.new_id("stp")
    if once and tx.get(steps, account_id, subject_id, step_id) is not None:
        return
    tx.insert(
        steps,
        account_id=account_id,
        subject_id=subject_id,
        id=step_id,
        kind=kind,
        at=tx.now if at is None else at,
        attempt=attempt,
        code=code,
        side=side,
        detail=detail,
        took_ms=took_ms,
    )


def steps_of(db: Reads, account_id: str, subject_id: str) -> list[Row]:
    """The steps of a message or a delivery, oldest first: `kind`, `at` (clock ms), `attempt`, `code`, `side`, `detail`,
    `took_ms`."""
    return db.all(_OF_SUBJECT, account_id=account_id, subject_id=subject_id)
