"""What carriers' error codes mean: whose side a failure is, and whether the same text may be tried again.

The codes are those of Twilio's dictionary, which the simulated network and most carriers' APIs speak. Only a refusal at
the submit is tried again: then nothing was taken. What fails later, by a receipt, may have been seen by somebody.
"""

from dataclasses import dataclass
from typing import Literal

Side = Literal["you", "endpoint", "carrier", "handset", "ringback"]
"""`you`: the account, what it sends or its registration; `endpoint`: a webhook's receiver; `carrier`: the network;
`handset`: the recipient's phone, line or will; `ringback`: this server."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code. `retryable`: refused at the submit with it, the same text may be taken later."""

    side: Side
    why: str
    retryable: bool = False


CODES: dict[str, Meaning] = {
    "11200": Meaning("you", "a medium could not be fetched from its URL"),
    "11751": Meaning("you", "the media are larger than 5 MB together"),
    "12300": Meaning("you", "a medium is of no type that MMS carries"),
    "20429": Meaning("carrier", "too many requests at once", retryable=True),
    "20503": Meaning("carrier", "the carrier's service is not available", retryable=True),
    "21211": Meaning("you", "the recipient's number is not valid"),
    "21408": Meaning("you", "the account may not text that country"),
    "21606": Meaning("you", "the number is not this account's at the carrier"),
    "21610": Meaning("handset", "the recipient opted out at the carrier"),
    "21611": Meaning("carrier", "the number's queue at the carrier is full", retryable=True),
    "21614": Meaning("you", "the recipient's number is no mobile number"),
    "21617": Meaning("you", "the text is too long"),
    "21623": Meaning("you", "more media than a message carries"),
    "30001": Meaning(
        "carrier", "a queue at the carrier was full, or its validity passed in the queue here", retryable=True
    ),
    "30002": Meaning("you", "the account is suspended at the carrier"),
    "30003": Meaning("handset", "the phone can't be reached; tried until the validity passed"),
    "30004": Meaning("handset", "the recipient blocks you"),
    "30005": Meaning("you", "nobody has that number"),
    "30006": Meaning("handset", "a landline, or a network that takes no texts"),
    "30007": Meaning("carrier", "filtered as spam"),
    "30008": Meaning("carrier", "lost, or refused without a reason"),
    "30009": Meaning("carrier", "a part of the text did not arrive"),
    "30010": Meaning("you", "it would cost more than the account allows"),
    "30011": Meaning("handset", "the phone can't receive pictures"),
    "30017": Meaning("carrier", "the recipient's network is congested", retryable=True),
    "30019": Meaning("you", "the media are larger than the recipient's network takes"),
    "30022": Meaning("carrier", "faster than the campaign may send", retryable=True),
    "30023": Meaning("carrier", "more than the brand may send in a day", retryable=True),
    "30027": Meaning("carrier", "more than the campaign may send to T-Mobile in a day", retryable=True),
    "30032": Meaning("you", "the toll-free number is not verified"),
    "30034": Meaning("you", "the sender is not registered"),
    "PHONE_NUMBER_RELEASED": Meaning("you", "the number was released while the text was queued here"),
    "RECIPIENT_OPTED_OUT": Meaning("handset", "the recipient opted out while the text was queued here"),
}
"""Every code that is known, and the two that Ringback itself gives to texts in its queue."""

_UNKNOWN = Meaning("carrier", "the carrier gave no reason that is known")


def meaning_of(code: str | None) -> Meaning:
    """What a carrier's code means; one that is unknown is the carrier's, and final."""
    return _UNKNOWN if code is None else CODES.get(code, _UNKNOWN)


def is_retryable(code: str | None) -> bool:
    """Whether a text that was refused at the submit with this code may be handed over again."""
    return meaning_of(code).retryable
