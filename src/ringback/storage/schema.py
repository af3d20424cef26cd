"""Every table of the server. Columns are integers and text only, so that statements compiled once need no converters.

Indexes stand in `indexes.py`. Times are UTC milliseconds, money is integer micro-dollars, JSON is text. A customer's table starts its key with the
account; the few global tables say so.
"""

from sqlalchemy import MetaData, Table

from ringback.storage.columns import account, integer, text

metadata = MetaData()
_GLOBAL = {"is_global": True}
"""Tables whose rows no account's lock covers: they are written last, in key order."""

meta = Table("meta", metadata, text("key", key=True), text("value"), info=_GLOBAL)
"""Global: facts of this store (the clock, the sealed hash key)."""

accounts = Table(
    "accounts",
    metadata,
    text("id", key=True),
    text("parent_id", null=True),
    text("name"),
    integer("created_at"),
    integer("event_seq", default=0),
    integer("conversation_count", default=0),
    integer("message_count", default=0),
    integer("call_count", default=0),
    integer("delivery_count", default=0),
    integer("deliveries_delivered", default=0),
    integer("deliveries_failed", default=0),
    integer("contact_count", default=0),
    integer("deleted_at", null=True),
)
"""The head of an account: its lock, its event sequence and the totals of its long lists. `deleted_at`: a sub-account
that was deleted answers nobody any more; its rows stay."""

api_keys = Table(
    "api_keys",
    metadata,
    text("id", key=True),
    text("account_id"),
    text("name"),
    text("hash"),
    text("last4"),
    integer("created_at"),
    integer("expires_at", null=True),
    integer("last_used_at", null=True),
    integer("revoked_at", null=True),
    info=_GLOBAL,
)
"""Global: a key is looked up before its account is known."""

agents = Table(
    "agents",
    metadata,
    account(),
    text("id", key=True),
    text("name"),
    text("settings"),
    text("default_number_id", null=True),
    integer("created_at"),
)

numbers = Table(
    "numbers",
    metadata,
    account(),
    text("id", key=True),
    text("e164"),
    text("country"),
    text("area_code", null=True),
    text("type", default="sms"),
    text("status", default="active"),
    text("agent_id", null=True),
    integer("attached_at", null=True),
    text("carrier"),
    text("order_id"),
    integer("created_at"),
    integer("released_at", null=True),
    text("external_id", null=True),
    integer("expires_at", null=True),
    integer("last_message_at", default=0),
)

number_owners = Table(
    "number_owners",
    metadata,
    text("e164", key=True),
    text("account_id"),
    text("number_id"),
    info=_GLOBAL,
)
"""Global: who holds a number now. A released number has no row."""

number_orders = Table(
    "number_orders",
    metadata,
    account(),
    text("id", key=True),
    text("kind"),
    text("state", default="open"),
    text("e164"),
    text("number_id"),
    text("carrier"),
    text("request"),
    integer("created_at"),
    integer("lease_until"),
    text("error", null=True),
)
"""What was asked of a carrier that costs money: written before, settled after, reconciled at start."""

conversations = Table(
    "conversations",
    metadata,
    account(),
    text("id", key=True),
    text("number_id"),
    text("number_e164"),
    text("party"),
    text("agent_id", null=True),
    text("channel", default="sms"),
    text("metadata", null=True),
    integer("created_at"),
    integer("last_message_at"),
    text("last_preview", default=""),
    integer("message_count", default=0),
    integer("unsent", default=0),
)

messages = Table(
    "messages",
    metadata,
    account(),
    text("id", key=True),
    text("number_id"),
    text("conversation_id"),
    integer("at"),
    text("direction"),
    text("from_e164"),
    text("to_e164"),
    text("body"),
    text("media_urls", default="[]"),
    text("channel", default="sms"),
    text("status"),
    integer("segments"),
    text("encoding"),
    text("carrier"),
    text("carrier_ref", null=True),
    text("error_code", null=True),
    text("failure_reason", null=True),
    integer("sent_at", null=True),
    integer("delivered_at", null=True),
    integer("valid_until", null=True),
    integer("despite_opt_out", default=0),
    text("request_id", null=True),
)

contacts = Table(
    "contacts",
    metadata,
    account(),
    text("id", key=True),
    text("e164"),
    text("name"),
    text("email", null=True),
    text("notes", null=True),
    text("search_text"),
    integer("created_at"),
    integer("updated_at"),
)
"""People. `search_text` is what a search looks through, case folded, because the stores fold only ASCII alike."""

