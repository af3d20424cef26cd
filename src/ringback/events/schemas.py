"""Events on the wire."""

import json
from typing import Any, Literal

from ringback.events.catalogue import CATALOGUE
from ringback.events.store import Look
from ringback.kit.times import to_iso
from ringback.kit.wire import ABSENT, CamelWire, IsoTime, Text
from ringback.storage.tx import Row


class EventOut(CamelWire):
    """One event. `seq` counts up by one in its account, and is what a reader goes on after."""

    seq: int
    id: str
    type: str
    version: int
    at: IsoTime
    agent_id: str | None
    data: dict[str, Any]
    request_id: str | None

    @classmethod
    def of(cls, row: Row) -> "EventOut":
        kind = CATALOGUE.get(row["type"])
        return cls(
            seq=row["seq"],
            id=row["id"],
            type=row["type"],
            version=1 if kind is None else kind.version,
            at=to_iso(row["at"]),
            agent_id=row["agent_id"],
            data=json.loads(row["data"]),
            request_id=row["request_id"],
        )


class EventList(CamelWire):
    """A page of the log, oldest first. Go on `after=nextAfter`."""

    data: list[EventOut]
    has_more: bool
    next_after: int

    @classmethod
    def of(cls, look: Look) -> "EventList":
        return cls(data=list(map(EventOut.of, look.rows)), has_more=look.more, next_after=look.next_after)


class ReplayEvents(CamelWire):
    """Events behind `after` up to `until` to be told again to an endpoint: the project's, or an agent's by its id."""

    webhook: Text = "project"
    after: int
    until: int | None = None
    types: list[Text] = ABSENT


class ReplayedEvents(CamelWire):
    """How many deliveries were planned, and after which sequence to go on where there is more."""

    success: Literal[True] = True
    planned: int
    next_after: int
    has_more: bool
