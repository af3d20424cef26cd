"""What became of a text: the carrier's answer to the submit, and the receipt, in whichever order they come."""

from collections.abc import Sequence

from ringback.carriers.codes import Side, meaning_of
from ringback.carriers.protocol import DeliveryReceipt
from ringback.conversations import service as conversations
from ringback.events.log import record
from ringback.events.steps import Kind, note, steps_of
from ringback.flows.pace_texts import Paces
from ringback.flows.tell_status import tell_status
from ringback.kit.chance import chance
from ringback.messages import refs
from ringback.messages import service as messages
from ringback.messages.errors import MessageNotUnconfirmed
from ringback.numbers import service as numbers
from ringback.storage import outbox, schema
from ringback.storage.outbox import Claimed
from ringback.storage.store import Need
from ringback.storage.tx import Reads, Row, Tx

FIRST_RETRY_MS = 5_000
LONGEST_RETRY_MS = 1_800_000
JITTER = 0.2
"""A wait is moved by up to this share of it, either way."""
EXPIRED = "30001"
EXPIRED_WHY = "its validity passed in the queue"
_SILENT = "the carrier gave no answer; it may have taken the text"
_LEFT = "the server stopped while it handed the text over; the carrier may have taken it"


def retry_wait_ms(message_id: str, attempts: int) -> int:
    """How long to wait after the `attempts`-th refusal: from 5 s doubling to half an hour, moved by a fifth at most."""
    wait = min(FIRST_RETRY_MS * 2 ** min(attempts - 1, 20), LONGEST_RETRY_MS)
    return int(wait * (1 + JITTER * (2 * chance(0, "retry", message_id, attempts) - 1)))


def needs(work: Claimed) -> list[Need]:
    """The rows that settling reads, as far as they are known before."""
    found: list[Need] = [
        (schema.messages, (work.account_id, work.subject_id)),
        (schema.outbox, (work.account_id, work.id)),
    ]
    if work.chain is not None:
        found.append((schema.conversations, (work.account_id, work.chain)))
    if work.pace_id is not None:
        found.append((schema.pace_queues, (work.account_id, work.pace_id)))
    return found


def needs_of_answer(work: Claimed, carrier: str, ref: str) -> list[Need]:
    """As `needs`, where the carrier took the text."""
    return [*needs(work), *refs.needs_of_answer(carrier, ref)]


def accepted(tx: Tx, work: Claimed, ref: str) -> None:
    """The carrier took the text and calls it `ref`. True also when the lease is over: what it said is so."""
    message = messages.get(tx, work.account_id, work.subject_id)
    early = refs.take(tx, message, ref)
    _move(tx, message, "sent")
    if early is not None:
        apply_receipt(tx, messages.get(tx, work.account_id, work.subject_id), early)
    _done(tx, work, message)


def put_off(
    tx: Tx, work: Claimed, kind: Kind, *, wait_ms: int, code: str | None = None, detail: str | None = None
) -> None:
    """Nothing was taken and nothing is counted; the text keeps its place. `kind` is `throttled` or `unreachable`."""
    if outbox.put_back(tx, work, due_at=tx.now + wait_ms, counted=False):
        _note(tx, work, kind, code=code, side="carrier", detail=detail, once=True)


def begin_again(tx: Tx, work: Claimed) -> None:
    """Whoever handed the text over is dead. It goes again under its name, by which the carrier knows it if it has it."""
    if outbox.put_back(tx, work, due_at=tx.now, counted=False):
        account_id, message_id = work.account_id, work.subject_id
        note(
            tx,
            account_id,
            message_id,
            "begun-again",
            attempt=work.attempt,
            side="ringback",
            detail=_LEFT,
            once=True,
        )


def refused(tx: Tx, work: Claimed, *, code: str | None, reason: str) -> None:
    """The carrier refused: tried again where the code says that it may help, while it is valid.

    So it doesn't have the text, not from before a crash either: it would have known its name.
    """
    message = messages.get(tx, work.account_id, work.subject_id)
    meaning = meaning_of(code)
    due = tx.now + retry_wait_ms(message["id"], work.attempt)
    if meaning.retryable and due < message["valid_until"]:
        if outbox.put_back(tx, work, due_at=due):
            _note(tx, work, "retry", code=code, side=meaning.side, detail=reason)
        return
    if meaning.retryable:
        reason = f"{reason}; tried {work.attempt} times until its validity passed"
    _fail(tx, work, message, "refused", code=code, side=meaning.side, reason=reason)


def barred(tx: Tx, work: Claimed, *, code: str, reason: str) -> None:
    """The gate here refused: the number is gone, or the recipient opted out."""
    message = messages.get(tx, work.account_id, work.subject_id)
    _end_here(tx, work, message, "refused", code=code, side=meaning_of(code).side, reason=reason)


def expired(tx: Tx, work: Claimed, told: Paces, *, carrier_away: bool) -> None:
    """The text's validity passed before any carrier took it: for want of the carrier, of its pace, or of this server."""
    message = messages.get(tx, work.account_id, work.subject_id)
    number = numbers.get(tx, work.account_id, message["number_id"])
    side: Side = "ringback"
    if carrier_away or steps_of(tx, work.account_id, work.subject_id):
        side = "carrier"
    elif told.of_number(number) is not None:
        side = "you"
    _end_here(tx, work, message, "expired", code=EXPIRED, side=side, reason=EXPIRED_WHY)


