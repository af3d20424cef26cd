"""Texts from the server: taken or refused at the submit, carried, delivered to whoever has the number, receipted."""

from dataclasses import dataclass

from ringback.sim import faults, handsets, inbound, inventory, plans, texts
from ringback.sim.errors import LineDown, LineError, LineRefused, LineThrottled, NeverAnswers
from ringback.sim.handsets import Handset
from ringback.sim.media import Attachment
from ringback.sim.pace import Pace
from ringback.sim.passage import delay, is_lost, send_receipt
from ringback.sim.personalities import REASONS, TEXT_MANNERS, Manner
from ringback.sim.texts import Parcel
from ringback.sim.unit import Unit


@dataclass(frozen=True, slots=True)
class Submission:
    """A text as the server hands it over. `reference` is its own name of it: the same again is the same text."""

    reference: str
    sender: str
    recipient: str
    body: str
    media_urls: tuple[str, ...] = ()
    channel: str = "sms"
    validity_ms: int = 72 * 3_600_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a submit came to: a carrier ref or an error, and whether the receipt overtakes the answer."""

    ref: str = ""
    error: LineError | None = None
    early: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """A text that the carrier listened to; `mute` says that its submit will get no answer."""

    mute: bool = False


def submit(unit: Unit, text: Submission, pace: Pace) -> Outcome:
    """Take a text without media, or refuse it."""
    heard = hear(unit, text, pace)
    return heard if isinstance(heard, Outcome) else take(unit, text, heard)


def hear(unit: Unit, text: Submission, pace: Pace) -> Heard | Outcome:
    """Whether the carrier listens at all. Nothing is raised, because a fault that struck has to stay counted."""
    fault = faults.strike(unit, faults.AT_SUBMIT, text.sender, text.recipient)
    if fault in ("outage", "connection-lost"):
        return Outcome(error=out_of_reach())
    limit = unit.settings.messages_per_second
    if fault == "throttled" or (limit is not None and not pace.take(unit.now, limit)):
        return Outcome(error=LineThrottled("too many messages a second", "20429"))
    if fault == "queue-full":
        return taken_before(unit, text) or _refused("30001", "the queue is full")
    if fault == "submit-refused":
        return taken_before(unit, text) or _refused("30008", "the carrier refused the message")
    return Heard(mute=fault is not None)


def taken_before(unit: Unit, text: Submission) -> Outcome | None:
    """The outcome of a text that the carrier has already: whatever speaks against it now comes too late."""
    taken = unit.one("SELECT ref FROM submitted WHERE reference = ?", text.reference)
    return None if taken is None else Outcome(taken["ref"])


def look(unit: Unit, text: Submission) -> Handset | Outcome | None:
    """The phone that the text is for, if one has that number; or the outcome: refused, or taken before."""
    taken = taken_before(unit, text)
    if taken is not None:
        return taken
    if inventory.line_state(unit, text.sender) != "held":
        return _refused("21606", f"{text.sender} is no number of this account")
    handset = handsets.by_number(unit, text.recipient)
    if handset is None:
        released = inventory.line_state(unit, text.recipient) == "released"
        return _refused("30005") if released else None
    refusal = TEXT_MANNERS[handset.personality].refusal
    if refusal is not None:
        return _refused(refusal)
    if not {"sms", "mms"} & set(handset.capabilities):
        return _refused("30006")
    return handset


def take(unit: Unit, text: Submission, heard: Heard, media: tuple[Attachment, ...] = ()) -> Outcome:
    """Take a text that was heard, or refuse it."""
    handset = look(unit, text)
    if isinstance(handset, Outcome):
        return handset
    parcel = Parcel(
        unit.ids.new("nt"),
        text.sender,
        text.recipient,
        text.body,
        media,
        text.channel,
        unit.now + text.validity_ms,
        text.reference,
    )
    unit.run("INSERT INTO submitted (reference, ref) VALUES (?, ?)", text.reference, parcel.ref)
    carry(unit, parcel, handset)
    error = NeverAnswers("the carrier took the message and never answered") if heard.mute else None
    early = handset is not None and TEXT_MANNERS[handset.personality].early
    return Outcome(parcel.ref, error, early)


def _refused(code: str, message: str | None = None) -> Outcome:
    return Outcome(error=LineRefused(message or REASONS[code], code))


def carry(unit: Unit, parcel: Parcel, handset: Handset | None) -> None:
    """Bring a text over the line, with its loss and delay; `handset` is the phone with that number, if any."""
    if is_lost(unit, parcel.sender, parcel.recipient):
        unit.start_timer(parcel.until_ms, "lost", parcel.to_dict())
    elif delay_ms := delay(unit, "out", parcel.sender, parcel.recipient):
        unit.start_timer(unit.now + delay_ms, "arrive", parcel.to_dict())
    else:
        arrive(unit, parcel, handset)


def arrive(unit: Unit, parcel: Parcel, handset: Handset | None) -> None:
    """The text is at the far end's network: hand it to whoever has the number now."""
    if _lacks_registration(unit, parcel):
        return send_receipt(unit, parcel, "30034")
    if handset is not None:
        return _arrive_at_handset(unit, parcel, handset)
    state = inventory.line_state(unit, parcel.recipient)
    if state == "held":
        inbound.tell_server(unit, parcel, None)
        return send_receipt(unit, parcel, None)
    if state == "released":
        return send_receipt(unit, parcel, "30005")
    if unit.handsets == "strict":
        return give_up_later(unit, parcel)
    country = plans.country_of(parcel.recipient) or "US"
    return _arrive_at_handset(unit, parcel, handsets.create(unit, e164=parcel.recipient, country=country))


