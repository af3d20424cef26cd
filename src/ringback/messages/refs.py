"""Where a submit's answer and its receipt meet: by the carrier's id, in whichever order and form the two come.

Both sides write the row of the id as it was spelled, and where the id is a number a row of each number that it may mean:
so neither an early receipt nor one in another form is lost, in one process or in two.
"""

import json
from collections.abc import Iterator

from ringback.carriers.protocol import DeliveryReceipt, ReceiptStatus
from ringback.carriers.refs import canonical, is_same_phone, numbers_in, trimmed
from ringback.storage.schema import carrier_refs, messages
from ringback.storage.store import Need
from ringback.storage.tx import Reads, Row, Tx

OUT, RECEIPT, NUMBER = "out", "receipt", "number"
_SEP = " to "
_NO_RECEIPT: dict[str, None] = dict.fromkeys(("status", "code", "reason", "recipient"))


def needs_of_answer(carrier: str, ref: str) -> list[Need]:
    """The rows that `take` reads."""
    ref = trimmed(ref)
    keys = [(OUT, ref), *[(NUMBER, number) for number in numbers_in(ref)]]
    return [(carrier_refs, (carrier, *key)) for key in keys]


def find(db: Reads, told: DeliveryReceipt) -> Row | None:
    """The message whose submit was answered with the receipt's id, as spelled or else in another form; None if none was.

    Of several that it may be none is taken.
    """
    row = db.get(carrier_refs, told.carrier, OUT, told.ref)
    if row is not None and (message := _owner(db, row, told.to)) is not None:
        return message
    for rows in _other_forms(db, told.carrier, told.ref):
        found = {owner["id"]: owner for row in rows if (owner := _owner(db, row, told.to)) is not None}
        if found:
            return found.popitem()[1] if len(found) == 1 else None
    return None


def take(tx: Tx, message: Row, ref: str) -> DeliveryReceipt | None:
    """The message is called `ref` by its carrier; the receipt, if that came first."""
    ref = trimmed(ref)
    carrier, before = message["carrier"], message["carrier_ref"]
    owner = {"account_id": message["account_id"], "message_id": message["id"]}
    tx.update(messages, message, carrier_ref=ref)
    row = tx.get(carrier_refs, carrier, OUT, ref)
    early = None
    if row is None:
        tx.insert(carrier_refs, carrier=carrier, direction=OUT, ref=ref, created_at=tx.now, **owner)
        _list(tx, carrier, OUT, ref)
    elif _is_owned_by(row, message) or _is_early_for(row, message):
        early = _receipt_of(row)
        tx.update(carrier_refs, row, **owner)
    else:
        others = _receipt_of(row) if row["message_id"] is None else None
        if others is not None:
            _put_aside(tx, others)
        tx.update(carrier_refs, row, **owner, **_NO_RECEIPT)
    if early is None:
        early = _early_elsewhere(tx, message, ref, before, owner)
    return early


def park(tx: Tx, told: DeliveryReceipt, *, over: bool = False) -> None:
    """Keep a receipt until the submit that it speaks of has ended. The first of several stays.

    `over`: it is known whose it is, so that nobody else's text keeps the place.
    """
    row = tx.get(carrier_refs, told.carrier, OUT, told.ref)
    if row is None:
        tx.insert(
            carrier_refs, carrier=told.carrier, direction=OUT, ref=told.ref, created_at=tx.now, **_words(told)
        )
        _list(tx, told.carrier, OUT, told.ref)
    elif over:
        tx.update(carrier_refs, row, account_id=None, message_id=None, **_words(told))
    elif row["message_id"] is not None or not is_same_phone(row["recipient"], told.to):
        _put_aside(tx, told)


