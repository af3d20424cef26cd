"""Dispatch: hands queued texts to the carrier, in order within a conversation, never the same one twice."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from ringback.carriers.circuit import Circuit, Slowdown, Ticket
from ringback.carriers.protocol import (
    MEDIA_S,
    Carrier,
    CarrierError,
    NoAnswer,
    OutboundText,
    Refused,
    SenderThrottled,
    Throttled,
    Unreachable,
)
from ringback.flows import dispatch_text, settle_text
from ringback.flows.dispatch_text import Job
from ringback.flows.expire_texts import expire_text
from ringback.flows.media_room import MediaRoom
from ringback.flows.pace_texts import Paces
from ringback.flows.send_text import KIND
from ringback.kit import database_faults, measures, trace
from ringback.kit.clock import Clock
from ringback.kit.machine import monotonic
from ringback.kit.pace import LATE_NS
from ringback.messages import service as messages
from ringback.storage import expiry, facts, outbox, repacing
from ringback.storage.outbox import Claimed
from ringback.storage.store import Need, Store
from ringback.storage.tx import Row, Tx
from ringback.storage.worker import LaneWorker, WakeUps

_log = structlog.get_logger("ringback.dispatch")
WINDOW = 64
"""Texts that may be under way at the carrier at once, beside those with media (`MediaRoom`)."""
UNREACHABLE_MS = 2_000
SENDER_THROTTLED_MS = 1_000
_EXPIRED_AT_ONCE = 64
_OUTCOMES: dict[type[CarrierError], str] = {
    Refused: "refused",
    Throttled: "throttled",
    SenderThrottled: "throttled",
    Unreachable: "unreachable",
}


@dataclass(frozen=True, slots=True)
class Begun:
    """A claimed text; `has_room` is False where it has media and came too soon."""

    job: Job
    ticket: Ticket
    has_room: bool


class Dispatcher(LaneWorker[Begun]):
    """Claims due texts and submits them to one carrier until drained."""

    kind = KIND
    cap = 16
    batch = 64
    lease_ms = 60_000

    def __init__(
        self, store: Store, carrier: Carrier, clock: Clock, live: WakeUps, *, answer_timeout_s: float
    ) -> None:
        super().__init__(store, clock, live, in_flight=WINDOW)
        self.carrier_name = carrier.name
        self._carrier = carrier
        self._paces = Paces.of(carrier)
        self._paced_as: str | None = None
        self._looked_at_paces = False
        self._answer_timeout_s = answer_timeout_s
        self.circuit = Circuit(carrier.name, clock)
        self._slowdown = Slowdown()
        self._media = MediaRoom()
        self._ours: set[str] = set()

    def room(self) -> int:
        return super().room() + self._media.taken

    async def begin(self, *, most: int, token: str, lease_until: int) -> Sequence[Begun]:
        await self._heed_paces()
        if self._clock.now_ms() < self._slowdown.until_ms:
            return []
        ticket = self.circuit.enter(most)
        if ticket is None:
            return []
        jobs: Sequence[Job] = ()
        ended = self._media.ended
        try:
            jobs, waiting = await self._store.write(
                partial(
                    dispatch_text.begin,
                    carrier=self.carrier_name,
                    told=self._paces,
                    room=self._media,
                    most=ticket.most,
                    cap=self.cap,
                    token=token,
                    lease_until=lease_until,
                    late_ns=max(LATE_NS, self._clock.stride_ms * 1_000_000),
                )
            )
        finally:
            if not jobs:
                self.circuit.leave(ticket)
        begun = [Begun(job, ticket, job.media is None or self._media.enter(job.media)) for job in jobs]
        late = [one.job.media for one in begun if one.job.media is not None and not one.has_room]
        for sender in (*waiting, *late):
            self._media.wait(sender)
        for _ in range(self._media.ended - ended):
            await self._look_again()  # at what was told to wait for those that ended meanwhile
        return begun

    async def _heed_paces(self) -> None:
        """When the carrier's paces have changed, also since the last start, what waits for the old ones is looked at."""
        now_as, name = self._carrier.paced_as, self.carrier_name
        if self._looked_at_paces and now_as == self._paced_as:
            return
        noted = await self._store.read(lambda db: facts.paced_as(db, name))
        # One that another process has noted may have come after a claim of ours.
        if self._looked_at_paces or now_as != noted:
            after: str | None = ""
            while after is not None:
                after = await self._store.write(
                    partial(repacing.bring_forward, kind=self.kind, carrier=name, after=after)
                )
            await self._store.write(lambda tx: repacing.release_held(tx, self.kind, name, now_as))
        self._paced_as, self._looked_at_paces = now_as, True

    async def next_due(self) -> int | None:
        if self._carrier.paced_as != self._paced_as:
            return self._clock.now_ms()
        return await super().next_due()

    async def _next_due(self, cap: int) -> int | None:
        due = await super()._next_due(cap)
        return None if due is None else max(due, self._slowdown.until_ms, self.circuit.due_ms())

    def clock_moved(self) -> None:
        self.circuit.probe_now()
        super().clock_moved()

    async def _pause_s(self) -> float:
        wait = self.circuit.wait_s()
        return await super()._pause_s() if wait is None else max(0.0, min(wait, self._store.poll_s))

    async def work_on(self, begun: Begun) -> None:
        row_id = begun.job.work.id
        self._ours.add(row_id)
        try:
            await self._work_on(begun)
        finally:
            self._ours.discard(row_id)

    async def _work_on(self, begun: Begun) -> None:
        text, ticket = begun.job, begun.ticket
        probes = self.circuit.is_open
        if not begun.has_room:
            self.circuit.leave(ticket)
            await self._settle(text.work, partial(_leave_queued, work=text.work))
        elif text.media is not None:
            try:
                await self._submit(text.work, text.message, ticket)
            finally:
                self._media.leave(text.media)
                await self._look_again()
        elif text.refusal is None:
            await self._submit(text.work, text.message, ticket)
        else:
            self.circuit.leave(ticket)
            code, reason = text.refusal
            await self._settle(
                text.work, lambda tx: settle_text.barred(tx, text.work, code=code, reason=reason)
            )
        if probes:
            self._live.wake(self.kind)

    async def _look_again(self) -> None:
        """At the lane that waits longest for room that there is now."""
        waiting = self._media.next()
        if waiting is None:
            return
        look_again = partial(
            outbox.look_again,
            kind=self.kind,
            carrier=self.carrier_name,
            account_id=waiting.account_id,
            lane_id=waiting.lane_id,
        )
        try:
            await self._store.write(look_again)
        except Exception:
            _log.exception(
                "a lane that waits could not be woken; it is looked at later", lane=waiting.lane_id
            )

    async def let_go(self, work: Claimed) -> None:
        if work.id in self._ours:
            # It waits for an answer or for the store; nobody is dead of a lease that is over, nor of a calendar set forward.
            return
        unit = settle_text.begin_again if self._carrier.takes_our_id else settle_text.unanswered
        await self._settle(work, partial(unit, work=work), once=True)

    async def _submit(self, work: Claimed, message: Row, ticket: Ticket) -> None:
        trace.request_id.set(work.request_id)
        validity_ms = message["valid_until"] - self._clock.now_ms()
        if validity_ms <= 0:
            away = self.circuit.is_open
            self.circuit.leave(ticket)
            await self._settle(work, lambda tx: settle_text.expired(tx, work, self._paces, carrier_away=away))
            return
        text = OutboundText(
            reference=messages.reference_of(message),
            from_=message["from_e164"],
            to=message["to_e164"],
            body=message["body"],
            media_urls=tuple(messages.media_of(message)),
            channel=message["channel"],
            validity_ms=validity_ms,
        )
        try:
            with trace.span(
                f"submit {self._carrier.name}", "client", work.request_id, ringback__message_id=message["id"]
            ):
                ref = await self._hand_over(text)
        except CarrierError as error:
            await self._settle(work, self._meaning(error, work, ticket))
        except TimeoutError:
            await self._settle(work, self._meaning(NoAnswer("it took too long"), work, ticket))
        except Exception:
            _log.exception("a submit failed in an unforeseen way", message_id=work.subject_id)
            await self._settle(work, self._meaning(NoAnswer("it failed"), work, ticket))
        else:
            self.circuit.answered(ticket)
            self._slowdown.taken()
            needs = settle_text.needs_of_answer(work, self._carrier.name, ref)
            await self._settle(work, lambda tx: settle_text.accepted(tx, work, ref), needs)
            measures.TEXT_WAITS.add((self._clock.now_ms() - message["at"]) / 1000, self._carrier.name)
            _log.info("a text was handed over", message_id=work.subject_id, carrier_ref=ref)

    async def _hand_over(self, text: OutboundText) -> str:
        begun, outcome = monotonic(), "no-answer"
        try:
            async with asyncio.timeout(self._answer_timeout_s + (MEDIA_S if text.media_urls else 0)):
                ref = await self._carrier.submit(text)
            outcome = "taken"
            return ref
        except CarrierError as error:
            outcome = _OUTCOMES.get(type(error), outcome)
            raise
        finally:
            measures.SUBMITS.add(monotonic() - begun, self._carrier.name, outcome)

    def _meaning(self, error: CarrierError, work: Claimed, ticket: Ticket) -> Callable[[Tx], None]:
        """What is to be stored of a submit that brought no ref; the circuit and the pace learn of it."""
        code, reason, message_id = error.code, error.message, work.subject_id
        if isinstance(error, Refused):
            self.circuit.answered(ticket)
            return lambda tx: settle_text.refused(tx, work, code=code, reason=reason)
        if isinstance(error, SenderThrottled):
            self.circuit.answered(ticket)
            return lambda tx: settle_text.put_off(
                tx, work, "throttled", wait_ms=SENDER_THROTTLED_MS, code=code, detail=reason
            )
        if isinstance(error, Throttled):
            self.circuit.answered(ticket)
            self._slowdown.throttled(self._clock.now_ms(), message_id)
            return lambda tx: settle_text.put_off(tx, work, "throttled", wait_ms=0, code=code, detail=reason)
        if isinstance(error, Unreachable):
            self.circuit.unreachable(ticket, message_id, reason)
            _log.info("the carrier can't be reached; trying again", message_id=message_id, reason=reason)
            return lambda tx: settle_text.put_off(
                tx, work, "unreachable", wait_ms=UNREACHABLE_MS, detail=reason
            )
        self.circuit.unanswered(ticket, message_id)
        _log.warning("the carrier gave no answer", message_id=message_id, reason=reason)
        return lambda tx: settle_text.unanswered(tx, work)

    async def _settle(
        self,
        work: Claimed,
        unit: Callable[[Tx], None],
        needs: Sequence[Need] | None = None,
        *,
        once: bool = False,
    ) -> None:
        needs = needs or settle_text.needs(work)
        try:
            if once:
                await self._store.write(unit, account=work.account_id, needs=needs)
            else:
                await self.keep(unit, work, needs)
        except Exception as error:
            # The row stays claimed until its lease is over, and is let go then.
            _log.error(
                "what became of a submit could not be stored",
                message_id=work.subject_id,
                **database_faults.for_log(error),
            )


