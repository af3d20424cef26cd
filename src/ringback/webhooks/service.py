"""The rules of endpoints, and planning what they are told."""

import json
import secrets
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from sqlalchemy import bindparam, delete

from ringback.events.log import Event, record
from ringback.kit.times import to_iso
from ringback.storage import outbox
from ringback.storage.schema import accounts, deliveries, delivery_hours, webhooks
from ringback.storage.sealing import Sealer
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx
from ringback.webhooks.errors import TooManySecrets, WebhookNotFound
from ringback.webhooks.store import HOUR_MS

PROJECT = ""
"""The scope of the project's endpoint; an agent's is its id."""
KIND = "webhook"
ACTIVE, DISABLED = "active", "disabled"
FurtherEvent = Literal["message.sent", "message.delivered", "message.failed", "message.unconfirmed"]
"""What an endpoint may ask for besides the vendor's events: types of the event log."""
FURTHER_EVENTS: tuple[FurtherEvent, ...] = get_args(FurtherEvent)
MOST_PREVIOUS = 4
"""Old secrets of an endpoint that may sign at once."""
SWITCHED_OFF = "the endpoint is switched off, since it failed for days; switch it on and redeliver"

_FORGET_ALL = Statement(delete(webhooks).where(webhooks.c.account_id == bindparam("account_id")))


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
    events: Sequence[FurtherEvent] | None = None,
    ordered: bool | None = None,
) -> Row:
    """Set the one endpoint of a scope; a second time keeps its id, and switches it on. `seal(secret, context)` closes
    the secret.

    `events` are the further events that it asks for; None, as for `ordered`, leaves what was set.
    """
    row = get(tx, account_id, scope)
    webhook_id = tx.new_id("wh") if row is None else row["id"]
    values: Row = {
        "url": url,
        "context_limit": context_limit,
        "timeout_s": timeout_s,
        "secret_sealed": seal(secret, webhook_id),
        "previous_secrets": None,
        "previous_secret_until": None,
        "status": ACTIVE,
        "failing_since": None,
        "last_failed_at": None,
        "disabled_at": None,
    }
    if events is not None:
        _listen(tx, account_id, bool(events) - (row is not None and row["events"] is not None))
        values["events"] = json.dumps([name for name in FURTHER_EVENTS if name in events]) if events else None
    if ordered is not None:
        values["ordered"] = int(ordered)
    if row is None:
        return tx.insert(
            webhooks, account_id=account_id, scope=scope, id=webhook_id, created_at=tx.now, **values
        )
    return tx.update(webhooks, row, **values)


def rotate_secret(tx: Tx, row: Row, *, sealed: str, overlap_ms: int) -> Row:
    """Sign with another secret, already closed, and for `overlap_ms` (clock) with the one before as well.

    Older ones keep the time that they were given, unless `overlap_ms` is 0: then only the new one signs. Raises
    `TooManySecrets`.
    """
    overlap: Row = {"previous_secrets": None, "previous_secret_until": None}
    if overlap_ms:
        older = [(old, until) for old, until in _previous(row) if until > tx.now]
        if len(older) == MOST_PREVIOUS:
            first = to_iso(min(until for _, until in older))
            raise TooManySecrets(
                f"{MOST_PREVIOUS} old secrets sign still, the first of them until {first}: "
                "rotate then, or with overlapHours 0, which ends them all"
            )
        kept = [(row["secret_sealed"], tx.now + overlap_ms), *older]
        overlap = {
            "previous_secrets": json.dumps(kept),
            "previous_secret_until": max(until for _, until in kept),
        }
    return tx.update(webhooks, row, secret_sealed=sealed, **overlap)


def _previous(row: Row) -> list[tuple[str, int]]:
    """The old secrets of an endpoint, closed, and until when each signs; the newest first."""
    return [(old, until) for old, until in json.loads(row["previous_secrets"] or "[]")]


def enable(tx: Tx, row: Row) -> Row:
    """Switch an endpoint on; one that is on stays as it is."""
    if row["status"] == ACTIVE:
        return row
    return tx.update(webhooks, row, status=ACTIVE, failing_since=None, last_failed_at=None, disabled_at=None)


def delete_endpoint(tx: Tx, account_id: str, scope: str) -> None:
    """Raises `WebhookNotFound` when none is set."""
    _remove(tx, needed(tx, account_id, scope))


def forget_agent(tx: Tx, account_id: str, agent_id: str) -> None:
    row = get(tx, account_id, agent_id)
    if row is not None:
        _remove(tx, row)


def _remove(tx: Tx, row: Row) -> None:
    if row["events"] is not None:
        _listen(tx, row["account_id"], -1)
    tx.delete(webhooks, row["account_id"], row["scope"])
    record(tx, row["account_id"], "webhook.deleted", webhookId=row["id"], agentId=row["scope"] or None)


