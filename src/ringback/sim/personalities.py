"""What a phone, and the network before it, does with a text. Each entry says what a real network does there.

Codes are those that carriers' APIs show: 30003 unreachable, 30004 blocked, 30005 unknown destination, 30006 landline
or carrier that can't take texts, 30007 filtered, 30008 unknown, 30034 sent without registration.
"""

from dataclasses import dataclass
from typing import Literal

from ringback.sim.errors import BadInput

SLOW_RECEIPT_MS = 30_000


@dataclass(frozen=True, slots=True)
class Manner:
    """How one personality takes texts.

    `refusal` is a code at the submit; `arrives` whether the phone gets the text; `failure` the code of a failed
    receipt; `receipts` how many receipts come, after `receipt_after_ms` of the clock; `until_validity` that the
    network tries in vain until the text's validity has passed; `early` that the receipt overtakes the submit's answer.
    """

    refusal: str | None = None
    arrives: bool = True
    failure: str | None = None
    receipts: int = 1
    receipt_after_ms: int = 0
    until_validity: bool = False
    early: bool = False
    reply: Literal["stop", "echo"] | None = None
    sends_twice: bool = False
    sends_shuffled: bool = False


TEXT_MANNERS = {
    # A phone that is on: delivered at once.
    "answers": Manner(),
    # A busy network: the phone has the text, the receipt is half a minute behind.
    "slow": Manner(receipt_after_ms=SLOW_RECEIPT_MS),
    # Out of coverage for days: the network retries until the validity has passed, then gives up.
    "unreachable": Manner(arrives=False, failure="30003", until_validity=True),
    # A fixed line: the carrier looks the number up and refuses the submit.
    "landline": Manner(refusal="30006"),
    # The recipient's network blocks the sender: accepted, then failed.
    "blocks-you": Manner(arrives=False, failure="30004"),
    # A spam filter: accepted and silently dropped, told in the receipt.
    "filtered": Manner(arrives=False, failure="30007"),
    # A US carrier turns away a sender without 10DLC registration.
    "unregistered": Manner(arrives=False, failure="30034"),
    # Some networks send no receipts at all.
    "lost-receipt": Manner(receipts=0),
    # Receipt and submit answer travel on two connections, and the receipt may win.
    "late-receipt": Manner(early=True),
    # Receipts are repeated when their acknowledgement was lost.
    "duplicate-receipt": Manner(receipts=2),
    # So are inbound texts, under the same carrier id.
    "duplicate-sender": Manner(sends_twice=True),
    # Parts of a long text take different ways; the carrier joins them by their headers.
    "out-of-order": Manner(sends_shuffled=True),
    # Somebody who wants no texts.
    "stops": Manner(reply="stop"),
    # A loop-back phone, for trying things out.
    "echo": Manner(reply="echo"),
}

CALL_PERSONALITIES = (
    "answers",
    "busy",
    "declines",
    "no-answer",
    "unreachable",
    "voicemail",
    "screener",
    "hangs-up-midway",
    "silent",
    "noisy",
    "dtmf-menu",
    "slow-answer",
    "manual",
)

REASONS = {
    "30003": "unreachable destination handset",
    "30004": "message blocked by the recipient",
    "30005": "unknown destination number",
    "30006": "landline or unreachable carrier",
    "30007": "filtered by the carrier",
    "30008": "lost on the way",
    "30011": "the phone can't receive pictures",
    "30034": "sender is not registered",
}


def check_personality(field: str, value: str) -> None:
    """Raise `BadInput` for a name that is none."""
    known = CALL_PERSONALITIES if field == "call_personality" else tuple(TEXT_MANNERS)
    if value not in known:
        raise BadInput(field, f"expected one of {', '.join(known)}")
