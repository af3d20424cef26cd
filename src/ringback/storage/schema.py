"""Every table of the server. Columns are integers and text only, so that statements compiled once need no converters.

Indexes stand in `indexes.py`. Times are UTC milliseconds, money is integer micro-dollars, JSON is text. A customer's table starts its key with the
account; the few global tables say so.
"""

from sqlalchemy import MetaData, Table

from ringback.storage.columns import account as _account
from ringback.storage.columns import integer as _int
from ringback.storage.columns import text as _text

metadata = MetaData()
_GLOBAL = {"is_global": True}
"""Tables whose rows no account's lock covers: they are written last, in key order."""

meta = Table("meta", metadata, _text("key", key=True), _text("value"), info=_GLOBAL)
"""Global: facts of this store (the clock, the sealed hash key)."""

accounts = Table(
    "accounts",
    metadata,
    _text("id", key=True),
    _text("parent_id", null=True),
    _text("name"),
    _int("created_at"),
    _int("event_seq", default=0),
    _int("conversation_count", default=0),
    _int("message_count", default=0),
    _int("call_count", default=0),
    _int("delivery_count", default=0),
    _int("deliveries_delivered", default=0),
    _int("deliveries_failed", default=0),
    _int("contact_count", default=0),
    _int("deleted_at", null=True),
)
"""The head of an account: its lock, its event sequence and the totals of its long lists. `deleted_at`: a sub-account
that was deleted answers nobody any more; its rows stay."""

api_keys = Table(
    "api_keys",
    metadata,
    _text("id", key=True),
    _text("account_id"),
    _text("name"),
    _text("hash"),
    _text("last4"),
    _int("created_at"),
    _int("expires_at", null=True),
    _int("last_used_at", null=True),
    _int("revoked_at", null=True),
    info=_GLOBAL,
)
"""Global: a key is looked up before its account is known."""

agents = Table(
    "agents",
    metadata,
    _account(),
    _text("id", key=True),
    _text("name"),
    _text("settings"),
    _text("default_number_id", null=True),
    _int("created_at"),
)

numbers = Table(
    "numbers",
    metadata,
    _account(),
    _text("id", key=True),
    _text("e164"),
    _text("country"),
    _text("area_code", null=True),
    _text("type", default="sms"),
    _text("status", default="active"),
    _text("agent_id", null=True),
    _int("attached_at", null=True),
    _text("carrier"),
    _text("order_id"),
    _int("created_at"),
    _int("released_at", null=True),
    _text("external_id", null=True),
    _int("expires_at", null=True),
    _int("last_message_at", default=0),
)

number_owners = Table(
    "number_owners",
    metadata,
    _text("e164", key=True),
    _text("account_id"),
    _text("number_id"),
    info=_GLOBAL,
)
"""Global: who holds a number now. A released number has no row."""

number_orders = Table(
    "number_orders",
    metadata,
    _account(),
    _text("id", key=True),
    _text("kind"),
    _text("state", default="open"),
    _text("e164"),
    _text("number_id"),
    _text("carrier"),
    _text("request"),
    _int("created_at"),
    _int("lease_until"),
    _text("error", null=True),
)
"""What was asked of a carrier that costs money: written before, settled after, reconciled at start."""

conversations = Table(
    "conversations",
    metadata,
    _account(),
    _text("id", key=True),
    _text("number_id"),
    _text("number_e164"),
    _text("party"),
    _text("agent_id", null=True),
    _text("channel", default="sms"),
    _text("metadata", null=True),
    _int("created_at"),
    _int("last_message_at"),
    _text("last_preview", default=""),
    _int("message_count", default=0),
    _int("unsent", default=0),
)

messages = Table(
    "messages",
    metadata,
    _account(),
    _text("id", key=True),
    _text("number_id"),
    _text("conversation_id"),
    _int("at"),
    _text("direction"),
    _text("from_e164"),
    _text("to_e164"),
    _text("body"),
    _text("media_urls", default="[]"),
    _text("channel", default="sms"),
    _text("status"),
    _int("segments"),
    _text("encoding"),
    _text("carrier"),
    _text("carrier_ref", null=True),
    _text("error_code", null=True),
    _text("failure_reason", null=True),
    _int("sent_at", null=True),
    _int("delivered_at", null=True),
    _int("valid_until", null=True),
    _int("despite_opt_out", default=0),
    _text("request_id", null=True),
)

contacts = Table(
    "contacts",
    metadata,
    _account(),
    _text("id", key=True),
    _text("e164"),
    _text("name"),
    _text("email", null=True),
    _text("notes", null=True),
    _text("search_text"),
    _int("created_at"),
    _int("updated_at"),
)
"""People. `search_text` is what a search looks through, case folded, because the stores fold only ASCII alike."""

