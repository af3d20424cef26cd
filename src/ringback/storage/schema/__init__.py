"""Every table of the server. Columns are integers and text only, so that statements compiled once need no converters.

Indexes stand in `indexes.py`. Times are UTC milliseconds, money is integer micro-dollars, JSON is text. A customer's
table starts its key with the account; the few global tables say so.
"""

from ringback.storage.schema.base import metadata
from ringback.storage.schema.customers import (
    accounts,
    agent_prompts,
    agents,
    api_keys,
    carrier_refs,
    contacts,
    conversations,
    feedback,
    messages,
    meta,
    number_orders,
    number_owners,
    numbers,
    opt_outs,
)
from ringback.storage.schema.hooks import deliveries, delivery_hours, webhooks
from ringback.storage.schema.usage import usage_days, usage_quarters
from ringback.storage.schema.voice import call_timelines, call_turns, calls, voice_hosts, web_tokens
from ringback.storage.schema.work import events, idempotency, lanes, outbox, pace_queues, paces, steps

__all__ = [
    "accounts",
    "agent_prompts",
    "agents",
    "api_keys",
    "call_timelines",
    "call_turns",
    "calls",
    "carrier_refs",
    "contacts",
    "conversations",
    "deliveries",
    "delivery_hours",
    "events",
    "feedback",
    "idempotency",
    "lanes",
    "messages",
    "meta",
    "metadata",
    "number_orders",
    "number_owners",
    "numbers",
    "opt_outs",
    "outbox",
    "pace_queues",
    "paces",
    "steps",
    "usage_days",
    "usage_quarters",
    "voice_hosts",
    "web_tokens",
    "webhooks",
]
