"""Events on the wire."""

import json
from typing import Annotated, Any

from pydantic import Field

from ringback.events.catalogue import CATALOGUE, version_of
from ringback.events.store import Page
from ringback.kit.times import to_iso
from ringback.kit.wire import WHOLE, CamelWire, IsoTime, Text
from ringback.storage.tx import Row

_FIELDS = {
    name: next((kind for kind in kinds if isinstance(kind, list)), kinds[0])
    for name in sorted({name for known in CATALOGUE.values() for name in known.fields})
    if (kinds := [known.fields[name] for known in CATALOGUE.values() if name in known.fields])
}
"""What the data of any event may hold."""


class EventOut(CamelWire):
    seq: int
    id: str
    type: Annotated[str, Field(json_schema_extra={"enum": list(CATALOGUE)})]
    version: int
    at: IsoTime
    agent_id: str | None
    data: Annotated[
        dict[str, Any],
        Field(json_schema_extra={"properties": {name: {"type": kind} for name, kind in _FIELDS.items()}}),
    ]
    request_id: str | None

    @classmethod
    def of(cls, row: Row) -> "EventOut":
        return cls.model_construct(
            seq=row["seq"],
            id=row["id"],
            type=row["type"],
            version=version_of(row["type"]),
            at=to_iso(row["at"]),
            agent_id=row["agent_id"],
            data=json.loads(row["data"]),
            request_id=row["request_id"],
        )


class ReplayEvents(CamelWire):
    """Which events an endpoint is told again: `project`'s, or that of an agent, by its id."""

    webhook: Text = "project"
    after: Annotated[int, Field(ge=0), WHOLE]
    until: Annotated[int, Field(ge=0), WHOLE] | None = None
    types: Annotated[list[Text], Field(max_length=50)] | None = None


class ReplayedEvents(CamelWire):
    planned: int
    has_more: bool
    next_after: int


class EventList(CamelWire):
    data: list[EventOut]
    has_more: bool
    next_after: int
    newest: int

    @classmethod
    def of(cls, page: Page) -> "EventList":
        return cls.model_construct(
            data=[EventOut.of(row) for row in page.rows],
            has_more=page.has_more,
            next_after=page.next_after,
            newest=page.newest,
        )