def _put_aside(tx: Tx, told: DeliveryReceipt) -> None:
    """Keep a receipt whose place is taken by somebody else's text or receipt, where it may be of another form's."""
    place = _SEP.join((told.ref, told.to or ""))
    if not numbers_in(told.ref) or tx.get(carrier_refs, told.carrier, RECEIPT, place) is not None:
        return
    tx.insert(
        carrier_refs, carrier=told.carrier, direction=RECEIPT, ref=place, created_at=tx.now, **_words(told)
    )
    _list(tx, told.carrier, RECEIPT, place)


def _words(told: DeliveryReceipt) -> dict[str, str | None]:
    return {"status": told.status, "code": told.code, "reason": told.reason, "recipient": told.to}


def _receipt_of(row: Row) -> DeliveryReceipt | None:
    status: ReceiptStatus | None = row["status"]
    if status is None:
        return None
    return DeliveryReceipt(
        row["carrier"], _id_in(row["ref"]), status, row["code"], row["reason"], to=row["recipient"]
    )


def _owner(db: Reads, row: Row, to: str | None) -> Row | None:
    """The message of a row, if it has one and that went to `to`."""
    if row["message_id"] is None:
        return None
    message = db.get(messages, row["account_id"], row["message_id"])
    return message if message is not None and is_same_phone(message["to_e164"], to) else None


def _is_owned_by(row: Row, message: Row) -> bool:
    return (row["account_id"], row["message_id"]) == (message["account_id"], message["id"])


def _is_early_for(row: Row, message: Row) -> bool:
    """Whether it holds a receipt without a message, which may be this one's."""
    if row["message_id"] is not None or row["status"] is None:
        return False
    return is_same_phone(message["to_e164"], row["recipient"])


def _early_elsewhere(
    tx: Tx, message: Row, ref: str, before: str | None, owner: dict[str, str]
) -> DeliveryReceipt | None:
    """The receipt that came first under another form of the id, or named the message under another id altogether."""
    carrier = message["carrier"]
    if before is not None and before != ref:
        row = tx.get(carrier_refs, carrier, OUT, before)
        if row is not None and _is_early_for(row, message):
            tx.update(carrier_refs, row, **owner)
            return _receipt_of(row)
    for rows in _other_forms(tx, carrier, ref):
        found = [row for row in rows if _is_early_for(row, message)]
        if not found:
            continue
        if len({canonical(_id_in(row["ref"])) for row in found}) > 1:
            return None  # two ids that this one may be: better none than somebody else's
        for row in found:
            tx.update(carrier_refs, row, **owner)
        return _receipt_of(min(found, key=lambda row: (row["created_at"], row["ref"])))
    return None


def _id_in(place: str) -> str:
    """The id of a row's `ref`, which tells the recipient too where a receipt was put aside."""
    return place.partition(_SEP)[0]


def _list(tx: Tx, carrier: str, direction: str, ref: str) -> None:
    """Note a row under each number that its id may mean."""
    for number in numbers_in(_id_in(ref)):
        row = tx.get(carrier_refs, carrier, NUMBER, number)
        forms = [] if row is None else json.loads(row["forms"])
        if [direction, ref] in forms:
            continue
        text = json.dumps([*forms, [direction, ref]])
        if row is None:
            tx.insert(
                carrier_refs, carrier=carrier, direction=NUMBER, ref=number, forms=text, created_at=tx.now
            )
        else:
            tx.update(carrier_refs, row, forms=text)


def _other_forms(db: Reads, carrier: str, ref: str) -> Iterator[list[Row]]:
    """Rows of the same id in other spellings: first those that differ in case and zeros, then those in the other base."""
    same: dict[tuple[str, str], None] = {}
    other: dict[tuple[str, str], None] = {}
    for number in numbers_in(ref):
        row = db.get(carrier_refs, carrier, NUMBER, number)
        for direction, form in json.loads(row["forms"]) if row is not None else ():
            if (direction, form) != (OUT, ref):
                (same if canonical(_id_in(form)) == canonical(ref) else other)[direction, form] = None
    for keys in (same, other):
        rows = [db.get(carrier_refs, carrier, *key) for key in keys]
        yield [row for row in rows if row is not None]