def _leave_queued(tx: Tx, work: Claimed) -> None:
    """It was claimed too soon, and nobody was asked anything."""
    outbox.put_back(tx, work, due_at=tx.now, counted=False)


class TextKeeper:
    """Fails texts that nobody has begun when their validity has passed."""

    def __init__(self, store: Store, clock: Clock, carrier: Carrier, circuit: Circuit) -> None:
        self._store = store
        self._clock = clock
        self._paces = Paces.of(carrier)
        self._circuit = circuit
        self.busy = False

    async def next_due(self) -> int | None:
        """When (clock) the next validity passes."""
        return await self._store.read(lambda db: expiry.next_expiry(db, KIND))

    async def fail_expired(self) -> None:
        """Fail all whose validity has passed by now."""
        self.busy = True
        try:
            now = self._clock.now_ms()
            while rows := await self._store.read(
                lambda db: expiry.expired(db, KIND, now=now, most=_EXPIRED_AT_ONCE)
            ):
                if not any(await asyncio.gather(*[self._fail(row) for row in rows])):
                    return
        finally:
            self.busy = False

    async def _fail(self, row: Row) -> bool:
        failed = await self._store.write(
            partial(expire_text, row=row, told=self._paces, carrier_away=self._circuit.is_open),
            account=row["account_id"],
        )
        if failed:
            _log.warning("the validity of a queued text passed", outbox_id=row["id"])
        return failed