carrier_refs = Table(
    "carrier_refs",
    metadata,
    _text("carrier", key=True),
    _text("direction", key=True),
    _text("ref", key=True),
    _text("account_id", null=True),
    _text("message_id", null=True),
    _text("status", null=True),
    _text("code", null=True),
    _text("reason", null=True),
    _int("created_at"),
    info=_GLOBAL,
)
"""Global: where a submit's answer and its receipt meet, in either order; and which inbound ids were seen."""

opt_outs = Table(
    "opt_outs",
    metadata,
    _account(),
    _text("number_id", key=True),
    _text("party", key=True),
    _text("word"),
    _int("since"),
)

webhooks = Table(
    "webhooks",
    metadata,
    _account(),
    _text("scope", key=True),
    _text("id"),
    _text("url"),
    _text("secret_sealed"),
    _int("context_limit"),
    _int("timeout_s"),
    _text("status", default="active"),
    _int("created_at"),
)
"""One endpoint a scope: the agent's id, or an empty scope for the project."""

deliveries = Table(
    "deliveries",
    metadata,
    _account(),
    _text("id", key=True),
    _text("webhook_id"),
    _text("scope"),
    _text("agent_id", null=True),
    _int("event_seq"),
    _text("event_type"),
    _text("channel"),
    _text("message_id", null=True),
    _text("status", default="pending"),
    _int("attempts", default=0),
    _int("http_status", null=True),
    _text("error_message", null=True),
    _text("response_body", null=True),
    _int("response_ms", null=True),
    _int("created_at"),
    _int("last_attempt_at", null=True),
    _int("next_retry_at", null=True),
    _int("delivered_at", null=True),
    _text("payload", null=True),
    _text("request_id", null=True),
)

delivery_hours = Table(
    "delivery_hours",
    metadata,
    _account(),
    _int("hour", key=True),
    _text("event_type", key=True),
    _int("total", default=0, change="sum"),
    _int("delivered", default=0, change="sum"),
    _int("failed", default=0, change="sum"),
)
"""Deliveries by the hour (its start, UTC ms) in which they were planned, and what became of them since."""

usage_days = Table(
    "usage_days",
    metadata,
    _account(),
    _int("day", key=True),
    _text("number_id", key=True),
    _text("agent_id", key=True),
    _int("messages", default=0, change="sum"),
    _int("segments", default=0, change="sum"),
    _int("calls", default=0, change="sum"),
    _int("call_seconds", default=0, change="sum"),
    _int("webhooks", default=0, change="sum"),
)
"""What was used by UTC day (its start in ms), number and the agent that had it then; empty where there was none."""

usage_quarters = Table(
    "usage_quarters",
    metadata,
    _account(),
    _int("quarter", key=True),
    _text("agent_id", key=True),
    _int("messages", default=0, change="sum"),
    _int("segments", default=0, change="sum"),
    _int("calls", default=0, change="sum"),
    _int("call_seconds", default=0, change="sum"),
)
"""The same by quarter of an hour (its start in ms): no time zone begins its day at a finer step."""

feedback = Table(
    "feedback",
    metadata,
    _account(),
    _text("id", key=True),
    _text("category"),
    _text("note"),
    _text("about_request_id", null=True),
    _text("url", null=True),
    _text("tags"),
    _int("created_at"),
)

events = Table(
    "events",
    metadata,
    _account(),
    _int("seq", key=True),
    _text("id"),
    _text("type"),
    _int("at"),
    _text("data"),
    _text("request_id", null=True),
)

lanes = Table(
    "lanes",
    metadata,
    _text("id", key=True),
    _text("account_id"),
    _text("kind"),
    _int("next_at", null=True, change="first"),
    _int("in_flight", default=0, change="sum"),
    _int("backlog", default=0, change="sum"),
)
"""What is paced: a number for texts, an endpoint for webhooks. `next_at` is when its first ready row is due."""

outbox = Table(
    "outbox",
    metadata,
    _account(),
    _text("id", key=True),
    _text("lane_id"),
    _text("kind"),
    _text("subject_id"),
    _text("chain", null=True),
    _int("position"),
    _text("state"),
    _int("due_at"),
    _int("attempt", default=0),
    _text("token", null=True),
    _int("lease_until", null=True),
    _text("request_id", null=True),
)
"""Work to do after the commit that wrote it. A row goes when its work is done."""

idempotency = Table(
    "idempotency",
    metadata,
    _account(),
    _text("operation", key=True),
    _text("key", key=True),
    _text("fingerprint"),
    _int("status", null=True),
    _text("answer", null=True),
    _int("created_at"),
    _text("holder", null=True),
)
"""The first answer of a POST that carried an Idempotency-Key; `status` is null while the first is under way."""
