"""Room for texts with media at a carrier, who fetches them for as long as the slowest place takes that somebody names.

Nobody else is to wait for that. So a number, an account, and an account with all its sub-accounts may each have a few
such texts under way, and none of them more than it leaves to others, so that whoever comes new finds room. What is beyond
that isn't claimed: it stays in the outbox, and its lane is looked at again when one of those under way has ended.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ringback.messages import service as messages
from ringback.storage import schema
from ringback.storage.tx import Reads, Row

OF_NUMBER: Final = 3
OF_ACCOUNT: Final = 12
OF_FAMILY: Final = 24
"""Of an account and its sub-accounts together."""
IN_ALL: Final = 160
"""Of a process, beside its texts without media."""
_ALL: Final = ("all", "")


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose text it is. `family` is its account, or the parent of that."""

    lane_id: str
    account_id: str
    family: str


def sender_of_media(db: Reads, lane_id: str, message: Row) -> Sender | None:
    """Who sends media with this text; None where it has none."""
    if not messages.media_of(message):
        return None
    account_id: str = message["account_id"]
    account = db.get(schema.accounts, account_id)
    parent = None if account is None else account["parent_id"]
    return Sender(lane_id, account_id, parent or account_id)


class MediaRoom:
    """How many are under way, and the lanes that wait, the longest first."""

    def __init__(self) -> None:
        self._counts = Counter[tuple[str, str]]()
        self._waiting: dict[str, Sender] = {}
        self.ended = 0
        """How many have left."""

    @property
    def taken(self) -> int:
        """How many are under way."""
        return self._counts[_ALL]

    def plan(self) -> "MediaRoom":
        """The room as it is now, for a claim to plan with."""
        plan = MediaRoom()
        plan._counts = self._counts.copy()
        return plan

    def watches(self, account_id: str) -> bool:
        """Whether an account has some under way or waiting; what others queue is claimed without a look for media."""
        return bool(self._counts["account", account_id] or self._counts["waiting", account_id])

    def enter(self, sender: Sender) -> bool:
        """Whether there is room for one more; it is under way then."""
        if not self._has_room(sender):
            return False
        self._forget(sender)
        self._counts.update(name for name, _ in _limits(sender))
        return True

    def wait(self, sender: Sender) -> None:
        """There was no room: its lane waits behind the others."""
        self._forget(sender)
        self._waiting[sender.lane_id] = sender
        self._counts["waiting", sender.account_id] += 1

    def leave(self, sender: Sender) -> None:
        """One has ended: the lane of `next` is to be looked at."""
        self.ended += 1
        self._counts.subtract(name for name, _ in _limits(sender))
        self._counts += Counter()  # drops the zeros

    def next(self) -> Sender | None:
        """Who has waited longest of those that have room now; waits no longer."""
        found = next((one for one in self._waiting.values() if self._has_room(one)), None)
        if found is not None:
            self._forget(found)
        return found

    def _has_room(self, sender: Sender) -> bool:
        return all(
            self._counts[name] < min(most, most_around - self._counts[around])
            for (name, most), (around, most_around) in pairwise(_limits(sender))
        )

    def _forget(self, sender: Sender) -> None:
        waited = self._waiting.pop(sender.lane_id, None)
        if waited is not None:
            self._counts["waiting", waited.account_id] -= 1


def _limits(sender: Sender) -> tuple[tuple[tuple[str, str], int], ...]:
    """What a sender counts for, each inside the next, and how many may be under way of it."""
    return (
        (("number", sender.lane_id), OF_NUMBER),
        (("account", sender.account_id), OF_ACCOUNT),
        (("family", sender.family), OF_FAMILY),
        (_ALL, IN_ALL),
    )
