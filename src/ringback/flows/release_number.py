"""Releasing a number: ours no more at once, then given back to the carrier; what is asked of it survives a crash."""

from typing import Literal

from ringback.carriers.protocol import Carrier, CarrierError
from ringback.events.log import record
from ringback.flows.attach_number import settle_default
from ringback.kit.clock import real_ms
from ringback.numbers import service as numbers
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx

Reason = Literal["asked", "expired", "reclaimed"]


async def release_number(
    store: Store, carrier: Carrier, account_id: str, number_id: str, *, reason: Reason = "asked"
) -> Row:
    """Release for ever; answers the number's row. Raises `NumberNotFound`, `NumberReleased`."""
    number, order = await store.write(
        lambda tx: release(tx, account_id, number_id, reason=reason), account=account_id
    )
    await give_back(store, carrier, order)
    return number


def release(tx: Tx, account_id: str, number_id: str, *, reason: Reason = "asked") -> tuple[Row, Row]:
    """The unit: detached, released, and the order to the carrier written, unless it has `reclaimed` the number."""
    agent_id = numbers.get_active(tx, account_id, number_id)["agent_id"]
    number, order = numbers.release(
        tx, account_id, number_id, real_now=real_ms(), at_carrier=reason != "reclaimed"
    )
    if agent_id is not None:
        settle_default(tx, account_id, agent_id)
    record(
        tx,
        account_id,
        "number.released",
        about_agent=agent_id,
        numberId=number_id,
        phoneNumber=number["e164"],
        reason=reason,
    )
    return number, order


async def give_back(store: Store, carrier: Carrier, order: Row) -> bool:
    """Carry a release order out at the carrier. False when it can't be reached now: the order stays open."""
    try:
        await carrier.release(order["e164"])
    except CarrierError:
        return False
    await store.write(
        lambda tx: numbers.close_order(tx, order["account_id"], order["id"]), account=order["account_id"]
    )
    return True
