"""The network as one object: its handsets, its line and faults, and the side that a carrier's client sees."""

import asyncio
import contextlib
import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from ringback.kit.clock import Clock
from ringback.kit.ids import IdMaker
from ringback.kit.sqlite import Connection, GroupCommit
from ringback.sim import carrier_events, events, faults, handsets, inbound, inventory, outbound, texts, timers
from ringback.sim import settings as line
from ringback.sim.addresses import any_spelling
from ringback.sim.carrier_events import CarrierEvent
from ringback.sim.errors import BadInput, HandsetOffline
from ringback.sim.events import LogEntry
from ringback.sim.faults import Fault
from ringback.sim.handsets import Handset
from ringback.sim.inventory import Sale, Wish
from ringback.sim.outbound import Submission
from ringback.sim.pace import Pace
from ringback.sim.schema import open_store
from ringback.sim.settings import Settings
from ringback.sim.signal import Signal, wait
from ringback.sim.texts import Cursor, Text
from ringback.sim.unit import Handsets, Unit

T = TypeVar("T")
OutboundSms = Literal["enabled", "activating", "registration_required"]
_POLL_S = 1.0
"""How long a standing clock is trusted to stand when nobody says that it moved."""
_OVERTAKING_S = 1.0
"""How long a submit's answer is held back, at most, for a receipt to overtake it."""


