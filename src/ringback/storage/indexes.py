"""The indexes of every table. Apart from the tables, because only migrations need them: naming PostgreSQL's options
loads its dialect, which takes a tenth of a second that no start should pay.
"""

from typing import Any

from sqlalchemy import Index, text

from ringback.storage.schema import (
    accounts,
    agents,
    api_keys,
    calls,
    contacts,
    conversations,
    deliveries,
    idempotency,
    lanes,
    messages,
    number_orders,
    numbers,
    outbox,
    web_tokens,
)


def _only(where: str) -> dict[str, Any]:
    """A partial index, in both dialects."""
    return {"sqlite_where": text(where), "postgresql_where": text(where)}


Index("api_keys_by_hash", api_keys.c.hash, unique=True)
Index(
    "accounts_by_parent",
    accounts.c.parent_id,
    accounts.c.created_at,
    accounts.c.id,
    **_only("parent_id IS NOT NULL"),
)
Index("agents_by_age", agents.c.account_id, agents.c.created_at, agents.c.id)
Index("numbers_by_age", numbers.c.account_id, numbers.c.status, numbers.c.created_at, numbers.c.id)
Index("numbers_by_agent", numbers.c.account_id, numbers.c.agent_id, numbers.c.attached_at)
Index("numbers_by_expiry", numbers.c.expires_at, **_only("expires_at IS NOT NULL AND status = 'active'"))
Index("number_orders_open", number_orders.c.state, number_orders.c.created_at, **_only("state = 'open'"))
Index(
    "conversations_by_activity",
    conversations.c.account_id,
    conversations.c.last_message_at,
    conversations.c.id,
)
Index(
    "conversations_by_agent",
    conversations.c.account_id,
    conversations.c.agent_id,
    conversations.c.last_message_at,
    conversations.c.id,
)
Index("contacts_by_number", contacts.c.account_id, contacts.c.e164, unique=True)
Index("contacts_by_age", contacts.c.account_id, contacts.c.created_at, contacts.c.id)
Index("messages_by_number", messages.c.account_id, messages.c.number_id, messages.c.at)
Index("messages_by_conversation", messages.c.account_id, messages.c.conversation_id, messages.c.at)
Index("deliveries_by_age", deliveries.c.account_id, deliveries.c.created_at, deliveries.c.id)
Index(
    "deliveries_by_scope",
    deliveries.c.account_id,
    deliveries.c.scope,
    deliveries.c.created_at,
    deliveries.c.id,
)
Index(
    "deliveries_by_message",
    deliveries.c.account_id,
    deliveries.c.message_id,
    **_only("message_id IS NOT NULL"),
)
Index(
    "deliveries_failed",
    deliveries.c.account_id,
    deliveries.c.created_at,
    deliveries.c.id,
    **_only("status = 'failed'"),
)
Index(
    "lanes_due",
    lanes.c.kind,
    lanes.c.carrier,
    lanes.c.next_at,
    lanes.c.served_at,
    **_only("next_at IS NOT NULL"),
)
Index("outbox_ready", outbox.c.lane_id, outbox.c.due_at, outbox.c.position, **_only("state = 'ready'"))
Index("outbox_waiting", outbox.c.account_id, outbox.c.chain, outbox.c.position, **_only("state = 'waiting'"))
Index(
    "outbox_expiring",
    outbox.c.kind,
    outbox.c.expires_at,
    **_only("expires_at IS NOT NULL AND state <> 'claimed'"),
)
Index("outbox_claimed", outbox.c.kind, outbox.c.lease_until, **_only("state = 'claimed'"))
Index("calls_by_age", calls.c.account_id, calls.c.created_at, calls.c.id)
Index("calls_by_agent", calls.c.account_id, calls.c.agent_id, calls.c.created_at, calls.c.id)
Index("calls_by_number", calls.c.account_id, calls.c.number_id, calls.c.created_at, calls.c.id)
Index("calls_living", calls.c.created_at, **_only("ended_at IS NULL"))
Index("calls_recorded", calls.c.created_at, **_only("recording IN ('available', 'erasing')"))
Index("web_tokens_by_expiry", web_tokens.c.expires_at)
Index("idempotency_by_age", idempotency.c.created_at)