def _end_here(tx: Tx, work: Claimed, message: Row, kind: Kind, *, code: str, side: Side, reason: str) -> None:
    if _may_be_there(tx, work):
        # What ends it here ended nothing at the carrier, which may have had it from the one who died.
        unanswered(tx, work, reason=_LEFT, side="ringback")
    else:
        _fail(tx, work, message, kind, code=code, side=side, reason=reason)


def _may_be_there(db: Reads, work: Claimed) -> bool:
    """Whether somebody died while handing the text over, and the carrier has not said since that it doesn't have it."""
    last = {"begun-again": 0, "retry": 0}
    for step in steps_of(db, work.account_id, work.subject_id):
        if step["kind"] in last:
            last[step["kind"]] = max(last[step["kind"]], step["attempt"])
    return last["begun-again"] > last["retry"]


def _fail(
    tx: Tx, work: Claimed, message: Row, kind: Kind, *, code: str | None, side: Side, reason: str
) -> None:
    if _move(tx, message, "failed", code=code, reason=reason):
        _note(tx, work, kind, code=code, side=side, detail=reason)
    _done(tx, work, message)


def unanswered(tx: Tx, work: Claimed, *, reason: str = _SILENT, side: Side = "carrier") -> None:
    """The carrier may have taken it: it is never sent again, and only a receipt or a person settles it."""
    message = messages.get(tx, work.account_id, work.subject_id)
    if outbox.held(tx, work) is None:
        return
    if _move(tx, message, "unconfirmed", reason=reason):
        _note(tx, work, "no-answer", side=side, detail=reason)
    early = messages.parked_receipt(tx, messages.get(tx, work.account_id, work.subject_id))
    if early is not None:
        apply_receipt(tx, messages.get(tx, work.account_id, work.subject_id), early)
    _done(tx, work, message)


def settle(tx: Tx, account_id: str, message_id: str, status: str, remark: str | None) -> None:
    """A person says what became of an `unconfirmed` text. Raises `MessageNotFound`, `MessageNotUnconfirmed`."""
    message = messages.get(tx, account_id, message_id)
    if message["status"] != "unconfirmed":
        raise MessageNotUnconfirmed(
            f"the message is {message['status']}; only an unconfirmed one can be settled"
        )
    told = remark or f"settled by hand as {status}"
    _move(tx, message, status, reason=told if status == "failed" else None)
    note(tx, account_id, message_id, "settled", code=status, side="you", detail=told)


def _note(
    tx: Tx,
    work: Claimed,
    kind: Kind,
    *,
    code: str | None = None,
    side: Side,
    detail: str | None,
    once: bool = False,
) -> None:
    note(
        tx,
        work.account_id,
        work.subject_id,
        kind,
        attempt=work.attempt,
        code=code,
        side=side,
        detail=detail,
        once=once,
    )


def _done(tx: Tx, work: Claimed, message: Row) -> None:
    conversation_id = message["conversation_id"]
    conversation = conversations.get(tx, work.account_id, conversation_id)
    if outbox.finish(tx, work, more_in_chain=conversation["unsent"] > 1):
        conversations.one_sent(tx, work.account_id, conversation_id)


def owner_of(db: Reads, receipt: DeliveryReceipt) -> Row | None:
    """Whose message a receipt speaks of (a row with `account_id`), as far as it is known."""
    if receipt.reference is not None:
        return {"account_id": messages.key_of(receipt.reference)[0]}
    return refs.find(db, receipt)


def needs_of_receipt(told: DeliveryReceipt) -> Sequence[Need]:
    """The rows that a receipt reads, as far as they are known before."""
    if told.reference is not None:
        return [(schema.messages, messages.key_of(told.reference))]
    return [(schema.carrier_refs, (told.carrier, "out", told.ref))]


def receipt(tx: Tx, told: DeliveryReceipt) -> Row | None:
    """The carrier tells what became of a text. Early, late and repeated ones are all right.

    Answers the message where it is known.
    """
    message = messages.message_of_receipt(tx, told)
    if message is not None:
        apply_receipt(tx, message, told)
    return message


def apply_receipt(tx: Tx, message: Row, told: DeliveryReceipt) -> None:
    account_id, message_id = message["account_id"], message["id"]
    if _move(tx, message, told.status, code=told.code, reason=told.reason):
        if told.status == "failed":
            side = meaning_of(told.code).side
            note(tx, account_id, message_id, "failed", code=told.code, side=side, detail=told.reason)
    elif messages.is_final(message) and message["status"] != told.status:
        detail = f"a receipt says {told.status}; the message stays {message['status']}"
        note(
            tx,
            account_id,
            message_id,
            "contradicted",
            code=told.code,
            side="carrier",
            detail=detail,
            once=True,
        )


def _move(tx: Tx, message: Row, status: str, *, code: str | None = None, reason: str | None = None) -> bool:
    """Whether the message went on to `status`."""
    if messages.advance(tx, message, status, code=code, reason=reason) is None:
        return False
    event = record(
        tx,
        message["account_id"],
        f"message.{status}",
        messageId=message["id"],
        conversationId=message["conversation_id"],
        about_agent=message["agent_id"],
        numberId=message["number_id"],
        errorCode=code,
    )
    tell_status(tx, message, event)
    return True
