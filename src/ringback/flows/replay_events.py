"""Telling an endpoint again of what happened: events of the log as deliveries, in their order."""

import json
from collections.abc import Collection
from typing import Final

from ringback.agents import service as agents
from ringback.events import store as log
from ringback.events.log import Event, record
from ringback.events.store import Look
from ringback.storage.schema import messages, numbers
from ringback.storage.tx import Row, Tx
from ringback.usage import service as usage
from ringback.webhooks import service as webhooks
from ringback.webhooks.errors import WebhookDisabled

MOST: Final = 500
"""Deliveries that one replay plans at most."""
_RECEIVED = "message.received"


def replay(
    tx: Tx, account_id: str, scope: str, *, after: int, until: int | None, types: Collection[str] | None
) -> tuple[int, Look]:
    """Plan a new delivery of each event behind `after` that this endpoint gets; answers how many, and how far it went.

    A received text is told as `agent.message`; other events only to an endpoint that asked for their type. Raises
    `WebhookNotFound`, `WebhookDisabled`, `AgentNotFound` and `EventsExpired`.
    """
    if scope != webhooks.PROJECT:
        agents.get(tx, account_id, scope)
    endpoint = webhooks.needed(tx, account_id, scope)
    if endpoint["status"] == webhooks.DISABLED:
        raise WebhookDisabled("the endpoint is switched off; switch it on first")
    wanted = {_RECEIVED, *webhooks.events_of(endpoint)}
    if types is not None:
        wanted &= set(types)
    found = log.look(tx, account_id, after=after, limit=MOST, types=wanted)
    planned = 0
    for row in found.rows:
        if until is not None and row["seq"] > until:
            return planned, Look(found.rows[:planned], until, False)
        planned += _plan(tx, endpoint, row)
        # An ordered endpoint counts what is open.
        endpoint = webhooks.needed(tx, account_id, scope)
    more = found.more and (until is None or found.next_after < until)
    return planned, Look(found.rows, found.next_after, more)


def _plan(tx: Tx, endpoint: Row, row: Row) -> int:
    account_id, message_id = row["account_id"], json.loads(row["data"])["messageId"]
    message = tx.get(messages, account_id, message_id)
    if message is None:
        return 0
    told = record(tx, account_id, "event.replayed", eventSeq=row["seq"], webhookId=endpoint["id"])
    webhooks.plan(
        tx,
        Event(account_id, row["seq"], row["id"], row["type"], row["at"]),
        event_type="agent.message" if row["type"] == _RECEIVED else row["type"],
        channel=message["channel"],
        agent_id=row["agent_id"],
        message_id=message_id,
        endpoint=endpoint,
        position=told.seq,
    )
    number = tx.get(numbers, account_id, message["number_id"])
    if number is not None:
        usage.count_webhook(tx, number)
    return 1
