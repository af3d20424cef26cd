"""Tools for texts and conversations."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from ringback.doors.mcp.api import Api
from ringback.doors.mcp.arguments import (
    ABSENT,
    AgentId,
    Arguments,
    Id,
    Limit,
    Number,
    NumberId,
    Offset,
    Record,
    Text,
    Texts,
    Whole,
    Writing,
)
from ringback.doors.mcp.results import MOST, brief, cursor_page, listed, offset_page
from ringback.doors.mcp.tools import tool

_MESSAGE = (
    "id",
    "direction",
    "fromNumber",
    "toNumber",
    "body",
    "status",
    "errorCode",
    "failureReason",
    "mediaUrls",
    "receivedAt",
)
_CONVERSATION = (
    "id",
    "participant",
    "phoneNumber",
    "phoneNumberId",
    "agentId",
    "messageCount",
    "lastMessageAt",
    "metadata",
)
ConversationId = Annotated[Id, Field(description="A conversation's id, conv_...")]
MessageId = Annotated[Id, Field(description="A message's id, msg_...")]
Before = Annotated[Id, Field(description="A message's id or a time: what is older. `next` says it.")]
After = Annotated[Id, Field(description="A message's id or a time: what is newer.")]
Style = Literal[
    "celebration",
    "fireworks",
    "lasers",
    "love",
    "confetti",
    "balloons",
    "spotlight",
    "echo",
    "invisible",
    "gentle",
    "loud",
    "slam",
]


class SendMessage(Writing):
    agent_id: Annotated[AgentId, Field(description="Sends from this agent's first number.")] = ABSENT
    to_number: Number
    body: Annotated[Text, Field(description="Up to 1,600 characters.")]
    media_url: Annotated[Text, Field(description="A picture or file to send, by its URL.")] = ABSENT
    media_urls: Annotated[Texts, Field(description="Several, 20 at most.")] = ABSENT
    number_id: NumberId = ABSENT
    from_number: Annotated[Number, Field(description="One of your numbers, instead of number_id.")] = ABSENT
    reply_to_message_id: Annotated[MessageId, Field(description="Only on iMessage-class lines.")] = ABSENT
    send_style: Annotated[Style, Field(description="Only on iMessage-class lines.")] = ABSENT

    may_be_empty = frozenset({"body"})


@tool("Send a text", SendMessage)
async def send_message(api: Api, asked: SendMessage) -> Any:
    """Send a text. Name the sender by agent_id, number_id or from_number. The answer says that it is queued; get_message
    tells whether it arrived. The first text to somebody should say who writes and that STOP ends it."""
    body = asked.given()
    body.pop("idempotency_key", None)
    return brief(await api.post("v1/messages", body=body))


class GetMessage(Arguments):
    message_id: MessageId


@tool("What became of a text", GetMessage)
async def get_message(api: Api, asked: GetMessage) -> Any:
    """One text with its status, each step on its way, and whose side a failure is."""
    return brief(await api.get("v1/messages", asked.message_id), most=MOST)


class GetMessages(Arguments):
    number_id: NumberId
    limit: Annotated[Whole, Field(ge=1, le=200, description="How many at most.")] = 50
    before: Before = ABSENT
    after: After = ABSENT


@tool("Texts of a number", GetMessages)
async def get_messages(api: Api, asked: GetMessages) -> Any:
    """Texts that a number sent and got, newest first. To hold a conversation, read the newest with `after` the id of the
    last that you know."""
    answer = await api.get(
        "v1/numbers",
        asked.number_id,
        "messages",
        query={"limit": asked.limit, "before": asked.before, "after": asked.after},
    )
    rows = [brief(row, *_MESSAGE) for row in answer["data"]]
    return cursor_page(rows, more=answer["hasMore"], after=asked.after)


class ListConversations(Arguments):
    agent_id: AgentId = ABSENT
    limit: Limit = 20
    offset: Offset = 0


@tool("List conversations", ListConversations)
async def list_conversations(api: Api, asked: ListConversations) -> Any:
    """Conversations, each of one of your numbers with one person, by last activity."""
    path = ("v1/conversations",) if asked.agent_id is None else ("v1/agents", asked.agent_id, "conversations")
    answer = await api.get(*path, query={"limit": asked.limit, "offset": asked.offset})
    rows = [brief(row, *_CONVERSATION) for row in answer["data"]]
    return offset_page("conversations", answer, rows, asked.offset)


class GetConversation(Arguments):
    conversation_id: ConversationId
    message_limit: Limit = 50
    before: Before = ABSENT


@tool("Read a conversation", GetConversation)
async def get_conversation(api: Api, asked: GetConversation) -> Any:
    """A conversation with its texts, newest first, and the state that was kept with it (metadata)."""
    return await conversation(api, asked.conversation_id, asked.message_limit, asked.before)


async def conversation(api: Api, conversation_id: str, limit: int, before: str | None) -> dict[str, Any]:
    """A conversation with a page of its messages."""
    head = await api.get("v1/conversations", conversation_id, query={"message_limit": 1})
    page = await api.get(
        "v1/conversations", conversation_id, "messages", query={"limit": limit, "before": before}
    )
    rows = [brief(row, *_MESSAGE) for row in page["data"]]
    told = brief(head, *_CONVERSATION, most=MOST)
    # What is kept with it may be long, and takes its room from the texts.
    return told | cursor_page(rows, more=page["hasMore"], after=None, room=MOST - len(json.dumps(told)))


class SearchConversations(Arguments):
    query: Annotated[
        Text, Field(min_length=1, description='Up to 8 words, all of which must be there; "..." is one word.')
    ]
    number: Annotated[Number, Field(description="Part of a phone number: only what is with it.")] = ABSENT
    limit: Annotated[Whole, Field(ge=1, le=40, description="How many at most.")] = 20
    cursor: Annotated[Text, Field(description="`next` of an answer says it.")] = ABSENT


@tool("Search conversations", SearchConversations)
async def search_conversations(api: Api, asked: SearchConversations) -> Any:
    """Find texts and what was said in calls by words, and conversations by number, contact's name or metadata. Newest
    first. get_conversation and get_call read on."""
    query = {"q": asked.query, "number": asked.number, "limit": asked.limit, "cursor": asked.cursor}
    answer = await api.get("v1/search", query=query)
    hits = [brief(row) for row in answer["data"]]
    return listed("found", hits, more=answer["hasMore"], next_=lambda shown: {"cursor": answer["nextCursor"]})


class UpdateConversation(Writing):
    conversation_id: ConversationId
    metadata: Annotated[
        Record, Field(description="Replaces what was kept. Webhooks carry it as conversationState.")
    ]


@tool("Keep state with a conversation", UpdateConversation)
async def update_conversation(api: Api, asked: UpdateConversation) -> Any:
    """Keep an object of your own with a conversation. It replaces the earlier one whole."""
    answer = await api.patch("v1/conversations", asked.conversation_id, body={"metadata": asked.metadata})
    return brief(answer, *_CONVERSATION)
