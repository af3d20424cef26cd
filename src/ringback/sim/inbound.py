"""Texts from handsets: sent, carried, and told to the server that holds the number."""

from dataclasses import dataclass

from ringback.kit.addresses import BadUrl, check_url
from ringback.sim import faults, handsets, inventory, parts, texts
from ringback.sim.addresses import any_spelling
from ringback.sim.errors import BadInput, HandsetOffline
from ringback.sim.handsets import Handset
from ringback.sim.media import MOST, Attachment
from ringback.sim.passage import delay, is_lost
from ringback.sim.personalities import TEXT_MANNERS
from ringback.sim.texts import Parcel, Text
from ringback.sim.unit import Unit

_MAX_BODY = 10_000


def send(
    unit: Unit, handset: Handset, to: str, body: str, media: tuple[Attachment, ...], channel: str
) -> Text:
    """A handset sends a text; its status is `sent` until the server has it."""
    parcel = Parcel(unit.ids.new("nt"), handset.e164, to, body, media, channel)
    text = texts.add(unit, handset.id, "out", parcel, "sent")
    if is_lost(unit, handset.e164, to):
        return text
    if delay_ms := delay(unit, "in", handset.e164, to):
        unit.start_timer(unit.now + delay_ms, "inbound", {"text_id": text.id, "parcel": parcel.to_dict()})
    else:
        reach(unit, parcel, text.id)
    return texts.find(unit, text.id) or text


def reach(unit: Unit, parcel: Parcel, text_id: str) -> None:
    """The text is at the network of the number it was sent to."""
    if inventory.line_state(unit, parcel.recipient) == "held":
        return tell_server(unit, parcel, text_id)
    other = handsets.by_number(unit, parcel.recipient)
    if other is None or not other.online or not TEXT_MANNERS[other.personality].arrives:
        return texts.set_status(unit, text_id, "failed", "30003" if other else "30005")
    texts.add(unit, other.id, "in", parcel, "delivered")
    return texts.set_status(unit, text_id, "delivered")


def tell_server(unit: Unit, parcel: Parcel, text_id: str | None) -> None:
    """Queue the inbound text for the server, twice under one ref where the network is like that."""
    sender = handsets.by_number(unit, parcel.sender)
    manner = TEXT_MANNERS[sender.personality] if sender else None
    body = parcel.body
    if manner is not None and manner.sends_shuffled:
        body = parts.through_the_air(body, unit.settings.seed, parcel.sender, parcel.recipient, parcel.body)
    fault = faults.strike(unit, ("inbound-duplicated",), parcel.sender, parcel.recipient)
    for _ in range(2 if fault or (manner is not None and manner.sends_twice) else 1):
        unit.tell_server(
            "inbound",
            {
                "ref": parcel.ref,
                "from": parcel.sender,
                "to": parcel.recipient,
                "body": body,
                "mediaUrls": [one.url for one in parcel.media],
                "channel": parcel.channel,
            },
            text_id,
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person is about to send, checked as far as it can be without knowing the phone."""

    to: str
    body: str
    media_urls: tuple[str, ...]
    channel: str


def draft(to: str, body: str, media_urls: tuple[str, ...], channel: str | None) -> Draft:
    """Check what a person wants to send; `mms` with media, else `sms`. Raises `BadInput`."""
    handsets.check_words("body", body)
    if len(body) > _MAX_BODY:
        raise BadInput("body", f"expected at most {_MAX_BODY} characters")
    if not body and not media_urls:
        raise BadInput("body", "expected words, or mediaUrls")
    if len(media_urls) > MOST:
        raise BadInput("mediaUrls", f"expected at most {MOST} addresses")
    for index, url in enumerate(media_urls):
        try:
            check_url(url)
        except BadUrl as error:
            raise BadInput(f"mediaUrls.{index}", str(error)) from None
    fitting = "mms" if media_urls else "sms"
    if channel not in (None, "sms", "mms"):
        raise BadInput("channel", "expected sms or mms")
    if channel == "sms" and media_urls:
        raise BadInput("channel", "expected mms, because there are mediaUrls")
    return Draft(to, body, media_urls, channel or fitting)


def look(unit: Unit, handset_id: str, draft: Draft) -> tuple[Handset, str]:
    """The phone, if it can send this now, and the number (E.164) that it sends to."""
    handset = handsets.find(unit, handset_id)
    e164 = any_spelling("to", draft.to, handset.country)
    if not handset.online:
        raise HandsetOffline("The handset is offline and can't send")
    if draft.channel not in handset.capabilities:
        raise BadInput("channel", f"the handset can't send {draft.channel}")
    return handset, e164


def send_draft(unit: Unit, handset_id: str, draft: Draft, media: tuple[Attachment, ...] = ()) -> Text:
    """Send it from the handset; `media` are what its URLs led to."""
    handset, e164 = look(unit, handset_id, draft)
    return send(unit, handset, e164, draft.body, media, draft.channel)
