"""Buying a number: an order first, the carrier outside any transaction, then the number.

A crash in between leaves an open order, which `reconcile_orders` settles with the carrier: no number is ever paid for
unseen.
"""

from dataclasses import dataclass
from typing import Any

from ringback.accounts import subs
from ringback.agents import service as agents
from ringback.agents.errors import AgentNotFound
from ringback.carriers.protocol import Carrier, NoAnswer, Offer, Refused, Throttled, Unreachable
from ringback.compliance import service as compliance
from ringback.events.log import record
from ringback.flows.attach_number import attach
from ringback.kit import phone
from ringback.kit.clock import real_ms
from ringback.kit.faults import Invalid
from ringback.numbers import service as numbers
from ringback.numbers import store as number_store
from ringback.numbers.errors import (
    CarrierFailed,
    NoNumberAvailable,
    NumberLimitReached,
    NumberTaken,
    PurchaseUnconfirmed,
)
from ringback.numbers.schemas import PhoneNumberResponse
from ringback.storage import idempotency
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx

_OFFERS, _SEARCHES = 5, 20


@dataclass(frozen=True, slots=True)
class BuyNumber:
    """What is asked for. `e164` means this very number; otherwise `area_code` is best effort."""

    account_id: str
    country: str
    area_code: str | None = None
    e164: str | None = None
    agent_id: str | None = None
    external_id: str | None = None
    expires_at: int | None = None
    claim: idempotency.Claim | None = None


async def buy_number(store: Store, carrier: Carrier, asked: BuyNumber, *, limit: int) -> Row:
    """Search, order, buy and store a number; answers its row.

    Raises what the checks raise (nothing is ordered), `NoNumberAvailable`, `NumberTaken`, `CarrierFailed` (nothing was
    bought) or `PurchaseUnconfirmed` (it may have been: the order stays open and is settled later).
    """
    if asked.e164 is None:
        numbers.check_area_code(asked.country, asked.area_code)
    await store.read(lambda db: _check(db, asked, limit))
    for _ in range(_SEARCHES):
        offers = await _offers(carrier, asked)
        for offer in offers:
            number = await _buy(store, carrier, asked, offer, limit)
            if number is not None:
                return number
        # Others were quicker; what they bought is offered no more.
        if asked.e164 is not None or not offers:
            break
    if asked.e164 is not None:
        raise NumberTaken(f"{asked.e164} can't be bought: it is held or gone", field="ringback.phoneNumber")
    raise NoNumberAvailable(f"the carrier has no number of {asked.country} left")


async def _buy(store: Store, carrier: Carrier, asked: BuyNumber, offer: Offer, limit: int) -> Row | None:
    """Order one offer and buy it; None when it is gone."""
    order = await store.write(
        lambda tx: _order(tx, carrier.name, asked, offer, limit), account=asked.account_id
    )
    if not await _bought(store, carrier, order):
        return None
    number = await store.write(lambda tx: complete(tx, carrier, order), account=asked.account_id)
    if number is None:
        raise PurchaseUnconfirmed("the order was settled elsewhere; list your numbers to see it")
    return number


def _check(db: Any, asked: BuyNumber, limit: int) -> None:
    if asked.agent_id is not None:
        agents.get(db, asked.account_id, asked.agent_id)
    if number_store.count(db, asked.account_id) >= limit:
        raise NumberLimitReached(
            f"this account may hold {limit} numbers; release one, or raise RINGBACK_NUMBER_LIMIT"
        )


async def _offers(carrier: Carrier, asked: BuyNumber) -> list[Offer]:
    try:
        if asked.e164 is not None:
            return list(await carrier.search(asked.country, e164=asked.e164))
        found: list[Offer] = []
        if asked.area_code is not None:
            found += await carrier.search(asked.country, area_code=asked.area_code, limit=_OFFERS)
        if len(found) < _OFFERS:
            found += await carrier.search(asked.country, limit=_OFFERS)
        return found
    except (Unreachable, NoAnswer, Throttled, Refused) as error:
        raise CarrierFailed(f"the carrier can't be asked for numbers: {error.message}") from None


def _order(tx: Tx, carrier: str, asked: BuyNumber, offer: Offer, limit: int) -> Row:
    subs.check_living(tx, asked.account_id)
    if asked.agent_id is not None:
        agents.get(tx, asked.account_id, asked.agent_id)
    request: dict[str, Any] = {
        "agent_id": asked.agent_id,
        "external_id": asked.external_id,
        "expires_at": asked.expires_at,
    }
    if asked.claim is not None:
        request["claim"] = [asked.claim.operation, asked.claim.key, asked.claim.fingerprint]
    order = numbers.open_purchase(
        tx,
        asked.account_id,
        carrier=carrier,
        country=offer.country,
        e164=offer.e164,
        limit=limit,
        real_now=real_ms(),
        request=request,
    )
    if asked.claim is not None:
        idempotency.hold(tx, asked.claim, order["id"])
    return order


async def _bought(store: Store, carrier: Carrier, order: Row) -> bool:
    """Whether the carrier sold it; False when it is gone."""
    try:
        await carrier.buy(order["e164"], order["id"])
    except Refused as error:
        await _fail(store, order, error.message)
        return False
    except (Unreachable, Throttled) as error:
        await _fail(store, order, error.message)
        raise CarrierFailed(f"the carrier can't be reached: {error.message}; nothing was bought") from None
    except NoAnswer:
        raise PurchaseUnconfirmed(
            f"the carrier did not say whether {order['e164']} was bought; it appears in your numbers if it was"
        ) from None
    return True


async def _fail(store: Store, order: Row, reason: str) -> None:
    def unit(tx: Tx) -> None:
        numbers.fail_order(tx, order["account_id"], order["id"], reason)
        claim = claim_of(order)
        if claim is not None:
            idempotency.hold(tx, claim, None)

    await store.write(unit, account=order["account_id"])


def complete(tx: Tx, carrier: Carrier, order: Row) -> Row | None:
    """The carrier has sold the number of an open order: store it, and the answer for whoever repeats the request.

    It is attached as asked, if its agent is still there. None when the order was already settled.
    """
    number = numbers.complete_purchase(tx, order["account_id"], order["id"])
    if number is None:
        return None
    compliance.keep_opt_outs(tx, number)
    record(tx, number["account_id"], "number.bought", numberId=number["id"], phoneNumber=number["e164"])
    number = _attached(tx, number, numbers.asked_of(order).get("agent_id"))
    claim = claim_of(order)
    if claim is not None:
        outbound_sms = carrier.outbound_sms(number["e164"], number["country"])
        body = PhoneNumberResponse.of(number, outbound_sms).model_dump_json(by_alias=True)
        idempotency.keep(tx, claim, idempotency.Answer(200, body.encode()))
    return number


def _attached(tx: Tx, number: Row, agent_id: str | None) -> Row:
    if agent_id is None:
        return number
    try:
        return attach(tx, number["account_id"], agent_id, number["id"])
    except AgentNotFound:
        return number


def claim_of(order: Row) -> idempotency.Claim | None:
    """The Idempotency-Key that a purchase was asked with."""
    found = numbers.asked_of(order).get("claim")
    return None if found is None else idempotency.Claim(order["account_id"], *found)


def typed_number(text: str) -> str:
    """The very number asked for, as E.164. Raises `Invalid`."""
    try:
        return phone.normalise(text)
    except phone.InvalidNumber as error:
        raise Invalid(str(error), field="ringback.phoneNumber") from None
