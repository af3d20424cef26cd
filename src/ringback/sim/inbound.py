"""Texts from handsets: sent, carried, and told to the server that holds the number."""

from dataclasses import dataclass

from ringback.sim import faults, handsets, inventory, parts, texts
from ringback.sim.errors import BadInput
from ringback.sim.handsets import Handset
from ringback.sim.passage import delay, is_lost
from ringback.sim.personalities import TEXT_MANNERS
from ringback.sim.texts import Parcel, Text
from ringback.sim.unit import Unit

_MAX_BODY = 10_000
_MAX_MEDIA = 20
_MAX_URL = 2_000


def send(unit: Unit, handset: Handset, to: str, body: str, media_urls: tuple[str, ...], channel: str) -> Text:
    """A handset sends a text; its status is `sent` until the server has it."""
    parcel = Parcel(unit.ids.new("nt"), handset.e164, to, body, media_urls, channel)
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
                "mediaUrls": parcel.media_urls,
                "channel": parcel.channel,
            },
            text_id,
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """What a handset is about to send, checked."""

    body: str
    media_urls: tuple[str, ...]
    channel: str


def draft(body: str, media_urls: tuple[str, ...], channel: str | None) -> Draft:
    """Check what a person wants to send; `mms` with media, else `sms`. Raises `BadInput`."""
    handsets.check_words("body", body)
    if len(body) > _MAX_BODY:
        raise BadInput("body", f"expected at most {_MAX_BODY} characters")
    if not body and not media_urls:
        raise BadInput("body", "expected words, or mediaUrls")
    if len(media_urls) > _MAX_MEDIA:
        raise BadInput("mediaUrls", f"expected at most {_MAX_MEDIA} addresses")
    for url in media_urls:
        handsets.check_words("mediaUrls", url)
        if not url.startswith(("http://", "https://")) or len(url) > _MAX_URL:
            raise BadInput("mediaUrls", "expected http or https addresses")
    fitting = "mms" if media_urls else "sms"
    if channel not in (None, "sms", "mms"):
        raise BadInput("channel", "expected sms or mms")
    if channel == "sms" and media_urls:
        raise BadInput("channel", "expected mms, because there are mediaUrls")
    return Draft(body, media_urls, channel or fitting)