def forget_all(tx: Tx, account_id: str) -> None:
    """Remove every endpoint of an account; what was planned for them fails at its next turn."""
    tx.execute(_FORGET_ALL, [webhooks], account_id=account_id)
    head = _head(tx, account_id)
    tx.update(accounts, head, listening=0)


def _listen(tx: Tx, account_id: str, change: int) -> None:
    """Note at the head of the account how many endpoints ask for further events."""
    if change:
        head = _head(tx, account_id)
        tx.update(accounts, head, listening=head["listening"] + change)


def _head(tx: Tx, account_id: str) -> Row:
    head = tx.get(accounts, account_id)
    assert head is not None
    return head


def secrets_of(row: Row, sealer: Sealer, *, now: int) -> tuple[str, ...]:
    """The secret that an endpoint's deliveries are signed with and the old ones that hold still, the newest first."""
    held = [row["secret_sealed"], *[old for old, until in _previous(row) if until > now]]
    return tuple([sealer.open(each, context=row["id"]) for each in held])


def held_until(row: Row, *, now: int) -> int | None:
    """When the next of an endpoint's old secrets ends (ms); None where none holds."""
    return min((until for _, until in _previous(row) if until > now), default=None)


def events_of(row: Row) -> list[str]:
    """The further events that an endpoint asks for."""
    found: list[str] = json.loads(row["events"]) if row["events"] is not None else []
    return found


def is_listening(tx: Tx, account_id: str) -> bool:
    """Whether any endpoint asks for further events. The head is at hand in every unit that writes an event."""
    return bool(_head(tx, account_id)["listening"])


def endpoint_for(db: Reads, account_id: str, agent_id: str | None) -> Row | None:
    """The one endpoint that gets an event: the agent's if it has one, else the project's."""
    if agent_id is not None:
        own = get(db, account_id, agent_id)
        if own is not None:
            return own
    return get(db, account_id, PROJECT)


def plan(
    tx: Tx,
    event: Event,
    *,
    event_type: str,
    channel: str,
    agent_id: str | None,
    message_id: str | None,
    call_id: str | None = None,
    endpoint: Row | None = None,
    position: int | None = None,
) -> str | None:
    """Plan the delivery of an event; its id is the `X-Webhook-ID` of every attempt. None without an endpoint.

    Its endpoint follows from the agent unless it is given. An endpoint that is switched off gets nothing: the delivery
    has failed, and can be redelivered. `position` orders an ordered endpoint and is the event's sequence unless given;
    an event that is told again needs one that no other has.
    """
    if endpoint is None:
        endpoint = endpoint_for(tx, event.account_id, agent_id)
    if endpoint is None:
        return None
    off = endpoint["status"] == DISABLED
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
        call_id=call_id,
        status="failed" if off else "pending",
        error_message=SWITCHED_OFF if off else None,
        created_at=tx.now,
        next_retry_at=None if off else tx.now,
        request_id=tx.request_id,
    )
    head = _head(tx, event.account_id)
    tx.update(accounts, head, delivery_count=head["delivery_count"] + 1)
    count(tx, row, "total")
    if off:
        count(tx, row, "failed")
        tell_end(tx, row, "failed")
    else:
        enqueue(tx, endpoint, row, position=event.seq if position is None else position)
    delivery_id: str = row["id"]
    return delivery_id


def enqueue(tx: Tx, endpoint: Row, delivery: Row, *, position: int) -> None:
    """Let a delivery be attempted; for an ordered endpoint behind those that are open."""
    lane_id = outbox.lane_for_endpoint(endpoint["id"])
    chain, unsent = None, endpoint["unsent"]
    if endpoint["ordered"]:
        chain = lane_id
        tx.update(webhooks, endpoint, unsent=unsent + 1)
    outbox.enqueue(
        tx,
        account_id=delivery["account_id"],
        lane_id=lane_id,
        kind=KIND,
        subject_id=delivery["id"],
        position=position,
        chain=chain,
        behind=chain is not None and unsent > 0,
    )


def tell_end(tx: Tx, delivery: Row, became: str) -> None:
    """Write the event that a delivery was `delivered` or has `failed`, and count it at the account."""
    record(
        tx,
        delivery["account_id"],
        f"webhook.{became}",
        {f"deliveries_{became}": 1},
        about_agent=delivery["agent_id"],
        deliveryId=delivery["id"],
        messageId=delivery["message_id"],
        callId=delivery["call_id"],
    )


def count(tx: Tx, row: Row, what: str, change: int = 1) -> None:
    """Count in the hour in which the delivery was planned, whenever it ends."""
    hour = row["created_at"] - row["created_at"] % HOUR_MS
    event_type = row["event_type"]
    tx.adjust(
        delivery_hours, account_id=row["account_id"], hour=hour, event_type=event_type, **{what: change}
    )
