"""The rules of messages: what is stored, and that a status never goes back."""

import json
from collections.abc import Sequence

from ringback.carriers.protocol import DeliveryReceipt, InboundMessage
from ringback.kit.gsm import Segments, segment_for
from ringback.messages import refs
from ringback.messages.errors import MessageNotFound
from ringback.storage.schema import carrier_refs, messages
from ringback.storage.tx import Reads, Row, Tx

RANK = {"queued": 0, "unconfirmed": 1, "sent": 2, "delivered": 3, "failed": 3, "received": 3}
"""A status may only be followed by one of a higher rank. `unconfirmed` is settled by whatever is known later."""


def get(db: Reads, account_id: str, message_id: str) -> Row:
    """A message of this account. Raises `MessageNotFound`."""
    row = db.get(messages, account_id, message_id)
    if row is None:
        raise MessageNotFound(f"there is no message {message_id[:64]}")
    return row


def add_outbound(
    tx: Tx,
    number: Row,
    conversation_id: str,
    *,
    to: str,
    body: str,
    media_urls: Sequence[str],
    channel: str,
    segments: Segments,
    at: int,
    validity_ms: int,
    despite_opt_out: bool = False,
) -> Row:
    return tx.insert(
        messages,
        account_id=number["account_id"],
        id=tx.new_id("msg"),
        number_id=number["id"],
        conversation_id=conversation_id,
        at=at,
        direction="outbound",
        from_e164=number["e164"],
        to_e164=to,
        body=body,
        media_urls=json.dumps(list(media_urls)) if media_urls else "[]",
        channel=channel,
        status="queued",
        segments=segments.count,
        encoding=segments.encoding,
        carrier=number["carrier"],
        valid_until=tx.now + validity_ms,
        despite_opt_out=int(despite_opt_out),
        request_id=tx.request_id,
        agent_id=number["agent_id"],
    )


def add_inbound(tx: Tx, number: Row, conversation_id: str, text: InboundMessage, *, at: int) -> Row:
    segments = segment_for(text.channel, text.body)
    return tx.insert(
        messages,
        account_id=number["account_id"],
        id=tx.new_id("msg"),
        number_id=number["id"],
        conversation_id=conversation_id,
        at=at,
        direction="inbound",
        from_e164=text.from_,
        to_e164=number["e164"],
        body=text.body,
        media_urls=json.dumps(list(text.media_urls)),
        channel=text.channel,
        status="received",
        segments=segments.count,
        encoding=segments.encoding,
        carrier=text.carrier,
        carrier_ref=text.ref,
        request_id=tx.request_id,
        agent_id=number["agent_id"],
    )


def seen(tx: Tx, text: InboundMessage) -> bool:
    """Whether this carrier id was taken in before; marks it as taken in."""
    if tx.get(carrier_refs, text.carrier, "in", text.ref) is not None:
        return True
    tx.insert(carrier_refs, carrier=text.carrier, direction="in", ref=text.ref, created_at=tx.now)
    return False


def advance(
    tx: Tx, message: Row, status: str, *, code: str | None = None, reason: str | None = None
) -> Row | None:
    """Move a message on to `status`; None when that would be a step back or no step."""
    if RANK[status] <= RANK[message["status"]]:
        return None
    times = {"sent": "sent_at", "delivered": "delivered_at"}
    stamp = {times[status]: tx.now} if status in times else {}
    return tx.update(messages, message, status=status, error_code=code, failure_reason=reason, **stamp)


def is_final(message: Row) -> bool:
    """Whether nothing can follow its status."""
    return RANK[message["status"]] == max(RANK.values())


def reference_of(message: Row) -> str:
    """What a carrier is told as our name of a message: enough to find it again."""
    return f"{message['account_id']}/{message['id']}"


def key_of(reference: str) -> tuple[str, str]:
    """The account and the id of the message that `reference_of` named."""
    account_id, _, message_id = reference.partition("/")
    return account_id, message_id


def message_of_receipt(tx: Tx, told: DeliveryReceipt) -> Row | None:
    """The message that a receipt speaks of; None while its submit is under way, whose end then finds the receipt."""
    named = _named_in(tx, told)
    if named is None:
        found = refs.find(tx, told)
        if found is None:
            refs.park(tx, told)
        return found
    if named["status"] == "queued":
        refs.park(tx, told, over=True)
        tx.update(messages, named, carrier_ref=told.ref)
        return None
    if named["carrier_ref"] is None:
        refs.take(tx, named, told.ref)
    return named


def _named_in(tx: Tx, receipt: DeliveryReceipt) -> Row | None:
    if receipt.reference is None:
        return None
    message = tx.get(messages, *key_of(receipt.reference))
    if message is None or message["direction"] != "outbound" or message["carrier"] != receipt.carrier:
        return None
    return message


def parked_receipt(tx: Tx, message: Row) -> DeliveryReceipt | None:
    """The receipt of a text whose submit ended without an answer, if it came before that end and named the text."""
    return refs.take(tx, message, message["carrier_ref"]) if message["carrier_ref"] is not None else None


def media_of(message: Row) -> list[str]:
    """Its media's links, as stored: one that begins with `/` is the server's own (`kit.links.absolute`)."""
    urls: list[str] = json.loads(message["media_urls"])
    return urls
