"""Dispatch: hands queued texts to the carrier, in order within a conversation, never the same one twice."""

import asyncio
import secrets
import time
from collections.abc import Callable
from functools import partial

import structlog

from ringback.carriers.protocol import Carrier, NoAnswer, OutboundText, Refused, Throttled, Unreachable
from ringback.flows import settle_text
from ringback.flows.send_text import KIND
from ringback.kit import trace
from ringback.kit.clock import Clock, real_ms
from ringback.kit.faults import Unavailable
from ringback.live.inprocess import InProcess
from ringback.messages import service as messages
from ringback.storage import outbox
from ringback.storage.outbox import Claimed
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx

_log = structlog.get_logger("ringback.dispatch")
WINDOW = 64
"""Texts that may be under way at the carrier at once."""
CAP = 16
"""Texts of one number that may be under way at once."""
LEASE_MS = 60_000
THROTTLED_MS = 1_000
UNREACHABLE_MS = 2_000


class Dispatcher:
    """Claims due texts and submits them until stopped; then finishes what is under way."""

    def __init__(
        self, store: Store, carrier: Carrier, clock: Clock, live: InProcess, *, answer_timeout_s: float
    ) -> None:
        self._store = store
        self._carrier = carrier
        self._clock = clock
        self._live = live
        self._answer_timeout_s = answer_timeout_s
        self._token = secrets.token_hex(8)
        self._under_way: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._leases_at = 0.0

    @property
    def busy(self) -> bool:
        return bool(self._under_way)

    async def recover(self) -> None:
        """Settle what a dead process left claimed. Only for a store that this process owns."""
        await self._settle_leases(real_now=1 << 62)

    async def run(self) -> None:
        """Work until cancelled."""
        waiter = self._live.subscribe(KIND)
        try:
            while True:
                try:
                    if not await self._claim():
                        await waiter.wait(await self._pause_s())
                    await self._look_at_leases()
                except Unavailable as fault:
                    _log.warning("texts could not be claimed; trying again", reason=fault.message)
                    await asyncio.sleep(1)
                except Exception:
                    _log.exception("texts could not be claimed; trying again")
                    await asyncio.sleep(1)
        finally:
            waiter.close()

    async def drain(self) -> None:
        """Take nothing new and wait for what is under way."""
        self._stopping = True
        if self._under_way:
            await asyncio.wait(set(self._under_way))

    async def _claim(self) -> int:
        room = WINDOW - len(self._under_way)
        if self._stopping:
            return 0
        if room <= 0:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            return 1
        lease = real_ms() + LEASE_MS
        work = await self._store.write(lambda tx: _claim(tx, room, self._token, lease))
        for item, message in work:
            task = asyncio.create_task(self._submit(item, message))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(work)

    async def _pause_s(self) -> float:
        due = await self._store.read(lambda db: outbox.next_due(db, KIND, cap=CAP))
        if due is None:
            return self._store.poll_s
        return min(self._store.poll_s, max(0.0, (due - self._clock.now_ms()) / 1000))

    async def _submit(self, work: Claimed, message: Row) -> None:
        trace.request_id.set(work.request_id)
        validity_ms = message["valid_until"] - self._clock.now_ms()
        if validity_ms <= 0:
            await self._settle(
                work,
                lambda tx: settle_text.refused(
                    tx, work, code="30001", reason="its validity passed in the queue"
                ),
            )
            return
        text = OutboundText(
            reference=message["id"],
            from_=message["from_e164"],
            to=message["to_e164"],
            body=message["body"],
            media_urls=tuple(messages.media_of(message)),
            channel=message["channel"],
            validity_ms=validity_ms,
        )
        try:
            async with asyncio.timeout(self._answer_timeout_s):
                ref = await self._carrier.submit(text)
        except Refused as error:
            reason, code = error.message, error.code
            await self._settle(work, lambda tx: settle_text.refused(tx, work, code=code, reason=reason))
        except Throttled:
            await self._settle(work, lambda tx: _put_back(tx, work, THROTTLED_MS))
        except Unreachable as error:
            _log.warning("the carrier can't be reached; trying again", reason=error.message)
            await self._settle(work, lambda tx: _put_back(tx, work, UNREACHABLE_MS))
        except (NoAnswer, TimeoutError):
            _log.warning("the carrier gave no answer", message_id=work.subject_id)
            await self._settle(work, lambda tx: settle_text.unanswered(tx, work))
        except Exception:
            _log.exception("a submit failed in an unforeseen way", message_id=work.subject_id)
            await self._settle(work, lambda tx: settle_text.unanswered(tx, work))
        else:
            await self._settle(work, lambda tx: settle_text.accepted(tx, work, ref))
            _log.debug("a text was handed over", message_id=work.subject_id, carrier_ref=ref)

    async def _settle(self, work: Claimed, unit: Callable[[Tx], None]) -> None:
        try:
            await self._store.write(unit, account=work.account_id, needs=settle_text.needs(work))
        except Exception:
            # The row stays claimed; when its lease is over the message is told `unconfirmed`.
            _log.exception("what became of a submit could not be stored", message_id=work.subject_id)

    async def _look_at_leases(self) -> None:
        """Settle leases that are over, now and then: also while there is always something to claim."""
        if time.monotonic() >= self._leases_at:
            self._leases_at = time.monotonic() + self._store.poll_s
            await self._settle_leases(real_now=real_ms())

    async def _settle_leases(self, *, real_now: int) -> None:
        for work in await self._store.read(lambda db: outbox.leases_over(db, KIND, real_now=real_now)):
            end = partial(_put_back, wait_ms=0) if self._carrier.takes_our_id else settle_text.unanswered
            await self._settle(work, partial(end, work=work))


def _claim(tx: Tx, room: int, token: str, lease_until: int) -> list[tuple[Claimed, Row]]:
    work = outbox.claim(tx, KIND, most=room, cap=CAP, token=token, lease_until=lease_until)
    return [(item, messages.get(tx, item.account_id, item.subject_id)) for item in work]


def _put_back(tx: Tx, work: Claimed, wait_ms: int) -> None:
    outbox.put_back(tx, work, due_at=tx.now + wait_ms, counted=False)
