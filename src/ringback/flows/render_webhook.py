"""What an endpoint is told: the envelope of an event, rendered from ids at the first attempt (contract: Webhooks)."""

import json
from typing import Any

from ringback.contacts import service as contacts
from ringback.conversations import service as conversations
from ringback.kit.links import absolute
from ringback.kit.times import to_iso
from ringback.messages import service as messages
from ringback.messages import store as message_store
from ringback.storage.schema import webhooks as webhooks_table
from ringback.storage.tx import Reads, Row


def render_message(db: Reads, delivery: Row, base: str) -> str:
    """The `agent.message` of an inbound text, with the history strictly before it; our media are reached at `base`."""
    account_id = delivery["account_id"]
    message = messages.get(db, account_id, delivery["message_id"])
    conversation = conversations.get(db, account_id, message["conversation_id"])
    endpoint = db.get(webhooks_table, account_id, delivery["scope"])
    limit = endpoint["context_limit"] if endpoint else 0
    metadata = conversation["metadata"]
    return envelope(
        channel=message["channel"],
        at_ms=message["at"],
        agent_id=delivery["agent_id"],
        data=_data(message, base, _contact(db, account_id, message["from_e164"])),
        state=None if metadata is None else json.loads(metadata),
        history=_history(db, message, limit),
    )


def envelope(
    *,
    channel: str,
    at_ms: int,
    agent_id: str | None,
    data: dict[str, Any],
    state: dict[str, Any] | None,
    history: list[dict[str, Any]],
    **more: Any,
) -> str:
    """The JSON text of an `agent.message` event. `at_ms` is clock time."""
    body = {
        "event": "agent.message",
        "channel": channel,
        "timestamp": to_iso(at_ms),
        "agentId": agent_id,
        "data": data,
        "conversationState": state,
        "recentHistory": history,
        **more,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _contact(db: Reads, account_id: str, e164: str) -> dict[str, Any] | None:
    """Who texted, as far as the account knows by now."""
    row = contacts.of_number(db, account_id, e164)
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


def _history(db: Reads, message: Row, limit: int) -> list[dict[str, Any]]:
    if limit == 0:
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