carrier_refs = Table(
    "carrier_refs",
    metadata,
    text("carrier", key=True),
    text("direction", key=True),
    text("ref", key=True),
    text("account_id", null=True),
    text("message_id", null=True),
    text("status", null=True),
    text("code", null=True),
    text("reason", null=True),
    integer("created_at"),
    info=_GLOBAL,
)
"""Global: where a submit's answer and its receipt meet, in either order; and which inbound ids were seen."""

opt_outs = Table(
    "opt_outs",
    metadata,
    account(),
    text("number_id", key=True),
    text("party", key=True),
    text("word"),
    integer("since"),
)

webhooks = Table(
    "webhooks",
    metadata,
    account(),
    text("scope", key=True),
    text("id"),
    text("url"),
    text("secret_sealed"),
    integer("context_limit"),
    integer("timeout_s"),
    text("status", default="active"),
    integer("created_at"),
)
"""One endpoint a scope: the agent's id, or an empty scope for the project."""

deliveries = Table(
    "deliveries",
    metadata,
    account(),
    text("id", key=True),
    text("webhook_id"),
    text("scope"),
    text("agent_id", null=True),
    integer("event_seq"),
    text("event_type"),
    text("channel"),
    text("message_id", null=True),
    text("status", default="pending"),
    integer("attempts", default=0),
    integer("http_status", null=True),
    text("error_message", null=True),
    text("response_body", null=True),
    integer("response_ms", null=True),
    integer("created_at"),
    integer("last_attempt_at", null=True),
    integer("next_retry_at", null=True),
    integer("delivered_at", null=True),
    text("payload", null=True),
    text("request_id", null=True),
)

delivery_hours = Table(
    "delivery_hours",
    metadata,
    account(),
    integer("hour", key=True),
    text("event_type", key=True),
    integer("total", default=0, change="sum"),
    integer("delivered", default=0, change="sum"),
    integer("failed", default=0, change="sum"),
)
"""Deliveries by the hour (its start, UTC ms) in which they were planned, and what became of them since."""

usage_days = Table(
    "usage_days",
    metadata,
    account(),
    integer("day", key=True),
    text("number_id", key=True),
    text("agent_id", key=True),
    integer("messages", default=0, change="sum"),
    integer("segments", default=0, change="sum"),
    integer("calls", default=0, change="sum"),
    integer("call_seconds", default=0, change="sum"),
    integer("webhooks", default=0, change="sum"),
)
"""What was used by UTC day (its start in ms), number and the agent that had it then; empty where there was none."""

usage_quarters = Table(
    "usage_quarters",
    metadata,
    account(),
    integer("quarter", key=True),
    text("agent_id", key=True),
    integer("messages", default=0, change="sum"),
    integer("segments", default=0, change="sum"),
    integer("calls", default=0, change="sum"),
    integer("call_seconds", default=0, change="sum"),
)
"""The same by quarter of an hour (its start in ms): no time zone begins its day at a finer step."""

feedback = Table(
    "feedback",
    metadata,
    account(),
    text("id", key=True),
    text("category"),
    text("note"),
    text("about_request_id", null=True),
    text("url", null=True),
    text("tags"),
    integer("created_at"),
)

events = Table(
    "events",
    metadata,
    account(),
    integer("seq", key=True),
    text("id"),
    text("type"),
    integer("at"),
    text("data"),
    text("request_id", null=True),
)

lanes = Table(
    "lanes",
    metadata,
    text("id", key=True),
    text("account_id"),
    text("kind"),
    integer("next_at", null=True, change="first"),
    integer("in_flight", default=0, change="sum"),
    integer("backlog", default=0, change="sum"),
)
"""What is paced: a number for texts, an endpoint for webhooks. `next_at` is when its first ready row is due."""

outbox = Table(
    "outbox",
    metadata,
    account(),
    text("id", key=True),
    text("lane_id"),
    text("kind"),
    text("subject_id"),
    text("chain", null=True),
    integer("position"),
    text("state"),
    integer("due_at"),
    integer("attempt", default=0),
    text("token", null=True),
    integer("lease_until", null=True),
    text("request_id", null=True),
)
"""Work to do after the commit that wrote it. A row goes when its work is done."""

idempotency = Table(
    "idempotency",
    metadata,
    account(),
    text("operation", key=True),
    text("key", key=True),
    text("fingerprint"),
    integer("status", null=True),
    text("answer", null=True),
    integer("created_at"),
    text("holder", null=True),
)
"""The first answer of a POST that carried an Idempotency-Key; `status` is null while the first is under way."""
