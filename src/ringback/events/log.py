"""Writing events, in the transaction that they tell of."""

from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from ringback.events.catalogue import CATALOGUE
from ringback.storage.schema import accounts, events
from ringback.storage.tx import Row, Tx


@dataclass(frozen=True, slots=True)
class Event:
    """One event as recorded. `seq` counts up by one in its account; `at` is clock time in ms."""

    account_id: str
    seq: int
    id: str
    type: str
    at: int


def topic(account_id: str) -> str:
    """What wakes those who read the account's events."""
    return f"events:{account_id}"


def record(
    tx: Tx,
    account_id: str,
    type_: str,
    counts: dict[str, int] | None = None,
    *,
    about_agent: str | None = None,
    **data: Any,
) -> Event:
    """Write an event with the account's next sequence, and add `counts` to the account's totals.

    `type_` is one of the catalogue and `data` has just its fields: ids and plain values, never secrets or bodies.
    `about_agent` is whom it concerns, where `agentId` does not say so.
    """
    assert data.keys() == CATALOGUE[type_].fields.keys(), f"{type_} has other data: {sorted(data)}"
    head = tx.get(accounts, account_id)
    assert head is not None
    seq: int = head["event_seq"] + 1
    totals: Row = {name: head[name] + more for name, more in (counts or {}).items()}
    tx.update(accounts, head, event_seq=seq, **totals)
    row = tx.insert(
        events,
        account_id=account_id,
        seq=seq,
        id=tx.new_id("evt"),
        type=type_,
        at=tx.now,
        data=to_json(data).decode(),
        request_id=tx.request_id,
        agent_id=about_agent or data.get("agentId"),
    )
    tx.wake(topic(account_id))
    return Event(account_id, seq, row["id"], type_, tx.now)
