"""Tables of what was used."""

from sqlalchemy import Table

from ringback.storage.columns import account, integer, text
from ringback.storage.schema.base import metadata

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
