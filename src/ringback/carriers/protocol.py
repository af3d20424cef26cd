"""What a carrier can do for us, and what it tells us. Carriers never call rooms: they return or stream typed events."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ringback.carriers.refs import trimmed
from ringback.kit.pace import Pace, Scope
from ringback.kit.phone import LineType

OutboundSms = Literal["enabled", "activating", "registration_required"]
ReceiptStatus = Literal["delivered", "failed"]
MEDIA_S = 12.0
"""Real seconds beyond its usual time that a carrier may take for its answer to a text with media: it fetches them first."""


@dataclass(frozen=True, slots=True)
class OutboundText:
    """One text to hand over. `reference` is our own name of it; `validity_ms` the carrier's own limit from now."""

    reference: str
    from_: str
    to: str
    body: str
    media_urls: tuple[str, ...] = ()
    channel: str = "sms"
    validity_ms: int = 72 * 3_600_000


@dataclass(frozen=True, slots=True)
class Offer:
    """A number that can be bought."""

    e164: str
    country: str
    area_code: str | None = None
    city: str | None = None
    state: str | None = None
    rate_center: str | None = None


@dataclass(frozen=True, slots=True)
class LineRecord:
    """What a carrier has on record of a number; None is what it doesn't know."""

    e164: str
    line_type: LineType | None = None
    rcs: bool | None = None


class CarrierError(Exception):
    """The carrier said no, or could not be asked."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Refused(CarrierError):
    """The carrier refused, and took nothing; `code` is its own (such as 30006), and `carriers.codes` what it means."""


class SenderThrottled(CarrierError):
    """The carrier asks this number alone to slow down; nothing was taken."""


class Throttled(CarrierError):
    """The carrier asks to slow down; nothing was taken."""


class Unreachable(CarrierError):
    """No connection, or it was lost before anything was written: nothing was taken."""


class NoAnswer(CarrierError):
    """The request was written and no answer came: it may have been taken."""


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A text that somebody sent to a number of ours. `ref` is the carrier's own id of it."""

    carrier: str
    ref: str
    from_: str
    to: str
    body: str
    media_urls: tuple[str, ...] = ()
    channel: str = "sms"


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """What became of a text that the carrier took. `ref` is what its submit answered (or would have answered), trimmed.

    `reference` is what the submit named it, from a carrier that says so: a receipt then finds its text even when the
    answer to the submit was lost. `to` is the recipient, from a carrier that says so: an id in another form than the
    submit's answer (`carriers.refs`) then joins no text to somebody else.
    """

    carrier: str
    ref: str
    status: ReceiptStatus
    code: str | None = None
    reason: str | None = None
    reference: str | None = None
    to: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ref", trimmed(self.ref))


@dataclass(frozen=True, slots=True)
class NumberReclaimed:
    """The carrier took a number of ours back."""

    carrier: str
    ref: str
    e164: str


@dataclass(frozen=True, slots=True)
class InboundCall:
    """A call to a number of ours that rings now. `ref` is the carrier's own id of it."""

    carrier: str
    ref: str
    from_: str
    to: str


CarrierEvent = InboundMessage | DeliveryReceipt | NumberReclaimed


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events in the carrier's order. `tokens[i]` acknowledges `events[i]`; what is not acknowledged comes again."""

    events: tuple[CarrierEvent, ...]
    tokens: tuple[str, ...] = field(default=())


class VoiceCarrier(Protocol):
    """The calls of a carrier. Their audio goes straight between the carrier and the legs of a call."""

    def calls(self) -> AsyncIterator[InboundCall]:
        """Calls that ring now, each once, until stopped; callers of a server that hears none can't reach it."""
        ...

    async def trunk(self) -> dict[str, Any]:
        """Where legs of this carrier are, as plain JSON: `kind` (such as `line`) and what a leg of that kind needs.

        `Unreachable` when the carrier carries no calls now.
        """
        ...

    async def reject(self, ref: str, code: int) -> None:
        """Don't take a call that rings, for a reason as SIP has it: 404, 480, 486, 503 or 603. `Unreachable`."""
        ...


class Carrier(Protocol):
    """One connection to the telephone network."""

    name: str
    voice: VoiceCarrier | None
    """None for a carrier of texts only."""
    takes_our_id: bool
    """Whether a second submit under one `reference` is known to be the same text, and answered with the same ref.

    Even where a new text would be refused by now: so a refusal says that the carrier does not have it.
    """

    @property
    def paced_as(self) -> str | None:
        """Something that is equal as long as `pace` answers the same, after a restart too."""
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def outbound_sms(self, e164: str, country: str) -> OutboundSms:
        """Whether this number may send now. Answers from memory: it is asked inside a unit of work."""
        ...

    def pace(self, e164: str, country: str) -> Pace | None:
        """How fast texts of this number may go; None where nothing paces it. From memory, as `outbound_sms`."""
        ...

    def pace_scope(self, e164: str, country: str) -> Scope | None:
        """The scope of this number's pace, also while nothing paces it; None where nothing ever does. From memory.

        A number keeps it, so what waits can be counted before there is a pace.
        """
        ...

    def operator_of(self, e164: str) -> str | None:
        """Whose customer has this number, if it is known; from memory."""
        ...

    async def search(
        self,
        country: str,
        *,
        area_code: str | None = None,
        city: str | None = None,
        state: str | None = None,
        postal_code: str | None = None,
        e164: str | None = None,
        limit: int = 1,
        pattern: str | None = None,
    ) -> Sequence[Offer]:
        """Numbers that can be bought now, best match first; empty when there is none. `Unreachable` when it can't be asked.

        `pattern`: digits that a number holds, without its country's, and `*` for any.
        """
        ...

    async def buy(self, e164: str, reference: str) -> None:
        """Buy this very number under our order id, once. `Refused` when it is gone, `Unreachable` when nothing was ordered, `NoAnswer` when it may have been."""
        ...

    async def order_of(self, reference: str) -> str | None:
        """The number (E.164) that the order `reference` bought, or None when there was no such order."""
        ...

    async def release(self, e164: str) -> None:
        """Give the number back; giving back what is not ours is no error."""
        ...

    async def lookup(self, numbers: Sequence[str]) -> Sequence[LineRecord]:
        """What is on record of these numbers (E.164, each once), in any order; a number may be left out.

        `Unreachable` when it can't be asked.
        """
        ...

    async def submit(self, text: OutboundText) -> str:
        """Hand over one text; answers the carrier's ref.

        `Refused`, `Throttled`, `SenderThrottled`, `Unreachable`, `NoAnswer`.
        """
        ...

    def events(self) -> AsyncGenerator[EventBatch, None]:
        """Everything that the carrier tells us, oldest first, until stopped."""
        ...

    async def acknowledge(self, tokens: Sequence[str]) -> None:
        """These events are stored on our side; the carrier may forget them."""
        ...
