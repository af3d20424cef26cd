"""Tables of webhooks: endpoints, deliveries, and how many there were."""

from sqlalchemy import Table

from ringback.storage.columns import account, integer, text
from ringback.storage.schema.base import metadata

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
    text("events", null=True),
    integer("ordered", default=0),
    integer("unsent", default=0),
    text("previous_secrets", null=True),
    integer("previous_secret_until", null=True),
    integer("failing_since", null=True),
    integer("last_failed_at", null=True),
    integer("disabled_at", null=True),
)
"""One endpoint a scope: the agent's id, or an empty scope for the project. `events` is a JSON list of further event
types that it asked for; an `ordered` one gets one delivery at a time, `unsent` being those that are open. `previous_secrets`
is a JSON list of the old ones that sign too, each `[sealed, until]` (clock), the newest first; the last of them ends at
`previous_secret_until`. It is switched off at `disabled_at` when all failed since `failing_since`; `last_failed_at` is the
last failure, to the hour."""

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
    integer("attempts_before", default=0),
    text("call_id", null=True),
)
"""What an endpoint is told of an event. `attempts_before`: attempts of the series before this one (redelivery)."""

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
