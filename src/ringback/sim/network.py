"""The network as one object: its handsets, its line and faults, and the side that a carrier's client sees."""

import functools
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from ringback.kit.clock import Clock
from ringback.kit.http import OutgoingHttp
from ringback.kit.machine import monotonic
from ringback.sim import carrier_events, events, faults, handsets, inbound, inventory, outbound, texts
from ringback.sim import lookup as records
from ringback.sim import settings as line
from ringback.sim.addresses import any_spelling
from ringback.sim.carrier_events import CarrierEvent
from ringback.sim.engine import Engine
from ringback.sim.errors import BadInput
from ringback.sim.events import LogEntry
from ringback.sim.faults import Fault
from ringback.sim.handsets import Handset
from ringback.sim.inventory import Sale, Wish
from ringback.sim.lookup import Line
from ringback.sim.media import Media
from ringback.sim.mmsc import Mmsc
from ringback.sim.outbound import Submission
from ringback.sim.pace import Pace
from ringback.sim.settings import Settings
from ringback.sim.signal import wait
from ringback.sim.texts import Cursor, Text
from ringback.sim.unit import Handsets, Unit
from ringback.sim.voice import Voice

T = TypeVar("T")
OutboundSms = Literal["enabled", "activating", "registration_required"]
_OVERTAKING_S = 1.0
"""How long a submit's answer is held back, at most, for a receipt to overtake it."""


