"""What a carrier tells us, taken in in its order; acknowledged only after the commit that holds it."""

import asyncio

import structlog

from ringback.carriers.protocol import Carrier, CarrierEvent, DeliveryReceipt, InboundMessage
from ringback.flows import receive_text, settle_text
from ringback.flows.release_number import release
from ringback.flows.send_text import Line
from ringback.kit import trace
from ringback.kit.ids import IdMaker
from ringback.numbers import service as numbers
from ringback.storage import schema
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx

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
                async for batch in self._carrier.events():
                    # Submitted in order without waiting in between: the store keeps that order and commits them together.
                    taken = await asyncio.gather(
                        *[self._take(event) for event in batch.events], return_exceptions=True
                    )
                    done = [token for token, error in zip(batch.tokens, taken, strict=True) if error is None]
                    for error in taken:
                        if error is not None:
                            _log.error("a carrier event could not be stored", exc_info=error)
                    if done:
                        await self._carrier.acknowledge(done)
                    if len(done) < len(taken):
                        await asyncio.sleep(_PAUSE_S)
                return  # asking a stopped carrier again would never give the loop away
            except Exception:
                _log.exception("the carrier's events stopped; trying again")
                await asyncio.sleep(_PAUSE_S)

    async def _take(self, event: CarrierEvent) -> None:
        trace.request_id.set(self._ids.new("req"))
        if isinstance(event, InboundMessage):
            await self._receive(event)
        elif isinstance(event, DeliveryReceipt):
            await self._settle(event)
        else:
            await self._reclaim(event.e164)

    async def _receive(self, text: InboundMessage) -> None:
        if not self._store.shared:
            _tell(await self._store.write(lambda tx: self._receive_by_owner(tx, text)))
            return
        while True:
            owner = await self._store.read(lambda db: receive_text.owner_of(db, text))
            if owner is None:
                return
            account_id = owner["account_id"]
            try:
                message = await self._store.write(
                    lambda tx: receive_text.receive_text(tx, self._line, account_id, text),  # noqa: B023
                    account=account_id,
                    needs=receive_text.needs(self._line, owner, text),
                )
            except receive_text.Moved:
                continue
            _tell(message)
            return

    def _receive_by_owner(self, tx: Tx, text: InboundMessage) -> Row | None:
        owner = receive_text.owner_of(tx, text)
        if owner is None:
            return None
        return receive_text.receive_text(tx, self._line, owner["account_id"], text)

    async def _settle(self, receipt: DeliveryReceipt) -> None:
        account_id = None
        if self._store.shared:
            account_id = await self._store.read(lambda db: settle_text.owner_of(db, receipt))
        await self._store.write(
            lambda tx: settle_text.receipt(tx, receipt),
            account=account_id,
            needs=[(schema.carrier_refs, (receipt.carrier, "out", receipt.ref))],
        )


    async def _reclaim(self, e164: str) -> None:
        owner = await self._store.read(lambda db: db.get(schema.number_owners, e164))
        if owner is None:
            return
        account_id = owner["account_id"]
        await self._store.write(lambda tx: _give_up(tx, account_id, e164), account=account_id)
        _log.warning("the carrier took a number back", phone_number=e164)


def _tell(message: Row | None) -> None:
    if message is not None:
        _log.info("a text was received", message_id=message["id"], number_id=message["number_id"])


def _give_up(tx: Tx, account_id: str, e164: str) -> None:
    number = numbers.held_by(tx, e164)
    if number is not None and number["account_id"] == account_id:
        release(tx, account_id, number["id"], at_carrier=False)
