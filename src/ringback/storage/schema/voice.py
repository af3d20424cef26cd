"""Tables of calls: what was said in them, who holds them, and the tokens that open one from a browser."""

from sqlalchemy import Table

from ringback.storage.columns import account, integer, text
from ringback.storage.schema.base import GLOBAL, metadata

calls = Table(
    "calls",
    metadata,
    account(),
    text("id", key=True),
    text("direction"),
    text("agent_id", null=True),
    text("number_id", null=True),
    text("number_e164", null=True),
    text("conversation_id", null=True),
    text("from_e164"),
    text("to_e164"),
    text("status"),
    text("reason", null=True),
    text("side", null=True),
    text("detail", null=True),
    integer("created_at"),
    integer("ringing_at", null=True),
    integer("answered_at", null=True),
    integer("ended_at", null=True),
    integer("answered_real", null=True),
    integer("duration_s", null=True),
    text("brain"),
    text("asked", default="{}"),
    text("metadata", null=True),
    integer("turns", default=0),
    text("last_snippet", null=True),
    integer("record", default=0),
    text("recording", null=True),
    integer("recording_ms", null=True),
    text("carrier"),
    text("carrier_ref", null=True),
    text("host", null=True),
    text("child", null=True),
    integer("last_n", default=0),
    integer("resumed", default=0),
    text("end_asked", null=True),
    text("request_id", null=True),
)
"""A call from its first moment. `brain` decides what is said (`webhook`, `hosted`, `demo`, `notice`), `asked` is JSON of
what the request set for this call alone. `answered_real` is real time (ms), from which the duration counts, all other
times are the clock's. `recording` is `available`, `erasing` or `deleted`. `host` and `child` hold it, `last_n` is the last
event of the child that was applied, `end_asked` the reason with which somebody asked for its end."""

call_turns = Table(
    "call_turns",
    metadata,
    account(),
    text("call_id", key=True),
    integer("n", key=True),
    text("id"),
    text("turn_id"),
    text("role"),
    text("text"),
    integer("confidence_e4", null=True),
    integer("started_ms", null=True),
    integer("ended_ms", null=True),
    integer("created_at"),
)
"""What was said and heard, in its order: `role` is `user` or `agent`, `confidence_e4` ten-thousandths, `started_ms` and
`ended_ms` are since the answer."""

call_timelines = Table(
    "call_timelines",
    metadata,
    account(),
    text("call_id", key=True),
    text("turn_id", key=True),
    integer("speech_end", null=True),
    integer("transcript", null=True),
    integer("brain_first", null=True),
    integer("audio_first", null=True),
    integer("interrupted", null=True),
)
"""When each step of a turn was reached, in ms since the answer."""

web_tokens = Table(
    "web_tokens",
    metadata,
    text("hash", key=True),
    text("account_id"),
    text("call_id"),
    integer("expires_at"),
    info=GLOBAL,
)
"""Global: a browser's token is looked up before its account is known. It is deleted by its one use."""

voice_hosts = Table(
    "voice_hosts",
    metadata,
    text("id", key=True),
    integer("alive_until"),
    text("url", null=True),
    info=GLOBAL,
)
"""Global: who holds calls. `alive_until` is real time (ms); a host that has not moved it on by then is dead. `url` is where
other processes bring pages to it."""
