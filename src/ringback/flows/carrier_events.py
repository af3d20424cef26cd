"""What a carrier tells us, taken in in its order; acknowledged only after the commit that holds it."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

import structlog

from ringback.carriers.protocol import Carrier, CarrierEvent, DeliveryReceipt, EventBatch, InboundMessage
from ringback.flows import receive_text, settle_text
from ringback.flows.release_number import release
from ringback.flows.send_text import Line
from ringback.kit import database_faults, measures, trace
from ringback.kit.ids import IdMaker
from ringback.numbers import service as numbers
from ringback.storage import schema
from ringback.storage.store import Store
from ringback.storage.tx import Reads, Row, Tx

_log = structlog.get_logger("ringback.carrier")
_PAUSE_S = 1.0


class CarrierEvents:
    """The pump between a carrier's event stream and the flows."""

    def __init__(self, store: Store, carrier: Carrier, line: Line, ids: IdMaker) -> None:
        self._store = store
        self._carrier = carrier
        self._line = line
        self._ids = ids

    async def run(self) -> None:
        """Take events in until the carrier is stopped. What could not be stored is not acknowledged and comes again."""
        while True:
            try:
                async with aclosing(self._carrier.events()) as batches:
                    async for batch in batches:
                        if not await self._take_all(batch):
                            break  # a carrier that is asked anew tells first what was not acknowledged
                    else:
                        return  # asking a stopped carrier again would never give the loop away
            except Exception as error:
                _log.error("the carrier's events stopped; trying again", **database_faults.for_log(error))
            await asyncio.sleep(_PAUSE_S)

    async def _take_all(self, batch: EventBatch) -> bool:
        """Store a batch and acknowledge what was stored; whether that was all of it."""
        # Submitted in order without waiting in between: the store keeps that order and commits them together.
        owners = await self._owners(batch.events)
        taken = await asyncio.gather(
            *[self._take(*pair) for pair in zip(batch.events, owners, strict=True)],
            return_exceptions=True,
        )
        done = [token for token, error in zip(batch.tokens, taken, strict=True) if error is None]
        refused = [error for error in taken if error is not None]
        if refused:
            _log.error(
                "carrier events could not be stored; they come again",
                events=len(refused),
                **database_faults.for_log(refused[0]),
            )
        if done:
            await self._carrier.acknowledge(done)
        return not refused

    async def _owners(self, events: Sequence[CarrierEvent]) -> list[Row | None]:
        """Whom each event concerns, asked for together where the database is shared; alone we look inside the unit."""
        if not self._store.shared:
            return [None] * len(events)
        return await self._store.read(lambda db: [_owner_of(db, event) for event in events])

    async def _take(self, event: CarrierEvent, owner: Row | None) -> None:
        trace.request_id.set(self._ids.new("req"))
        if isinstance(event, InboundMessage):
            with trace.span("receive text", "consumer", trace.request_id.get(), root=True):
                await self._receive(event, owner)
            kind = "received"
        elif isinstance(event, DeliveryReceipt):
            await self._settle(event, owner)
            kind = event.status
        else:
            await self._reclaim(event.e164, owner)
            kind = "reclaimed"
        measures.CARRIER_EVENTS.add(event.carrier, kind)

    async def _receive(self, text: InboundMessage, owner: Row | None) -> None:
        if not self._store.shared:
            _tell(await self._store.write(lambda tx: self._receive_by_owner(tx, text)))
            return
        while owner is not None:
            account_id = owner["account_id"]
            try:
                message = await self._store.write(
                    partial(receive_text.receive_text, line=self._line, account_id=account_id, text=text),
                    account=account_id,
                    needs=receive_text.needs(self._line, owner, text),
                )
            except receive_text.Moved:
                owner = await self._store.read(lambda db: receive_text.owner_of(db, text))
                continue
            _tell(message)
            return

    def _receive_by_owner(self, tx: Tx, text: InboundMessage) -> Row | None:
        owner = receive_text.owner_of(tx, text)
        if owner is None:
            return None
        return receive_text.receive_text(tx, self._line, owner["account_id"], text)

    async def _settle(self, receipt: DeliveryReceipt, owner: Row | None) -> None:
        message = await self._store.write(
            lambda tx: settle_text.receipt(tx, receipt),
            account=owner["account_id"] if owner is not None else None,
            needs=settle_text.needs_of_receipt(receipt),
        )
        if message is not None:
            with trace.span(
                f"receipt {receipt.status}",
                "consumer",
                message["request_id"],
                ringback__message_id=message["id"],
            ):
                pass

    async def _reclaim(self, e164: str, owner: Row | None) -> None:
        account_id = owner["account_id"] if owner is not None else None
        # It travels in batches as texts do, so that it stays behind those that came before it.
        if await self._store.write(lambda tx: _give_up(tx, e164), account=account_id, needs=[]):
            _log.warning("the carrier took a number back", phone_number=e164)


def _owner_of(db: Reads, event: CarrierEvent) -> Row | None:
    if isinstance(event, InboundMessage):
        return receive_text.owner_of(db, event)
    if isinstance(event, DeliveryReceipt):
        return settle_text.owner_of(db, event)
    return db.get(schema.number_owners, event.e164)


def _tell(message: Row | None) -> None:
    if message is not None:
        _log.info("a text was received", message_id=message["id"], number_id=message["number_id"])


def _give_up(tx: Tx, e164: str) -> bool:
    number = numbers.held_by(tx, e164)
    if number is not None:
        release(tx, number["account_id"], number["id"], reason="reclaimed")
    return number is not None