def _lacks_registration(unit: Unit, parcel: Parcel) -> bool:
    if unit.settings.registration == "instant":
        return False
    return plans.country_of(parcel.sender) == "US"


def _arrive_at_handset(unit: Unit, parcel: Parcel, handset: Handset) -> None:
    manner = TEXT_MANNERS[handset.personality]
    if manner.until_validity:
        return give_up_later(unit, parcel)
    if not manner.arrives:
        return send_receipt(unit, parcel, manner.failure)
    if parcel.channel not in handset.capabilities:
        return send_receipt(unit, parcel, "30011" if parcel.channel == "mms" else "30006")
    if not handset.online:
        seq = texts.store(unit, handset.id, parcel)
        unit.start_timer(parcel.until_ms, "expire", {"seq": seq})
        return None
    return deliver(unit, parcel, handset, manner)


def deliver(unit: Unit, parcel: Parcel, handset: Handset, manner: Manner) -> None:
    """The phone has it: list, receipts, and what its owner does then."""
    is_first = manner.reply == "stop" and _is_first(unit, handset.id, parcel.sender)
    texts.add(unit, handset.id, "in", parcel, "delivered")
    for _ in range(manner.receipts):
        send_receipt(unit, parcel, None, manner.receipt_after_ms)
    if manner.reply == "echo":
        inbound.send(unit, handset, parcel.sender, parcel.body, parcel.media, parcel.channel)
    elif is_first:
        inbound.send(unit, handset, parcel.sender, "STOP", (), "sms")


def deliver_stored(unit: Unit, handset: Handset) -> None:
    """The phone is back: what the carrier kept for it arrives, in order."""
    for parcel in texts.take_stored(unit, handset.id):
        _arrive_at_handset(unit, parcel, handset)


def _is_first(unit: Unit, handset_id: str, sender: str) -> bool:
    found = unit.one(
        "SELECT 1 AS found FROM texts WHERE handset_id = ? AND direction = 'in' AND sender = ? LIMIT 1",
        handset_id,
        sender,
    )
    return found is None


def give_up_later(unit: Unit, parcel: Parcel) -> None:
    """Nobody answers there: undelivered once the validity has passed."""
    unit.start_timer(parcel.until_ms, "give-up", parcel.to_dict())


def out_of_reach() -> LineDown:
    """The error of a carrier that can't be reached."""
    return LineDown("the carrier is out of reach")
