"""What an endpoint is told: the envelope of an event, rendered from ids at the first attempt (contract: Webhooks)."""

import json
from collections.abc import Mapping
from typing import Any

from ringback.calls import service as calls
from ringback.calls import store as call_store
from ringback.conversations import service as conversations
from ringback.kit.links import absolute
from ringback.kit.times import to_iso
from ringback.messages import service as messages
from ringback.messages import store as message_store
from ringback.storage.schema import conversations as conversations_table
from ringback.storage.schema import events
from ringback.storage.tx import Reads, Row

AGENT_MESSAGE = "agent.message"


def render(db: Reads, delivery: Row, endpoint: Row, base: str, people: Mapping[str, Row]) -> str:
    """The JSON text that a delivery holds; our media are reached at `base`, `people` are contacts by their number.

    An inbound text is an `agent.message`; whatever else is told has its type of the event log for a name.
    """
    account_id = delivery["account_id"]
    if delivery["call_id"] is not None:
        return _render_call(db, delivery, endpoint, people)
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
        history=_history(db, conversation, message["at"], endpoint["context_limit"]),
    )


def _render_call(db: Reads, delivery: Row, endpoint: Row, people: Mapping[str, Row]) -> str:
    """The end of a call, with all that was said."""
    call = calls.get(db, delivery["account_id"], delivery["call_id"])
    return envelope(
        event=delivery["event_type"],
        channel=delivery["channel"],
        at_ms=delivery["created_at"],
        agent_id=delivery["agent_id"],
        data={
            "callId": call["id"],
            "numberId": call["number_id"],
            "from": call["from_e164"],
            "to": call["to_e164"],
            "contact": _contact(people.get(party_of(call))),
            "direction": call["direction"],
            "status": call["status"],
            "startedAt": to_iso(call["created_at"]),
            "endedAt": to_iso(call["ended_at"]),
            "durationSeconds": call["duration_s"],
            "disconnectionReason": call["reason"],
            "transcript": [
                {"role": turn["role"], "content": turn["text"]} for turn in call_store.turns(db, call)
            ],
            "summary": None,
            "userSentiment": None,
            "callSuccessful": None,
        },
        state=state_of(db, call),
        history=history_of_texts(db, call, endpoint["context_limit"]),
    )


def party_of(call: Row) -> str:
    """The number of the other party of a call."""
    number: str = call["to_e164"] if call["direction"] == "outbound" else call["from_e164"]
    return number


def state_of(db: Reads, call: Row) -> dict[str, Any] | None:
    """The `conversationState` of a call: what was set at the texts of its number and its other party."""
    conversation = _conversation_of(db, call)
    return None if conversation is None else _state(conversation)


def history_of_texts(db: Reads, call: Row, limit: int) -> list[dict[str, Any]]:
    """The last texts before a call between its number and its other party, oldest first."""
    conversation = _conversation_of(db, call)
    if conversation is None or limit == 0:
        return []
    return _texts(db, conversation, call["created_at"], limit)


def texts_with(db: Reads, call: Row, limit: int) -> list[dict[str, Any]]:
    """The newest texts between a call's number and its other party, oldest first, those during the call as well."""
    conversation = _conversation_of(db, call)
    return [] if conversation is None else _texts(db, conversation, None, limit)


def _conversation_of(db: Reads, call: Row) -> Row | None:
    if call["conversation_id"] is None:
        return None
    return db.get(conversations_table, call["account_id"], call["conversation_id"])


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


def _history(db: Reads, conversation: Row, before: int, limit: int) -> list[dict[str, Any]]:
    if limit == 0 or conversation["message_count"] == 1:
        return []
    return _texts(db, conversation, before, limit)


def _texts(db: Reads, conversation: Row, before: int | None, limit: int) -> list[dict[str, Any]]:
    rows, _ = message_store.page_of_conversation(
        db, conversation["account_id"], conversation["id"], limit=limit, before=before, after=None
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
