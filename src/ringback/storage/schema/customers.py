"""Tables of accounts and what they have: numbers, agents, people, conversations, messages."""

from sqlalchemy import Table

from ringback.storage.columns import account, integer, text
from ringback.storage.schema.base import GLOBAL, metadata

meta = Table("meta", metadata, text("key", key=True), text("value"), info=GLOBAL)
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
    integer("events_pruned", default=0),
    integer("listening", default=0),
)
"""The head of an account: its lock, its event sequence and the totals of its long lists. `deleted_at`: a sub-account
that was deleted answers nobody any more; its rows stay. `events_pruned`: events up to this sequence are kept no longer.
`listening`: how many endpoints ask for further events, so that where none does nothing more is read."""

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
    info=GLOBAL,
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

agent_prompts = Table(
    "agent_prompts",
    metadata,
    account(),
    text("agent_id", key=True),
    text("id", key=True),
    integer("n"),
    text("prompt", null=True),
    integer("set_at", null=True),
    text("door", null=True),
    text("key_name", null=True),
    integer("taken_from", null=True),
)
"""What agents' prompts were, the newest being what it is: `n` counts from 1 for each agent. `door` (`api`, `console`,
`mcp`) and `key_name` say who set it, `taken_from` the `n` that was taken back. The first of an agent that is older than
this table has no time and nobody."""

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
    info=GLOBAL,
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
    text("agent_id", null=True),
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
    text("recipient", null=True),
    text("forms", null=True),
    info=GLOBAL,
)
"""Global: where a submit's answer and its receipt meet, in either order; and which inbound ids were seen.

`direction` is `out` or `in`, `receipt` for a receipt that found its place taken by another text's, or `number`: then
`forms` is a JSON list of the `[direction, ref]` that may mean the number `ref`. `recipient` is whom a receipt named."""

opt_outs = Table(
    "opt_outs",
    metadata,
    account(),
    text("number_id", key=True),
    text("party", key=True),
    text("word"),
    integer("since"),
)

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
