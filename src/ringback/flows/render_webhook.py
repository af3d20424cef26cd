"""What an endpoint is told: the envelope of an event, rendered from ids at the first attempt (contract: Webhooks)."""

import json
from collections.abc import Mapping
from typing import Any

from ringback.conversations import service as conversations
from ringback.kit.links import absolute
from ringback.kit.times import to_iso
from ringback.messages import service as messages
from ringback.messages import store as message_store
from ringback.storage.schema import events
from ringback.storage.tx import Reads, Row

AGENT_MESSAGE = "agent.message"


def render(db: Reads, delivery: Row, endpoint: Row, base: str, people: Mapping[str, Row]) -> str:
    """The JSON text that a delivery holds; our media are reached at `base`, `people` are contacts by their number.

    An inbound text is an `agent.message`; whatever else is told has its type of the event log for a name.
    """
    account_id = delivery["account_id"]
    if delivery["event_type"] != AGENT_MESSAGE:
        return _render_event(db, delivery)
    message = messages.get(db, account_id, delivery["message_id"])
    conversation = conversations.get(db, account_id, message["conversation_id"])
    return envelope(
        channel=message["channel"],
        at_ms=message["at"],
        agent_id=delivery["agent_id"],
        data=_data(message, base, _contact(people.get(message["from_e164"]))),
        state=_state(conversation),
        history=_history(db, message, conversation, endpoint["context_limit"]),
    )


def _render_event(db: Reads, delivery: Row) -> str:
    """An event of the log, and of a message's way what its receiver would look up next."""
    account_id, event_type = delivery["account_id"], delivery["event_type"]
    event = db.get(events, account_id, delivery["event_seq"])
    at_ms = delivery["created_at"] if event is None else event["at"]
    data = {} if event is None else json.loads(event["data"])
    state = None
    if delivery["message_id"] is not None:
        message = messages.get(db, account_id, delivery["message_id"])
        status = event_type.removeprefix("message.")
        if event is None and message["status"] == status:
            # The log forgets events before a redelivery may ask for them.
            data = {"errorCode": message["error_code"]}
        data = _status(message, status, at_ms, data.get("errorCode"))
        state = _state(conversations.get(db, account_id, message["conversation_id"]))
    return envelope(
        event=event_type,
        channel=delivery["channel"],
        at_ms=at_ms,
        agent_id=delivery["agent_id"],
        data=data,
        state=state,
        history=[],
    )


def _status(message: Row, status: str, at_ms: int, code: str | None) -> dict[str, Any]:
    """What became of an outbound text; the reason as far as the text has not moved on since."""
    return {
        "messageId": message["id"],
        "id": message["id"],
        "conversationId": message["conversation_id"],
        "numberId": message["number_id"],
        "from": message["from_e164"],
        "to": message["to_e164"],
        "direction": message["direction"],
        "status": status,
        "errorCode": code,
        "failureReason": message["failure_reason"] if message["status"] == status else None,
        "at": to_iso(at_ms),
    }


def _state(conversation: Row) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (
        None if conversation["metadata"] is None else json.loads(conversation["metadata"])
    )
    return found


def envelope(
    *,
    channel: str,
    at_ms: int,
    agent_id: str | None,
    data: dict[str, Any],
    state: dict[str, Any] | None,
    history: list[dict[str, Any]],
    event: str = AGENT_MESSAGE,
    **more: Any,
) -> str:
    """The JSON text of an event. `at_ms` is clock time."""
    body = {
        "event": event,
        "channel": channel,
        "timestamp": to_iso(at_ms),
        "agentId": agent_id,
        "data": data,
        "conversationState": state,
        "recentHistory": history,
        **more,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _contact(row: Row | None) -> dict[str, Any] | None:
    """Who texted, as far as the account knows by now."""
    if row is None:
        return None
    return {"id": row["id"], "name": row["name"], "email": row["email"], "phoneNumber": row["e164"]}


def _data(message: Row, base: str, contact: dict[str, Any] | None) -> dict[str, Any]:
    media = absolute(base, messages.media_of(message))
    return {
        "messageId": message["id"],
        "id": message["id"],
        "conversationId": message["conversation_id"],
        "numberId": message["number_id"],
        "from": message["from_e164"],
        "to": message["to_e164"],
        "contact": contact,
        "message": message["body"],
        "mediaUrl": media[0] if media else None,
        "mediaUrls": media,
        "direction": "inbound",
        "receivedAt": to_iso(message["at"]),
        "senderIdentifier": message["from_e164"],
        "externalId": None,
        "group": None,
    }


def _history(db: Reads, message: Row, conversation: Row, limit: int) -> list[dict[str, Any]]:
    if limit == 0 or conversation["message_count"] == 1:
        return []
    rows, _ = message_store.page_of_conversation(
        db, message["account_id"], message["conversation_id"], limit=limit, before=message["at"], after=None
    )
    return [
        {
            "messageId": row["id"],
            "content": row["body"],
            "direction": row["direction"],
            "channel": row["channel"],
            "at": to_iso(row["at"]),
        }
        for row in reversed(rows)
    ]
