"""Tables of work to be done, and of what was done: events, lanes, the outbox, first answers."""

from sqlalchemy import Table

from ringback.storage.columns import account, integer, text
from ringback.storage.schema.base import metadata

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
    text("agent_id", null=True),
)
"""The event log: `seq` counts up by one in its account, `data` is JSON, `agent_id` whom it concerns."""

steps = Table(
    "steps",
    metadata,
    account(),
    text("subject_id", key=True),
    text("id", key=True),
    text("kind"),
    integer("at"),
    integer("attempt", null=True),
    text("code", null=True),
    text("side", null=True),
    text("detail", null=True),
    integer("took_ms", null=True),
)
"""What did not go straight on: attempts of a message or a delivery that failed or waited, and whose side it was.
`took_ms` is how long an attempt of a delivery took (real time)."""

lanes = Table(
    "lanes",
    metadata,
    text("id", key=True),
    text("account_id"),
    text("kind"),
    integer("next_at", null=True, change="first"),
    integer("in_flight", default=0, change="sum"),
    integer("backlog", default=0, change="sum"),
    text("carrier", default=""),
    integer("served_at", default=0),
)
"""What is paced: a number for texts, an endpoint for webhooks. `next_at` is when its first ready row is due (or its
pace allows it), `served_at` when it last had a turn, `carrier` who carries its texts."""

paces = Table(
    "paces",
    metadata,
    account(),
    text("id", key=True),
    integer("next_ns", default=0),
    integer("day", default=0),
    integer("day_segments", default=0, change="sum"),
    integer("day_tmobile", default=0, change="sum"),
)
"""What has gone at a pace that a carrier sets, for a number or a campaign's numbers together: when the next text may go
(clock, ns), and the segments of the day that began at `day`. Written by claims, which lock lanes before paces."""

pace_queues = Table(
    "pace_queues",
    metadata,
    account(),
    text("id", key=True),
    integer("texts", default=0),
    integer("segments", default=0),
    integer("tmobile", default=0),
    integer("tmobile_texts", default=0),
)
"""What waits for a pace. Apart from `paces`, because it is written under the account's lock."""

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
    integer("expires_at", null=True),
    text("pace_id", null=True),
    integer("segments", default=0),
    integer("tmobile", default=0),
)
"""Work to do after the commit that wrote it. A row goes when its work is done. Of a text: when its validity passes, the
pace that it waits for, its segments and which of them go to T-Mobile."""

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
