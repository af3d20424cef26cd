"""/v1/conversations"""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from ringback.compliance.service import is_opted_out
from ringback.conversations import service
from ringback.conversations.schemas import (
    ConversationCapabilities,
    ConversationDetail,
    ConversationList,
    ConversationSummary,
    MessageInConversation,
    MessagesListResponse,
    UpdateConversation,
)
from ringback.doors.rest.caller import Scoped
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import to_bytes
from ringback.doors.rest.paging import Cursor, Limit100, Limit200, Offset, messages_page, within_store
from ringback.doors.rest.parts import Parts, parts_of
from ringback.events.log import record
from ringback.kit.wire import DIGITS
from ringback.messages.errors import UnsupportedChannel
from ringback.messages.store import page_of_conversation
from ringback.storage.schema import numbers
from ringback.storage.tx import Reads, Row, Tx

router = APIRouter(route_class=JsonRoute, prefix="/v1/conversations", tags=["conversations"])


def _capabilities(parts: Parts, number: Row | None, opted_out: bool) -> ConversationCapabilities:
    reason = None
    if number is None or number["status"] != "active":
        reason = "the number was released"
    elif opted_out:
        reason = "the recipient opted out"
    elif parts.outbound_sms(number) != "enabled":
        reason = "the number is not registered for outbound SMS"
    able = reason is None
    return ConversationCapabilities(
        can_send_messages=able,
        media=able,
        reactions=False,
        emoji_reactions=False,
        send_disabled_reason=reason,
        send_channel="sms" if able else None,
        available_channels=["sms", "mms"] if able else [],
        media_channels=["mms"] if able else [],
    )


@router.get("", operation_id="listConversations", response_model=ConversationList)
async def list_conversations(
    request: Request, caller: Scoped, limit: Limit100 = 20, offset: Offset = 0
) -> JsonBytes:
    parts, start = parts_of(request), within_store(offset)

    def query(db: Reads) -> tuple[list[ConversationSummary], int]:
        rows = service.page(db, caller.account_id, limit=limit, offset=start)
        lines = {
            number_id: db.get(numbers, caller.account_id, number_id)
            for number_id in {row["number_id"] for row in rows}
        }
        data = [
            ConversationSummary.of(
                row, _capabilities(parts, lines[row["number_id"]], row["opted_out_since"] is not None)
            )
            for row in rows
        ]
        return data, service.count(db, caller.account_id)

    data, total = await parts.store.read(query)
    return JsonBytes(to_bytes(ConversationList(data=data, has_more=start + len(data) < total, total=total)))


@router.get("/{conversation_id}", operation_id="getConversation", response_model=ConversationDetail)
async def get_conversation(
    request: Request,
    caller: Scoped,
    conversation_id: str,
    message_limit: Annotated[int, Query(ge=1, le=100), DIGITS] = 50,
) -> JsonBytes:
    parts = parts_of(request)
    detail = await parts.store.read(
        lambda db: _detail(parts, db, service.get(db, caller.account_id, conversation_id), message_limit)
    )
    return JsonBytes(to_bytes(detail))


def _detail(parts: Parts, db: Reads, row: Row, message_limit: int) -> ConversationDetail:
    rows, _ = page_of_conversation(
        db, row["account_id"], row["id"], limit=message_limit, before=None, after=None
    )
    number = db.get(numbers, row["account_id"], row["number_id"])
    opted_out = is_opted_out(db, row["account_id"], row["number_id"], row["party"])
    able = _capabilities(parts, number, opted_out)
    return ConversationDetail.of(row, able, rows, parts.settings.own_url)


@router.patch("/{conversation_id}", operation_id="updateConversation", response_model=ConversationDetail)
async def update_conversation(
    request: Request, caller: Scoped, conversation_id: str, asked: UpdateConversation | None = None
) -> JsonBytes:
    parts = parts_of(request)
    asked = asked or UpdateConversation()

    def unit(tx: Tx) -> ConversationDetail:
        row = service.get(tx, caller.account_id, conversation_id)
        if asked.group_name is not None:
            raise UnsupportedChannel(
                "only groups have a name, and groups need an iMessage-class line", field="group_name"
            )
        if "metadata" in asked.model_fields_set:
            row = service.set_metadata(tx, caller.account_id, conversation_id, asked.metadata)
            record(
                tx,
                caller.account_id,
                "conversation.updated",
                about_agent=row["agent_id"],
                conversationId=conversation_id,
            )
        return _detail(parts, tx, row, 50)

    return JsonBytes(to_bytes(await parts.store.write(unit, account=caller.account_id)))


@router.get(
    "/{conversation_id}/messages", operation_id="getConversationMessages", response_model=MessagesListResponse
)
async def get_conversation_messages(
    request: Request,
    caller: Scoped,
    conversation_id: str,
    limit: Limit200 = 50,
    before: Cursor = None,
    after: Cursor = None,
) -> JsonBytes:
    account_id = caller.account_id

    def query(db: Reads) -> tuple[list[Row], bool]:
        service.get(db, account_id, conversation_id)
        scope = ("conversation_id", conversation_id)
        return messages_page(
            db, page_of_conversation, account_id, scope, limit=limit, before=before, after=after
        )

    parts = parts_of(request)
    rows, more = await parts.store.read(query)
    data = [MessageInConversation.of(row, parts.settings.own_url) for row in rows]
    return JsonBytes(to_bytes(MessagesListResponse.model_construct(data=data, has_more=more)))
