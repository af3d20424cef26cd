"""Settling orders that nobody works on any more: at start, and now and then."""

import structlog

from ringback.carriers.protocol import Carrier, CarrierError
from ringback.flows.buy_number import claim_of, complete
from ringback.flows.release_number import give_back
from ringback.numbers import service as numbers
from ringback.numbers import store as number_store
from ringback.storage import idempotency
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx

_log = structlog.get_logger("ringback.orders")


async def reconcile_orders(store: Store, carrier: Carrier, *, real_now: int) -> int:
    """Settle every open order whose lease ended before `real_now`; answers how many are settled.

    A purchase is settled by what the carrier says of our order: bought (the number is ours) or not (it failed).
    """
    settled = 0
    for order in await store.read(lambda db: number_store.open_orders(db, real_now=real_now)):
        try:
            done = await _settle(store, carrier, order)
        except CarrierError as error:
            _log.warning("an order waits for the carrier", order=order["id"], reason=error.message)
            continue
        except Exception:
            # One order that can't be settled must not keep the server from its start.
            _log.exception("an order could not be settled", order=order["id"])
            continue
        settled += done
    return settled


async def _settle(store: Store, carrier: Carrier, order: Row) -> bool:
    if order["kind"] == "release":
        return await give_back(store, carrier, order)
    bought = await carrier.order_of(order["id"])
    account_id = order["account_id"]
    if bought is None:
        await store.write(lambda tx: _fail(tx, order), account=account_id)
    else:
        await store.write(lambda tx: complete(tx, carrier, order), account=account_id)
    return True


def _fail(tx: Tx, order: Row) -> None:
    numbers.fail_order(tx, order["account_id"], order["id"], "the carrier knows of no such order")
    claim = claim_of(order)
    if claim is not None:
        idempotency.drop(tx, claim)
