"""Turns of calls that were posted to an endpoint: deliveries that are over when they are noted, and never retried."""

from ringback.kit.wire import made_storable
from ringback.storage.schema import accounts, deliveries
from ringback.storage.tx import Row, Tx
from ringback.webhooks.attempts import KEPT_ANSWER_BYTES
from ringback.webhooks.service import count, tell_end

_LONGEST_ERROR = 500


def is_turn(delivery: Row) -> bool:
    """Whether a delivery was a turn of a call: told again it would be of no use, for its caller has gone on."""
    return delivery["call_id"] is not None and delivery["event_type"] == "agent.message"


def note(
    tx: Tx,
    call: Row,
    endpoint: Row | None,
    *,
    delivery_id: str,
    event_type: str,
    ok: bool,
    http_status: int | None,
    error: str | None,
    answer: str | None,
    elapsed_ms: int | None,
) -> Row:
    """Note a turn that was posted; `endpoint` is None where it was deleted meanwhile."""
    account_id = call["account_id"]
    head = tx.get(accounts, account_id)
    assert head is not None
    status = "delivered" if ok else "failed"
    row = tx.insert(
        deliveries,
        account_id=account_id,
        id=delivery_id,
        webhook_id=endpoint["id"] if endpoint else "",
        scope=endpoint["scope"] if endpoint else call["agent_id"] or "",
        agent_id=call["agent_id"],
        event_seq=head["event_seq"],
        event_type=event_type,
        channel="voice",
        call_id=call["id"],
        status=status,
        attempts=1,
        http_status=http_status,
        error_message=None if error is None else made_storable(error)[:_LONGEST_ERROR],
        response_body=None if answer is None else made_storable(answer)[:KEPT_ANSWER_BYTES],
        response_ms=elapsed_ms,
        created_at=tx.now,
        last_attempt_at=tx.now,
        delivered_at=tx.now if ok else None,
        request_id=tx.request_id,
    )
    tx.update(accounts, head, delivery_count=head["delivery_count"] + 1)
    count(tx, row, "total")
    count(tx, row, status)
    tell_end(tx, row, status)
    return row
