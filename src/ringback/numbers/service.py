"""The rules of numbers."""

import json
from typing import Any

from ringback.kit import phone
from ringback.kit.faults import Invalid
from ringback.numbers import store
from ringback.numbers.errors import NumberLimitReached, NumberNotFound, NumberReleased
from ringback.storage.schema import number_orders, number_owners, numbers
from ringback.storage.tx import Reads, Row, Tx

ORDER_LEASE_MS = 60_000
"""Real time that a request may take to settle its order before it counts as dead."""


def get(db: Reads, account_id: str, number_id: str) -> Row:
    """A number of this account, active or released. Raises `NumberNotFound`."""
    row = db.get(numbers, account_id, number_id)
    if row is None:
        raise NumberNotFound(f"there is no number {number_id[:64]}")
    return row


def get_active(db: Reads, account_id: str, number_id: str) -> Row:
    """A number that can still be used. Raises `NumberNotFound`, `NumberReleased`."""
    row = get(db, account_id, number_id)
    if row["status"] != "active":
        raise NumberReleased(f"{row['e164']} was released, which can't be undone")
    return row


def held_by(db: Reads, e164: str) -> Row | None:
    """The number row of whoever holds `e164` now."""
    owner = db.get(number_owners, e164)
    if owner is None:
        return None
    return db.get(numbers, owner["account_id"], owner["number_id"])


def next_message_at(tx: Tx, number: Row) -> int:
    """The timestamp of the number's next message: the clock's, moved on by one where it would tie."""
    at: int = max(tx.now, number["last_message_at"] + 1)
    tx.update(numbers, number, last_message_at=at)
    return at


def check_area_code(country: str, area_code: str | None) -> None:
    """Raises `Invalid` where an area code is given for a country that has none here, or a country without numbers."""
    if not phone.is_known_region(country):
        raise Invalid(f"there are no numbers of {country}; use an ISO 3166 code such as US", field="country")
    if area_code is not None and country not in ("US", "CA"):
        raise Invalid(
            "area codes can be chosen in US and CA only; leave it out for other countries", field="areaCode"
        )


def open_purchase(
    tx: Tx,
    account_id: str,
    *,
    carrier: str,
    country: str,
    e164: str,
    limit: int,
    real_now: int,
    request: dict[str, Any],
) -> Row:
    """Write the order for one number before the carrier is asked. Raises `NumberLimitReached`."""
    if store.count(tx, account_id) + store.open_purchases(tx, account_id) >= limit:
        raise NumberLimitReached(
            f"this account may hold {limit} numbers; release one, or raise the server's RINGBACK_NUMBER_LIMIT"
        )
    return tx.insert(
        number_orders,
        account_id=account_id,
        id=tx.new_id("ord"),
        kind="buy",
        e164=e164,
        number_id=tx.new_id("num"),
        carrier=carrier,
        request=json.dumps({**request, "country": country}),
        created_at=tx.now,
        lease_until=real_now + ORDER_LEASE_MS,
    )


def fail_order(tx: Tx, account_id: str, order_id: str, error: str) -> None:
    """The carrier did not take the order."""
    row = tx.get(number_orders, account_id, order_id)
    if row is not None and row["state"] == "open":
        tx.update(number_orders, row, state="failed", error=error)


def complete_purchase(tx: Tx, account_id: str, order_id: str) -> Row | None:
    """The carrier sold the number: it is ours. None when the order was already settled."""
    order = tx.get(number_orders, account_id, order_id)
    if order is None or order["state"] != "open":
        return None
    tx.update(number_orders, order, state="done")
    request = json.loads(order["request"])
    row = tx.insert(
        numbers,
        account_id=account_id,
        id=order["number_id"],
        e164=order["e164"],
        country=request["country"],
        area_code=phone.nanp_area_code(order["e164"]),
        carrier=order["carrier"],
        order_id=order_id,
        external_id=request.get("external_id"),
        expires_at=request.get("expires_at"),
        created_at=tx.now,
    )
    owner = tx.get(number_owners, order["e164"])
    if owner is None:
        tx.insert(number_owners, e164=order["e164"], account_id=account_id, number_id=row["id"])
    else:
        tx.update(number_owners, owner, account_id=account_id, number_id=row["id"])
    return row


def release(
    tx: Tx, account_id: str, number_id: str, *, real_now: int, at_carrier: bool = True
) -> tuple[Row, Row]:
    """Give a number up for ever; answers the number and the order that the carrier has yet to carry out.

    `at_carrier` False: the carrier took it back by itself and is told nothing.
    """
    number = get_active(tx, account_id, number_id)
    released = tx.update(
        numbers,
        number,
        status="released",
        released_at=tx.now,
        agent_id=None,
        attached_at=None,
        expires_at=None,
    )
    owner = tx.get(number_owners, number["e164"])
    if owner is not None and owner["number_id"] == number_id:
        tx.delete(number_owners, number["e164"])
    order = tx.insert(
        number_orders,
        account_id=account_id,
        id=tx.new_id("ord"),
        kind="release",
        state="open" if at_carrier else "done",
        e164=number["e164"],
        number_id=number_id,
        carrier=number["carrier"],
        request="{}",
        created_at=tx.now,
        lease_until=real_now + ORDER_LEASE_MS,
    )
    return released, order


def close_order(tx: Tx, account_id: str, order_id: str) -> None:
    """The carrier carried the order out."""
    row = tx.get(number_orders, account_id, order_id)
    if row is not None and row["state"] == "open":
        tx.update(number_orders, row, state="done")


def asked_of(order: Row) -> dict[str, Any]:
    """What a purchase order was asked with."""
    asked: dict[str, Any] = json.loads(order["request"])
    return asked
