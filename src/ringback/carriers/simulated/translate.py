"""The network's words in the carrier protocol's."""

from typing import Any

from ringback.carriers.protocol import CarrierEvent, DeliveryReceipt, InboundMessage, NumberReclaimed

NAME = "simulated"


def to_event(kind: str, data: dict[str, Any]) -> CarrierEvent:
    """A queued event of the network (`inbound`, `receipt` or `reclaimed`) as a typed event."""
    if kind == "inbound":
        return InboundMessage(
            NAME,
            data["ref"],
            data["from"],
            data["to"],
            data["body"],
            tuple(data["mediaUrls"]),
            data["channel"],
        )
    if kind == "receipt":
        return DeliveryReceipt(
            NAME,
            data["ref"],
            data["status"],
            data["code"],
            data["reason"],
            data.get("reference"),
            data.get("recipient"),
        )
    return NumberReclaimed(NAME, data["ref"], data["e164"])
