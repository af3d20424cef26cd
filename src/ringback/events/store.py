"""Reading an account's events, oldest first.

A sequence is taken under the account's lock, which is held until the commit: whoever sees an event sees all before it,
so a reader that goes on after the last sequence it saw misses none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from ringback.events.errors import EventsExpired
from ringback.kit.faults import Invalid
from ringback.storage.schema import accounts, events
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row

SCAN = 10_000
"""Events that one look passes over at most, whether they are wanted or not."""

_RANGE = (
    events.c.account_id == bindparam("account_id"),
    events.c.seq > bindparam("after"),
    events.c.seq <= bindparam("until"),
)
_OF_TYPES = bindparam("types").like("%," + events.c.type + ",%")
_OF_AGENT = events.c.agent_id == bindparam("agent_id")
_PAGES = {
    (by_type, by_agent): Statement(
        select(events)
        .where(*_RANGE, *([_OF_TYPES] if by_type else []), *([_OF_AGENT] if by_agent else []))
        .order_by(events.c.seq)
        .limit(bindparam("limit"))
    )
    for by_type in (False, True)
    for by_agent in (False, True)
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for: of these types, or all; of this agent, or all."""

    types: frozenset[str] | None = None
    agent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some events; where to go on; and the newest sequence of the account, as the page saw it.

    `over`: the account was deleted, and nothing will come any more.
    """

    rows: Sequence[Row]
    next_after: int
    newest: int
    over: bool

    @property
    def has_more(self) -> bool:
        """Whether there is anything to look at behind `next_after`."""
        return self.next_after < self.newest


def page(db: Reads, account_id: str, wanted: Wanted, *, after: int | None, limit: int) -> Page:
    """Events after a sequence, or from the oldest that is kept.

    Raises `EventsExpired` where some of what comes after it is kept no longer, `Invalid` where nothing is so new.
    """
    head = db.get(accounts, account_id)
    assert head is not None
    newest: int = head["event_seq"]
    start = checked(head, after)
    until = min(newest, start + SCAN)
    over = head["deleted_at"] is not None
    if start == newest:
        return Page([], start, newest, over)
    params = {"account_id": account_id, "after": start, "until": until, "limit": limit + 1}
    if wanted.types is not None:
        params["types"] = f",{','.join(sorted(wanted.types))},"
    if wanted.agent_id is not None:
        params["agent_id"] = wanted.agent_id
    statement = _PAGES[wanted.types is not None, wanted.agent_id is not None]
    rows = db.all(statement, **params)
    if len(rows) > limit:
        rows = rows[:limit]
        until = rows[-1]["seq"]
    return Page(rows, until, newest, over)


def checked(head: Row, after: int | None, *, field: str = "after", where: str = "query") -> int:
    """Where a reader of this account may begin; `field` and `where` are how it said so. Raises as `page` does."""
    oldest, newest = head["events_pruned"], head["event_seq"]
    if after is None:
        return int(oldest)
    if after < oldest:
        raise EventsExpired(
            f"events up to {oldest} are kept no longer: go on with after={oldest}, and look for what came before in"
            " messages and conversations",
            field=field,
        )
    if after > newest:
        raise Invalid(f"is {after}, and the newest event is {newest}", field=field, where=where)
    return after