class Network:
    """The far side. All work goes through one thread that commits it in groups; nothing here calls the server."""

    def __init__(self, path: Path, clock: Clock, *, handsets: Handsets = "auto") -> None:
        self.clock = clock
        self._handsets: Handsets = handsets
        self._ids = IdMaker(clock)
        self._store = GroupCommit(lambda: open_store(path), name="network")
        self._settings = Settings()
        self._pace = Pace()
        self._next_due: int | None = None
        self._submits = 0
        self._carrier, self._log, self._timers, self._acknowledged = Signal(), Signal(), Signal(), Signal()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        """Open the store and begin to fire timers. What was not acknowledged before will be handed out again."""
        await asyncio.to_thread(self._store.start)
        self._settings = await self._run(lambda unit: line.load(unit.conn))
        self._next_due = await self.next_due()
        self._spawn(self._keep_time())

    async def stop(self) -> None:
        """End every wait, finish what was taken, close the store."""
        self._stopping = True
        for signal in (self._carrier, self._log, self._timers, self._acknowledged):
            signal.ring()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._store.close)

    # Handsets

    async def create_handset(
        self,
        *,
        phone_number: str | None = None,
        name: str | None = None,
        country: str | None = None,
        area_code: str | None = None,
        personality: str = "answers",
        call_personality: str = "answers",
        capabilities: Sequence[str] = handsets.CAPABILITIES,
    ) -> Handset:
        """A new phone. `BadInput` for a wrong value, `NumberTaken` for a number that somebody has."""
        region, e164 = handsets.where(phone_number, country)
        make = functools.partial(
            handsets.create,
            e164=e164,
            name=name,
            country=region,
            area_code=area_code,
            personality=personality,
            call_personality=call_personality,
            capabilities=tuple(capabilities),
        )
        return await self._run(make)

    async def list_handsets(self, limit: int = 20, offset: int = 0) -> tuple[list[Handset], int]:
        """Phones, newest first, and how many there are."""
        return await self._run(lambda unit: handsets.list_all(unit, limit, offset))

    async def get_handset(self, handset_id: str) -> Handset:
        """One phone; `HandsetNotFound`."""
        return await self._run(lambda unit: handsets.find(unit, handset_id))

    async def change_handset(self, handset_id: str, changes: dict[str, Any]) -> Handset:
        """Change `name, personality, call_personality, capabilities, online`; back online it gets its texts."""

        def change(unit: Unit) -> Handset:
            handset, is_back = handsets.change(unit, handset_id, changes)
            if is_back:
                outbound.deliver_stored(unit, handset)
            return handset

        return await self._run(change)

    async def delete_handset(self, handset_id: str) -> None:
        """Throw a phone away; `HandsetNotFound`."""
        await self._run(lambda unit: handsets.delete(unit, handset_id))

    async def send_text(
        self,
        handset_id: str,
        to: str,
        body: str = "",
        media_urls: Sequence[str] = (),
        channel: str | None = None,
    ) -> Text:
        """A handset texts `to`, in any spelling that a person of its country may type."""
        draft = inbound.draft(body, tuple(media_urls), channel)

        def send(unit: Unit) -> Text:
            handset = handsets.find(unit, handset_id)
            e164 = any_spelling("to", to, handset.country)
            if not handset.online:
                raise HandsetOffline("The handset is offline and can't send")
            if draft.channel not in handset.capabilities:
                raise BadInput("channel", f"the handset can't send {draft.channel}")
            return inbound.send(unit, handset, e164, draft.body, draft.media_urls, draft.channel)

        return await self._run(send)

    async def list_texts(
        self,
        handset_id: str,
        *,
        limit: int = 50,
        before: Cursor | None = None,
        after: Cursor | None = None,
        wait_s: float = 0,
    ) -> tuple[list[Text], bool]:
        """A page of a handset's texts, newest first; an empty one waits up to `wait_s` for a text to come."""
        deadline = time.monotonic() + wait_s
        while True:
            rung = self._log.next()
            found, more = await self._run(
                lambda unit: texts.page(unit, handset_id, limit=limit, before=before, after=after)
            )
            left_s = deadline - time.monotonic()
            if found or left_s <= 0 or self._stopping:
                return found, more
            await wait(rung, left_s)

    # The event log

    async def last_event(self, handset_id: str | None = None) -> int:
        """The number of the newest event, where a stream without `Last-Event-ID` begins."""
        return await self._run(lambda unit: events.last_seq(unit, handset_id))

    async def events_after(
        self, seq: int, handset_id: str | None = None, wait_s: float = 0
    ) -> list[LogEntry]:
        """Events behind `seq`, waited for; empty after `wait_s`, or when the network stops."""
        deadline = time.monotonic() + wait_s
        while True:
            rung = self._log.next()
            found = await self._run(lambda unit: events.after(unit, handset_id, seq))
            left_s = deadline - time.monotonic()
            if found or left_s <= 0 or self._stopping:
                return found
            await wait(rung, left_s)

    @property
    def stopping(self) -> bool:
        """Whether streams should end."""
        return self._stopping

    # The line and its faults

    async def get_settings(self) -> Settings:
        """The settings, with what is left of a capped inventory now."""
        return await self._run(lambda unit: line.load(unit.conn))

    async def change_settings(self, changes: dict[str, Any]) -> Settings:
        """Change all of `changes` or, on `BadInput`, nothing."""
        self._settings = await self._run(lambda unit: line.change(unit.conn, changes))
        self._carrier.ring()
        return self._settings

    async def create_fault(
        self,
        kind: str,
        *,
        count: int = 1,
        sender: str | None = None,
        recipient: str | None = None,
        number: str | None = None,
    ) -> Fault:
        """Ask for a fault. `number-reclaimed` strikes at once; the others wait for what they match."""
        sender = sender and any_spelling("match.from", sender)
        recipient = recipient and any_spelling("match.to", recipient)
        number = number and any_spelling("match.number", number)

        def create(unit: Unit) -> Fault:
            fault = faults.create(unit, kind, count=count, sender=sender, recipient=recipient, number=number)
            if kind == "number-reclaimed":
                if not inventory.reclaim(unit, number or ""):
                    raise BadInput("match.number", "nobody holds this number")
                faults.spend(unit, fault.id)
            return fault

        return await self._run(create)

    async def list_faults(self, limit: int = 20, offset: int = 0) -> tuple[list[Fault], int]:
        """Faults that can still strike, newest first, and how many there are."""
        return await self._run(lambda unit: faults.list_open(unit, limit, offset))

    async def delete_fault(self, fault_id: str) -> None:
        """Clear a fault; `FaultNotFound`."""
        await self._run(lambda unit: faults.delete(unit, fault_id))

    # The carrier's side

    def outbound_sms(self, e164: str, country: str) -> OutboundSms:
        """Whether a number may send, from memory: only US numbers need registration."""
        if country != "US" or self._settings.registration == "instant":
            return "enabled"
        return "registration_required"

    async def search(self, wish: Wish) -> list[Sale]:
        """Numbers that can be bought now; `LineDown` while the carrier is out."""
        return await self._ask(lambda unit: inventory.search(unit, wish))

    async def buy(self, e164: str, reference: str) -> None:
        """Buy a number under an order, once. `LineRefused`, `LineDown`, `NeverAnswers`."""
        error = await self._run(lambda unit: inventory.buy(unit, e164, reference))
        if error is not None:
            raise error

    async def order_of(self, reference: str) -> str | None:
        """The number that an order bought."""
        return await self._ask(lambda unit: inventory.order_of(unit, reference))

    async def release(self, e164: str) -> None:
        """Give a number back."""
        await self._ask(lambda unit: inventory.release(unit, e164))

    async def submit(self, text: Submission) -> str:
        """Take a text; answers the carrier's ref. `LineRefused`, `LineThrottled`, `LineDown`, `NeverAnswers`."""
        self._submits += 1
        try:
            outcome = await self._run(lambda unit: outbound.submit(unit, text, self._pace))
            if outcome.early:
                await self._let_receipt_overtake(outcome.ref)
        finally:
            self._submits -= 1
        if outcome.error is not None:
            raise outcome.error
        return outcome.ref

    async def carrier_events(self, after: int = 0, limit: int = 200, wait_s: float = 0) -> list[CarrierEvent]:
        """Events for the server behind token `after`, waited for; what is not acknowledged is found again from 0."""
        deadline = time.monotonic() + wait_s
        while True:
            rung = self._carrier.next()
            found = await self._run(lambda unit: carrier_events.fetch(unit, after, limit))
            left_s = deadline - time.monotonic()
            if found or left_s <= 0 or self._stopping:
                return found
            await wait(rung, left_s)

    async def acknowledge(self, tokens: Sequence[str]) -> None:
        """The server has stored these events."""
        await self._run(lambda unit: carrier_events.acknowledge(unit, tokens))
        self._acknowledged.ring()

    # Time

    async def next_due(self) -> int | None:
        """When the next timer is due, in the clock's milliseconds."""
        return await self._run(timers.next_due)

    async def fire_due(self) -> int:
        """Do all that is due by now, in order; answers how many timers fired."""
        fired = 0
        while count := await self._run(timers.fire_due):
            fired += count
        self._next_due = await self.next_due()
        return fired

    def wake(self) -> None:
        """The clock was moved, frozen or resumed: look again."""
        self._timers.ring()

    async def idle(self) -> bool:
        """Whether nothing is due, nothing waits for the server, and no submit is under way."""
        if self._submits:
            return False

        def look(unit: Unit) -> bool:
            due = timers.next_due(unit)
            return (due is None or due > unit.now) and carrier_events.is_empty(unit)

        return await self._run(look)

    # Inside

    async def _run(self, work: Callable[[Unit], T]) -> T:
        def job(conn: Connection) -> tuple[T, Unit]:
            unit = Unit(conn, self.clock.now_ms(), self._settings, self._ids, self._handsets)
            return work(unit), unit

        try:
            result, unit = await self._store.run(job)
        except asyncio.CancelledError:
            # It may be committed all the same, and then somebody has to hear of it.
            if not self._stopping:
                self._spawn(self._wake_all())
            raise
        if unit.carrier_woken:
            self._carrier.ring()
        if unit.log_woken:
            self._log.ring()
        due = unit.first_timer_ms
        if due is not None and (self._next_due is None or due < self._next_due):
            self._next_due = due
            self._timers.ring()
        outcome: T = result
        return outcome

    async def _ask(self, work: Callable[[Unit], T]) -> T:
        """As `_run`, for what the server asks the carrier: no answer during an outage."""

        def ask(unit: Unit) -> T:
            if faults.is_out(unit):
                raise outbound.out_of_reach()
            return work(unit)

        return await self._run(ask)

    async def _wake_all(self) -> None:
        self._next_due = await self.next_due()
        for signal in (self._carrier, self._log, self._timers):
            signal.ring()

    async def _let_receipt_overtake(self, ref: str) -> None:
        deadline = time.monotonic() + _OVERTAKING_S
        while (left_s := deadline - time.monotonic()) > 0 and not self._stopping:
            rung = self._acknowledged.next()
            if not await self._run(lambda unit: carrier_events.has_receipt(unit, ref)):
                return
            await wait(rung, left_s)

    async def _keep_time(self) -> None:
        while not self._stopping:
            rung = self._timers.next()
            now = self.clock.now_ms()
            if self._next_due is not None and self._next_due <= now:
                await self.fire_due()
                continue
            left_s = _POLL_S if self._next_due is None else (self._next_due - now) / 1000
            await wait(rung, min(left_s, _POLL_S))

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        with contextlib.suppress(asyncio.CancelledError):
            task.result()
