"""The rules of endpoints and their deliveries."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import bindparam, delete

from ringback.events.log import Event
from ringback.kit.chance import chance
from ringback.kit.faults import NotFound
from ringback.storage import outbox
from ringback.storage.schema import accounts, deliveries, delivery_hours, webhooks
from ringback.storage.sealing import Sealer
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx
from ringback.webhooks.store import HOUR_MS

PROJECT = ""
"""The scope of the project's endpoint; an agent's is its id."""
KIND = "webhook"
RETRY_AFTER_MS = (5_000, 30_000, 300_000, 1_800_000, 7_200_000)
"""The waits before the second to sixth attempt, before jitter."""
JITTER = 0.2
KEPT_ANSWER_BYTES = 4096

_FORGET_ALL = Statement(delete(webhooks).where(webhooks.c.account_id == bindparam("account_id")))


class WebhookNotFound(NotFound):
    """No endpoint is set."""

    code = "WEBHOOK_NOT_FOUND"


def get(db: Reads, account_id: str, scope: str) -> Row | None:
    return db.get(webhooks, account_id, scope)


def needed(db: Reads, account_id: str, scope: str) -> Row:
    """The endpoint of a scope. Raises `WebhookNotFound`."""
    row = get(db, account_id, scope)
    if row is None:
        whose = "this account" if scope == PROJECT else "this agent"
        raise WebhookNotFound(f"no webhook is set for {whose}; set one first")
    return row


def new_secret() -> str:
    return "whsec_" + secrets.token_urlsafe(32)


def set_endpoint(
    tx: Tx,
    account_id: str,
    scope: str,
    *,
    url: str,
    context_limit: int,
    timeout_s: int,
    secret: str,
    seal: Callable[[str, str], str],
) -> Row:
    """Set the one endpoint of a scope; a second time keeps its id. `seal(secret, context)` closes the secret."""
    row = tx.get(webhooks, account_id, scope)
    webhook_id = tx.new_id("wh") if row is None else row["id"]
    values = {
        "url": url,
        "context_limit": context_limit,
        "timeout_s": timeout_s,
        "secret_sealed": seal(secret, webhook_id),
        "status": "active",
    }
    if row is None:
        return tx.insert(
            webhooks, account_id=account_id, scope=scope, id=webhook_id, created_at=tx.now, **values
        )
    return tx.update(webhooks, row, **values)


def delete_endpoint(tx: Tx, account_id: str, scope: str) -> None:
    """Raises `WebhookNotFound` when none is set."""
    needed(tx, account_id, scope)
    tx.delete(webhooks, account_id, scope)


def forget_agent(tx: Tx, account_id: str, agent_id: str) -> None:
    if get(tx, account_id, agent_id) is not None:
        tx.delete(webhooks, account_id, agent_id)


def forget_all(tx: Tx, account_id: str) -> None:
    """Remove every endpoint of an account; what was planned for them fails at its next turn."""
    tx.execute(_FORGET_ALL, [webhooks], account_id=account_id)


def secret_of(row: Row, sealer: Sealer) -> str:
    return sealer.open(row["secret_sealed"], context=row["id"])


def endpoint_for(db: Reads, account_id: str, agent_id: str | None) -> Row | None:
    """The one endpoint that gets an event: the agent's if it has one, else the project's."""
    if agent_id is not None:
        own = get(db, account_id, agent_id)
        if own is not None:
            return own
    return get(db, account_id, PROJECT)


def plan(
    tx: Tx, event: Event, *, event_type: str, channel: str, agent_id: str | None, message_id: str | None
) -> str | None:
    """Plan the delivery of an event; its id is the `X-Webhook-ID` of every attempt. None without an endpoint."""
    endpoint = endpoint_for(tx, event.account_id, agent_id)
    if endpoint is None:
        return None
    row = tx.insert(
        deliveries,
        account_id=event.account_id,
        id=tx.new_id("whd"),
        webhook_id=endpoint["id"],
        scope=endpoint["scope"],
        agent_id=agent_id,
        event_seq=event.seq,
        event_type=event_type,
        channel=channel,
        message_id=message_id,
        created_at=tx.now,
        next_retry_at=tx.now,
        request_id=tx.request_id,
    )
    head = tx.get(accounts, event.account_id)
    assert head is not None
    tx.update(accounts, head, delivery_count=head["delivery_count"] + 1)
    _count(tx, row, "total")
    outbox.enqueue(
        tx,
        account_id=event.account_id,
        lane_id=outbox.lane_for_endpoint(endpoint["id"]),
        kind=KIND,
        subject_id=row["id"],
        position=event.seq,
    )
    delivery_id: str = row["id"]
    return delivery_id


def _count(tx: Tx, row: Row, what: str) -> None:
    """Count in the hour in which the delivery was planned, whenever it ends."""
    hour = row["created_at"] - row["created_at"] % HOUR_MS
    event_type = row["event_type"]
    tx.adjust(delivery_hours, account_id=row["account_id"], hour=hour, event_type=event_type, **{what: 1})


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt ended; `http_status` None when no answer came."""

    ok: bool
    http_status: int | None
    error: str | None
    body: str | None
    elapsed_ms: int | None


def retry_wait_ms(delivery_id: str, attempts: int) -> int | None:
    """How long to wait after the `attempts`-th failed attempt; None when that was the last."""
    if attempts > len(RETRY_AFTER_MS):
        return None
    wait = RETRY_AFTER_MS[attempts - 1]
    return int(wait * (1 + JITTER * (2 * chance(0, delivery_id, attempts) - 1)))


def note_attempt(tx: Tx, row: Row, attempt: Attempt, *, give_up: bool = False) -> int | None:
    """Store how an attempt ended; answers when (clock) the next is due, None when there is none.

    `give_up`: nothing was attempted and nothing will be.
    """
    if give_up:
        tx.update(
            deliveries, row, status="failed", error_message=attempt.error, next_retry_at=None, payload=None
        )
        _count(tx, row, "failed")
        return None
    attempts = row["attempts"] + 1
    wait = None if attempt.ok else retry_wait_ms(row["id"], attempts)
    due = None if wait is None else tx.now + wait
    status = "delivered" if attempt.ok else "failed" if due is None else "pending"
    tx.update(
        deliveries,
        row,
        attempts=attempts,
        status=status,
        http_status=attempt.http_status,
        error_message=attempt.error,
        response_body=attempt.body,
        response_ms=attempt.elapsed_ms,
        last_attempt_at=tx.now,
        next_retry_at=due,
        delivered_at=tx.now if attempt.ok else None,
        payload=row["payload"] if due is not None else None,
    )
    if due is None:
        _count(tx, row, status)
    return due
