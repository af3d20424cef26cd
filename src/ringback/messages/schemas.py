"""Messages on the wire (contract: SendMessageResponse, MessageResponse, MessageInConversation)."""

import json
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from ringback.kit.links import absolute
from ringback.kit.times import to_iso
from ringback.kit.wire import ABSENT, WHOLE, CamelWire, IsoTime, Text, Wire, text_up_to
from ringback.storage.tx import Row

SendStyle = Literal[
    "celebration", "fireworks", "lasers", "love", "confetti", "balloons", "spotlight", "echo", "invisible", "gentle",
    "loud", "slam",
]  # fmt: skip
MAX_VALIDITY_S = 7 * 24 * 3600


class SendExtras(CamelWire):
    """What is ours: how long a carrier may try (default 72 h)."""

    validity_seconds: Annotated[int, Field(ge=1, le=MAX_VALIDITY_S), WHOLE] = 72 * 3600


class SendMessage(Wire):
    agent_id: Text | None = None
    to_number: Text | None = None
    recipients: list[Text] | None = None
    body: Text | None = ""
    media_url: Text | None = None
    media_urls: Annotated[list[Text], Field(max_length=20)] | None = None
    number_id: Text | None = None
    from_number: Text | None = None
    send_style: SendStyle = ABSENT
    reply_to_message_id: Text | None = None
    ringback: SendExtras | None = None


class SentExtras(CamelWire):
    """What is ours: parts, and when a carrier's pace lets the text go; null where none holds it back."""

    segments: int
    encoding: str
    estimated_send_at: IsoTime | None = None


class SendMessageResponse(Wire):
    id: str
    status: str
    channel: str
    from_number: str
    to_number: str
    conversation_id: str | None
    media_urls: list[str]
    reply_to_message_id: str | None
    reply_parent_unresolved: bool | None
    ringback: SentExtras | None = None

    @classmethod
    def of(cls, row: Row, estimated_at: int | None) -> "SendMessageResponse":
        """`estimated_at` is when (ms) its carrier's pace lets the text go."""
        return cls.model_construct(
            id=row["id"],
            status=row["status"],
            channel=row["channel"],
            from_number=row["from_e164"],
            to_number=row["to_e164"],
            conversation_id=row["conversation_id"],
            media_urls=_media(row),
            reply_to_message_id=None,
            reply_parent_unresolved=None,
            ringback=SentExtras.model_construct(
                segments=row["segments"],
                encoding=row["encoding"],
                estimated_send_at=None if estimated_at is None else to_iso(estimated_at),
            ),
        )


class MessageResponse(CamelWire):
    id: str
    from_: str = Field(alias="from_")
    to: str
    body: str
    direction: str
    channel: str | None = None
    received_at: IsoTime
    status: str | None = None
    failure_reason: str | None = None
    media_url: str | None = None
    media_urls: list[str] | None = None
    conversation_id: str | None = None
    from_again: str = Field(alias="from")
    from_number: str
    to_number: str

    @classmethod
    def of(cls, row: Row, base: str) -> "MessageResponse":
        """`base` is where the server's own media are reached."""
        media = absolute(base, _media(row))
        return cls.model_construct(
            id=row["id"],
            from_=row["from_e164"],
            to=row["to_e164"],
            body=row["body"],
            direction=row["direction"],
            channel=row["channel"],
            received_at=to_iso(row["at"]),
            status=row["status"],
            failure_reason=row["failure_reason"],
            media_url=media[0] if media else None,
            media_urls=media,
            conversation_id=row["conversation_id"],
            from_again=row["from_e164"],
            from_number=row["from_e164"],
            to_number=row["to_e164"],
        )


class MessageListResponse(CamelWire):
    data: list[MessageResponse]
    has_more: bool


class StepOut(CamelWire):
    """One step of a message's story; `delivery_id` where it is a webhook's."""

    kind: str
    at: IsoTime
    attempt: int | None
    code: str | None
    side: str | None
    detail: str | None
    delivery_id: str | None


class FailureOut(CamelWire):
    side: str
    code: str | None
    why: str


class StoryOut(CamelWire):
    """What is ours of a message: `carrier_ref` is the carrier's own id of it, `valid_until` how long it may be tried."""

    segments: int
    encoding: str
    carrier: str
    carrier_ref: str | None
    valid_until: IsoTime | None
    request_id: str | None
    failure: FailureOut | None
    steps: list[StepOut]


class MessageDetail(MessageResponse):
    """A message with its whole story."""

    ringback: StoryOut

    @classmethod
    def telling(
        cls, row: Row, base: str, steps: Sequence[StepOut], failure: FailureOut | None
    ) -> "MessageDetail":
        """`base` is where the server's own media are reached."""
        story = StoryOut(
            segments=row["segments"],
            encoding=row["encoding"],
            carrier=row["carrier"],
            carrier_ref=row["carrier_ref"],
            valid_until=None if row["valid_until"] is None else to_iso(row["valid_until"]),
            request_id=row["request_id"],
            failure=failure,
            steps=list(steps),
        )
        return cls.model_construct(**dict(MessageResponse.of(row, base)), ringback=story)


class SettleMessage(CamelWire):
    """What a person found out about an unconfirmed text."""

    status: Literal["delivered", "failed"]
    note: text_up_to(4_000) | None = None  # type: ignore[valid-type]


def _media(row: Row) -> list[str]:
    if row["media_urls"] == "[]":
        return []
    urls: list[str] = json.loads(row["media_urls"])
    return urls
