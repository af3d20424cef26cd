"""Dead letters, and attempting again what is over: one delivery, or those of a time range."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, literal_column, or_, select

from ringback.events import steps
from ringback.events.log import record
from ringback.storage.schema import accounts, deliveries
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx
from ringback.webhooks import service, turns
from ringback.webhooks.errors import (
    DeliveryNotFound,
    DeliveryOfTurn,
    DeliveryPending,
    WebhookDisabled,
    WebhookNotFound,
)

MOST = 1_000
"""Deliveries that one request looks at."""

# Literals and not parameters, so that the planner sees that the partial index holds them.
_IS_FAILED = deliveries.c.status == literal_column("'failed'")
_STATES: dict[str, ColumnElement[bool]] = {
    "failed": _IS_FAILED,
    "delivered": deliveries.c.status == literal_column("'delivered'"),
    "all": deliveries.c.status != literal_column("'pending'"),
}
_RANGE = (
    deliveries.c.account_id == bindparam("account_id"),
    deliveries.c.created_at >= bindparam("start"),
    deliveries.c.created_at < bindparam("end"),
    or_(deliveries.c.created_at > bindparam("start"), deliveries.c.id > bindparam("after")),
)


def _in_range(*conditions: ColumnElement[bool]) -> Statement:
    return Statement(
        select(deliveries)
        .where(*_RANGE, *conditions)
        .order_by(deliveries.c.created_at, deliveries.c.id)
        .limit(bindparam("most"))
    )


_OF_ACCOUNT = {status: _in_range(state) for status, state in _STATES.items()}
_OF_AGENT = {
    status: _in_range(state, deliveries.c.agent_id == bindparam("agent_id"))
    for status, state in _STATES.items()
}
_DEAD_LETTERS = Statement(
    select(deliveries)
    .where(deliveries.c.account_id == bindparam("account_id"), _IS_FAILED)
    .order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)


def dead_letters(db: Reads, account_id: str, *, limit: int, offset: int) -> list[Row]:
    """Deliveries that have failed, newest first."""
    return db.all(_DEAD_LETTERS, account_id=account_id, limit=limit, offset=offset)


def redeliver(tx: Tx, account_id: str, delivery_id: str) -> Row:
    """Let one delivery that is over be attempted anew, under its id, by the endpoint that its scope has now.

    Raises `DeliveryNotFound`, `DeliveryPending`, `DeliveryOfTurn`, `WebhookNotFound`, `WebhookDisabled`.
    """
    row = tx.get(deliveries, account_id, delivery_id)
    if row is None:
        raise DeliveryNotFound(f"there is no delivery {delivery_id[:64]}")
    if row["status"] == "pending":
        raise DeliveryPending("the delivery is not over yet; it is attempted anyway")
    if turns.is_turn(row):
        raise DeliveryOfTurn("a turn of a call is not told again: its caller has gone on")
    endpoint = service.get(tx, account_id, row["scope"])
    if endpoint is None:
        raise WebhookNotFound("the delivery's endpoint was deleted; set one again first")
    if endpoint["status"] == service.DISABLED:
        raise WebhookDisabled("the endpoint is switched off; switch it on first")
    return _start_again(tx, row, endpoint)


@dataclass(frozen=True, slots=True)
class Redelivered:
    """How many were started again, how many had no endpoint that is on or were turns of calls, and from where (clock ms)
    there is more; where many share that time, behind which of them."""

    count: int
    skipped: int
    more_from: int | None = None
    more_after: str | None = None


def redeliver_range(
    tx: Tx,
    account_id: str,
    *,
    start: int,
    end: int,
    status: str,
    agent_id: str | None,
    after: str | None = None,
) -> Redelivered:
    """Let deliveries planned from `start` to before `end` (clock ms) be attempted anew, in their order.

    Of those planned at `start` itself only those whose id comes behind `after`, if it is given.
    `status` is `failed`, `delivered` or `all`; what is pending is attempted anyway. At most `MOST` at once.
    """
    params = {"account_id": account_id, "start": start, "end": end, "after": after or "", "most": MOST + 1}
    if agent_id is None:
        rows = tx.all(_OF_ACCOUNT[status], **params)
    else:
        rows = tx.all(_OF_AGENT[status], **params, agent_id=agent_id)
    more_from = more_after = None
    if len(rows) > MOST:
        # What shares the time of the first that is left stays with it, so that none is missed or sent twice.
        more_from = rows[MOST]["created_at"]
        sooner = [row for row in rows if row["created_at"] < more_from]
        rows = sooner or rows[:MOST]
        more_after = None if sooner else rows[-1]["id"]
    count = 0
    for row in rows:
        endpoint = service.get(tx, account_id, row["scope"])
        if endpoint is not None and endpoint["status"] == service.ACTIVE and not turns.is_turn(row):
            _start_again(tx, row, endpoint)
            count += 1
    return Redelivered(count, len(rows) - count, more_from, more_after)


def _start_again(tx: Tx, row: Row, endpoint: Row) -> Row:
    """A fresh series of attempts. Its bytes are those of before where they are kept, else it is rendered anew."""
    account_id, was = row["account_id"], row["status"]
    head = tx.get(accounts, account_id)
    assert head is not None
    counter = f"deliveries_{was}"
    tx.update(accounts, head, **{counter: head[counter] - 1})
    service.count(tx, row, was, -1)
    if was == "delivered":
        # Its row tells of the last attempt only.
        code, at = None if row["http_status"] is None else str(row["http_status"]), row["delivered_at"]
        steps.note(
            tx,
            account_id,
            row["id"],
            "webhook-delivered",
            attempt=row["attempts"],
            code=code,
            at=at,
            took_ms=row["response_ms"],
        )
    row = tx.update(
        deliveries,
        row,
        webhook_id=endpoint["id"],
        status="pending",
        attempts_before=row["attempts"],
        next_retry_at=tx.now,
        delivered_at=None,
    )
    event = record(
        tx,
        account_id,
        "webhook.redelivered",
        about_agent=row["agent_id"],
        deliveryId=row["id"],
        messageId=row["message_id"],
        callId=row["call_id"],
        before=was,
    )
    service.enqueue(tx, endpoint, row, position=event.seq)
    return row
