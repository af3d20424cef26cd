"""What became of a text: the carrier's answer to the submit, and the receipt, in whichever order they come."""

from collections.abc import Sequence

from ringback.carriers.protocol import DeliveryReceipt
from ringback.conversations import service as conversations
from ringback.events.log import record
from ringback.flows.tell_status import tell_status
from ringback.messages import service as messages
from ringback.storage import outbox, schema
from ringback.storage.outbox import Claimed
from ringback.storage.store import Need
from ringback.storage.tx import Reads, Row, Tx


def needs(work: Claimed) -> Sequence[Need]:
    """The rows that settling reads, as far as they are known before."""
    found: list[Need] = [
        (schema.messages, (work.account_id, work.subject_id)),
        (schema.outbox, (work.account_id, work.id)),
    ]
    if work.chain is not None:
        found.append((schema.conversations, (work.account_id, work.chain)))
    return found


def accepted(tx: Tx, work: Claimed, ref: str) -> None:
    """The carrier took the text and calls it `ref`. True also when the lease is over: what it said is so."""
    message = messages.get(tx, work.account_id, work.subject_id)
    early = messages.note_ref(tx, message, ref)
    _move(tx, message, "sent")
    if early is not None:
        apply_receipt(tx, messages.get(tx, work.account_id, work.subject_id), early)
    _done(tx, work, message)


def refused(tx: Tx, work: Claimed, *, code: str | None, reason: str) -> None:
    """The carrier refused for good, or the text's validity has passed."""
    message = messages.get(tx, work.account_id, work.subject_id)
    _move(tx, message, "failed", code=code, reason=reason)
    _done(tx, work, message)


def unanswered(tx: Tx, work: Claimed) -> None:
    """The carrier may have taken it: it is never sent again, and only a receipt settles it."""
    message = messages.get(tx, work.account_id, work.subject_id)
    if outbox.held(tx, work) is None:
        return
    _move(tx, message, "unconfirmed", reason="the carrier gave no answer; it may have taken the text")
    early = messages.parked_receipt(tx, messages.get(tx, work.account_id, work.subject_id))
    if early is not None:
        apply_receipt(tx, messages.get(tx, work.account_id, work.subject_id), early)
    _done(tx, work, message)


def _done(tx: Tx, work: Claimed, message: Row) -> None:
    conversation_id = message["conversation_id"]
    conversation = conversations.get(tx, work.account_id, conversation_id)
    if outbox.finish(tx, work, more_in_chain=conversation["unsent"] > 1):
        conversations.one_sent(tx, work.account_id, conversation_id)


def owner_of(db: Reads, receipt: DeliveryReceipt) -> Row | None:
    """Whose message a receipt speaks of (`account_id`, which may be None), as far as it is known."""
    if receipt.reference is not None:
        return {"account_id": messages.key_of(receipt.reference)[0]}
    return db.get(schema.carrier_refs, receipt.carrier, "out", receipt.ref)


def needs_of_receipt(told: DeliveryReceipt) -> Sequence[Need]:
    """The rows that a receipt reads, as far as they are known before."""
    found: list[Need] = [(schema.carrier_refs, (told.carrier, "out", told.ref))]
    if told.reference is not None:
        found.append((schema.messages, messages.key_of(told.reference)))
    return found


def receipt(tx: Tx, told: DeliveryReceipt) -> None:
    """The carrier tells what became of a text. Early, late and repeated ones are all right."""
    message = messages.message_of_receipt(tx, told)
    if message is not None:
        apply_receipt(tx, message, told)


def apply_receipt(tx: Tx, message: Row, told: DeliveryReceipt) -> None:
    _move(tx, message, told.status, code=told.code, reason=told.reason)


def _move(tx: Tx, message: Row, status: str, *, code: str | None = None, reason: str | None = None) -> None:
    if messages.advance(tx, message, status, code=code, reason=reason) is not None:
        event = record(
            tx,
            message["account_id"],
            f"message.{status}",
            messageId=message["id"],
            conversationId=message["conversation_id"],
            numberId=message["number_id"],
            errorCode=code,
        )
        tell_status(tx, message, event)