class Network:
    """The far side. All work goes through one thread that commits it in groups; nothing here calls the server.

    `http` is what media are fetched with; without it none are. `exchange` is the command that starts the process which
    carries calls (`--where FILE` is added to it); without one there are none.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        handsets: Handsets = "auto",
        http: OutgoingHttp | None = None,
        exchange: Sequence[str] = (),
    ) -> None:
        self._engine = Engine(path, clock, handsets)
        self._run = self._engine.run
        self._mmsc = Mmsc(self._engine, http)
        where = path.parent / "voice" / "exchange.json"
        self.voice = Voice(
            self._engine,
            [*exchange, "--where", str(where)] if exchange else (),
            folder=path.parent / "handset-calls",
            where=where,
        )
        self._pace = Pace()
        self._submits = 0

    async def start(self) -> None:
        """Open the store and begin to fire timers. What was not acknowledged before will be handed out again."""
        await self._engine.start()
        await self.voice.start()

    async def stop(self) -> None:
        """End every wait, finish what was taken, close the store."""
        self.end_waits()
        await self.voice.stop()
        await self._engine.stop()

    def end_waits(self) -> None:
        """A stop is near: streams and waits end, work is still taken."""
        self._engine.end_waits()
        self.voice.end_waits()

    async def wait_for_stop(self, timeout_s: float) -> None:
        """Wait until nobody is to wait any longer, at most `timeout_s` (real time)."""
        until = monotonic() + timeout_s
        while not self.stopping and (left_s := until - monotonic()) > 0:
            await wait(self._engine.ending.next(), left_s)

    @property
    def stopping(self) -> bool:
        """Whether streams should end."""
        return self._engine.stopping

    @property
    def settings(self) -> Settings:
        """The settings from memory, for who can't wait; its `inventory` may be behind."""
        return self._engine.settings

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
        """Throw a phone away, with its texts and calls; `HandsetNotFound`."""
        gone = await self._run(lambda unit: handsets.delete(unit, handset_id))
        self.voice.forget(gone)

    async def send_text(
        self,
        handset_id: str,
        to: str,
        body: str = "",
        media_urls: Sequence[str] = (),
        channel: str | None = None,
    ) -> Text:
        """A handset texts `to`, in any spelling that a person of its country may type; media are fetched first."""
        draft = inbound.draft(to, body, tuple(media_urls), channel)
        if draft.media_urls:
            return await self._mmsc.send(handset_id, draft)
        return await self._run(lambda unit: inbound.send_draft(unit, handset_id, draft))

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
        page: tuple[list[Text], bool] = ([], False)

        def look(unit: Unit) -> list[Text]:
            nonlocal page
            page = texts.page(unit, handset_id, limit=limit, before=before, after=after)
            return page[0]

        await self._engine.look_until(self._engine.log, wait_s, look)
        return page

    # Media

    async def upload(self, content_type: str | None, data: bytes) -> Media:
        """Keep what somebody is about to send; `BadInput` for what no message carries."""
        return await self._mmsc.upload(content_type, data)

    async def find_media(self, media_id: str) -> Media:
        """What is known of media; `MediaNotFound`."""
        return await self._mmsc.find(media_id)

    def read_media(self, media: Media) -> AsyncIterator[bytes]:
        """Their bytes, in pieces."""
        return self._mmsc.read(media)

    # The event log

    async def last_event(self, handset_id: str | None = None) -> int:
        """The number of the newest event, where a stream without `Last-Event-ID` begins."""
        return await self._run(lambda unit: events.last_seq(unit, handset_id))

    async def events_after(
        self, seq: int, handset_id: str | None = None, wait_s: float = 0
    ) -> list[LogEntry]:
        """Events behind `seq`, waited for; empty after `wait_s`, or when the network stops."""
        found: list[LogEntry] = await self._engine.look_until(
            self._engine.log, wait_s, lambda unit: events.after(unit, handset_id, seq)
        )
        return found

    # The line and its faults

    async def get_settings(self) -> Settings:
        """The settings, with what is left of a capped inventory now."""
        return await self._run(lambda unit: line.load(unit.conn))

    async def change_settings(self, changes: dict[str, Any]) -> Settings:
        """Change all of `changes` or, on `BadInput`, nothing."""
        self._engine.settings = await self._run(lambda unit: line.change(unit.conn, changes))
        self._engine.carrier.ring()
        self.voice.change_line()
        return self._engine.settings

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
        if country != "US" or self._engine.settings.registration == "instant":
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

    async def lookup(self, numbers: Sequence[str]) -> list[Line]:
        """What is on record of numbers; `LineDown` while the carrier is out."""
        return await self._ask(lambda unit: records.lookup(unit, numbers))

    async def submit(self, text: Submission) -> str:
        """Take a text; answers the carrier's ref. `LineRefused`, `LineThrottled`, `LineDown`, `NeverAnswers`."""
        self._submits += 1
        try:
            outcome = await self._mmsc.submit(text, self._pace)
            if outcome.early:
                await self._let_receipt_overtake(outcome.ref)
        finally:
            self._submits -= 1
        if outcome.error is not None:
            raise outcome.error
        return outcome.ref

    async def carrier_events(self, after: int = 0, limit: int = 200, wait_s: float = 0) -> list[CarrierEvent]:
        """Events for the server behind token `after`, waited for; what is not acknowledged is found again from 0."""
        found: list[CarrierEvent] = await self._engine.look_until(
            self._engine.carrier, wait_s, lambda unit: carrier_events.fetch(unit, after, limit)
        )
        return found

    async def acknowledge(self, tokens: Sequence[str]) -> None:
        """The server has stored these events."""
        await self._run(lambda unit: carrier_events.acknowledge(unit, tokens))
        self._engine.acknowledged.ring()

    # Time

    async def next_due(self) -> int | None:
        """When the next timer is due, in the clock's milliseconds."""
        return await self._engine.next_due()

    async def fire_due(self) -> int:
        """Do all that is due by now, in order; answers how many timers fired."""
        return await self._engine.fire_due()

    def wake(self) -> None:
        """The clock was moved, frozen or resumed: look again."""
        self._engine.wake()

    async def idle(self) -> bool:
        """Whether nothing is due, nothing waits for the server, and no submit is under way."""
        return not self._submits and await self._engine.is_settled()

    # Inside

    async def _ask(self, work: Callable[[Unit], T]) -> T:
        """As `_run`, for what the server asks the carrier: no answer during an outage."""

        def ask(unit: Unit) -> T:
            if faults.is_out(unit):
                raise outbound.out_of_reach()
            return work(unit)

        return await self._run(ask)

    async def _let_receipt_overtake(self, ref: str) -> None:
        deadline = monotonic() + _OVERTAKING_S
        while (left_s := deadline - monotonic()) > 0 and not self.stopping:
            rung = self._engine.acknowledged.next()
            if not await self._run(lambda unit: carrier_events.has_receipt(unit, ref)):
                return
            await wait(rung, left_s)
