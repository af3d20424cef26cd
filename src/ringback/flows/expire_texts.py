"""Texts whose validity passes before they could be handed over: they fail then, and not only when it is their turn."""

from ringback.flows import settle_text
from ringback.flows.pace_texts import Paces
from ringback.flows.send_text import KIND
from ringback.storage import expiry
from ringback.storage.tx import Row, Tx


def expire_text(tx: Tx, row: Row, told: Paces, *, carrier_away: bool = False) -> bool:
    """Fail one text of `expiry.expired`, in a unit with its account's lock; False when it was begun meanwhile."""
    work = expiry.take_expired(tx, row, token=tx.new_id("exp"))
    if work is None:
        return False
    settle_text.expired(tx, work, told, carrier_away=carrier_away)
    tx.wake(KIND)
    return True
