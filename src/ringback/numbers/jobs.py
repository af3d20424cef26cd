"""What falls due for numbers: their own expiry, and orders that nobody works on any more."""

import structlog

from ringback.carriers.protocol import Carrier
from ringback.flows.reconcile_orders import reconcile_orders
from ringback.flows.release_number import release_number
from ringback.kit.clock import Clock, real_ms
from ringback.numbers import store as numbers
from ringback.numbers.errors import NumberNotFound, NumberReleased
from ringback.storage.store import Store

_log = structlog.get_logger("ringback.numbers")


class NumberKeeper:
    """Releases expired numbers and settles orders."""

    def __init__(self, store: Store, carrier: Carrier, clock: Clock) -> None:
        self._store = store
        self._carrier = carrier
        self._clock = clock
        self.busy = False

    async def next_due(self) -> int | None:
        """When (clock) the next number expires."""
        return await self._store.read(numbers.next_expiry)

    async def release_expired(self) -> None:
        """Release every number whose `expiresAt` has come."""
        self.busy = True
        try:
            now = self._clock.now_ms()
            for row in await self._store.read(lambda db: numbers.expired(db, now=now)):
                try:
                    await release_number(
                        self._store, self._carrier, row["account_id"], row["id"], reason="expired"
                    )
                except (NumberNotFound, NumberReleased):
                    continue
                _log.info("a number expired", number_id=row["id"])
        finally:
            self.busy = False

    async def settle_orders(self) -> None:
        """Settle orders whose request is dead."""
        await reconcile_orders(self._store, self._carrier, real_now=real_ms())

    async def recover(self) -> None:
        """Settle every open order. Only for a store that this process owns, at its start."""
        await reconcile_orders(self._store, self._carrier, real_now=1 << 62)
