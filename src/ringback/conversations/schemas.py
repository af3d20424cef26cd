"""Conversations on the wire (contract: ConversationSummary, ConversationDetail, AgentConversationSummary)."""

import json
from typing import Any, Literal

from pydantic import Field

from ringback.kit.links import absolute
from ringback.kit.times import to_iso
from ringback.kit.wire import CamelWire, IsoTime, Text, Wire
from ringback.storage.tx import Row

FoundIn = Literal["text", "speech", "metadata", "number", "name"]


class UpdateConversation(Wire):
    metadata: dict[str, Any] | None = None
    group_name: Text | None = None


class ConversationCapabilities(CamelWire):
    can_send_messages: bool
    media: bool
    reactions: bool
    emoji_reactions: bool
    send_disabled_reason: str | None = None
    send_channel: str | None = None
    available_channels: list[str] = Field(default_factory=list)
    media_channels: list[str] = Field(default_factory=list)


class GroupParticipant(CamelWire):
    identifier: str
    name: str | None = None


class ReactionInConversation(CamelWire):
    id: str
    reaction_type: str
    from_number: str
    direction: str
    created_at: IsoTime


class ReplyToInConversation(CamelWire):
    message_id: str
    message: str
    media_urls: list[str] = Field(default_factory=list)


class MessageInConversation(CamelWire):
    id: str
    body: str
    from_number: str
    to_number: str
    direction: str
    sender_identifier: str | None = None
    channel: str | None = None
    media_url: str | None = None
    media_urls: list[str] = Field(default_factory=list)
    received_at: IsoTime
    reactions: list[ReactionInConversation] = Field(default_factory=list)
    reply_to: ReplyToInConversation | None = None
    status: str | None = None
    failure_reason: str | None = None
    content: dict[str, Any] | None = None
    delivered_at: IsoTime | None = None
    delivered_channel: str | None = None
    read_at: IsoTime | None = None
    error_code: str | None = None

    @classmethod
    def of(cls, row: Row, base: str) -> "MessageInConversation":
        """`base` is where the server's own media are reached."""
        media = absolute(base, json.loads(row["media_urls"]))
        delivered = row["delivered_at"]
        return cls.model_construct(
            id=row["id"],
            body=row["body"],
            from_number=row["from_e164"],
            to_number=row["to_e164"],
            direction=row["direction"],
            sender_identifier=row["from_e164"],
            channel=row["channel"],
            media_url=media[0] if media else None,
            media_urls=media,
            received_at=to_iso(row["at"]),
            reactions=[],
            status=row["status"],
            failure_reason=row["failure_reason"],
            delivered_at=None if delivered is None else to_iso(delivered),
            delivered_channel=None if delivered is None else row["channel"],
            error_code=row["error_code"],
        )


class MessagesListResponse(CamelWire):
    data: list[MessageInConversation]
    has_more: bool


class _Conversation(CamelWire):
    id: str
    agent_id: str | None
    phone_number_id: str
    phone_number: str
    participant: str
    is_group: bool = False
    group_id: str | None = None
    group_name: str | None = None
    group_icon_url: str | None = None
    participants: list[GroupParticipant] | None = None
    last_message_at: IsoTime
    message_count: int
    metadata: dict[str, Any] | None
    created_at: IsoTime
    channel: str | None = None
    capabilities: ConversationCapabilities | None = None


class ConversationSummary(_Conversation):
    last_message_preview: str

    @classmethod
    def of(cls, row: Row, capabilities: ConversationCapabilities) -> "ConversationSummary":
        return cls(**_fields(row), capabilities=capabilities, last_message_preview=row["last_preview"])


class ConversationDetail(_Conversation):
    messages: list[MessageInConversation]

    @classmethod
    def of(
        cls, row: Row, capabilities: ConversationCapabilities, messages: list[Row], base: str
    ) -> "ConversationDetail":
        return cls(
            **_fields(row),
            capabilities=capabilities,
            messages=[MessageInConversation.of(message, base) for message in messages],
        )


class ConversationList(CamelWire):
    data: list[ConversationSummary]
    has_more: bool
    total: int


class SearchHit(CamelWire):
    found_in: FoundIn
    at: IsoTime
    snippet: str
    role: str | None
    direction: str | None
    participant: str | None
    phone_number: str | None
    agent_id: str | None
    conversation_id: str | None
    message_id: str | None
    call_id: str | None
    start_ms: int | None


class SearchResults(CamelWire):
    data: list[SearchHit]
    has_more: bool
    next_cursor: str | None


class AgentConversationSummary(CamelWire):
    id: str
    agent_id: str | None
    phone_number_id: str
    phone_number: str
    participant: str
    last_message_at: IsoTime
    last_message_preview: str
    message_count: int
    created_at: IsoTime

    @classmethod
    def of(cls, row: Row) -> "AgentConversationSummary":
        return cls(
            id=row["id"],
            agent_id=row["agent_id"],
            phone_number_id=row["number_id"],
            phone_number=row["number_e164"],
            participant=row["party"],
            last_message_at=to_iso(row["last_message_at"]),
            last_message_preview=row["last_preview"],
            message_count=row["message_count"],
            created_at=to_iso(row["created_at"]),
        )


class AgentConversationList(CamelWire):
    data: list[AgentConversationSummary]
    has_more: bool
    total: int


def _fields(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "agent_id": row["agent_id"],
        "phone_number_id": row["number_id"],
        "phone_number": row["number_e164"],
        "participant": row["party"],
        "last_message_at": to_iso(row["last_message_at"]),
        "message_count": row["message_count"],
        "metadata": None if row["metadata"] is None else json.loads(row["metadata"]),
        "created_at": to_iso(row["created_at"]),
        "channel": row["channel"],
    }
