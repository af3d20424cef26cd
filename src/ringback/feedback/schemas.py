"""Feedback on the wire (contract: submitFeedback), and as the operator reads it."""

import json
from typing import TYPE_CHECKING

from ringback.kit.times import to_iso
from ringback.kit.wire import CamelWire, IsoTime, Wire, text_up_to
from ringback.storage.tx import Row

MAX_TAGS = 20
if TYPE_CHECKING:
    Category = str
    Note = str
    Short = str
    Url = str
    Tag = str
else:
    Category = text_up_to(100, at_least=1)
    Note = text_up_to(10_000, at_least=1)
    Short = text_up_to(255)
    Url = text_up_to(2_048)
    Tag = text_up_to(100, at_least=1)


class SubmitFeedback(Wire):
    category: Category
    note: Note
    request_id: Short | None = None
    url: Url | None = None
    tags: list[Tag] | None = None


class FeedbackSubmitted(Wire):
    success: bool
    id: str


class Feedback(CamelWire):
    """One entry, for the operator; `request_id` is the request that it speaks of."""

    id: str
    account_id: str
    created_at: IsoTime
    category: str
    note: str
    request_id: str | None
    url: str | None
    tags: list[str]

    @classmethod
    def of(cls, row: Row) -> "Feedback":
        return cls(
            id=row["id"],
            account_id=row["account_id"],
            created_at=to_iso(row["created_at"]),
            category=row["category"],
            note=row["note"],
            request_id=row["about_request_id"],
            url=row["url"],
            tags=json.loads(row["tags"]),
        )
