"""Telling an endpoint again of what is past: new deliveries of events that the log still has."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ringback.agents import service as agents
from ringback.events import store as log
from ringback.events.catalogue import UnknownType, types_named
from ringback.events.log import Event, record
from ringback.events.store import Wanted
from ringback.flows.render_webhook import AGENT_MESSAGE
from ringback.kit.faults import Invalid
from ringback.messages import service as messages
from ringback.numbers import service as numbers
from ringback.storage.schema import accounts
from ringback.storage.tx import Row, Tx
from ringback.usage import service as usage
from ringback.webhooks import service as webhooks
from ringback.webhooks.errors import WebhookDisabled

PROJECT = "project"
RECEIVED = "message.received"
MOST = 1_000
"""Deliveries that one call plans at most."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many deliveries were planned, and after which sequence there is more to look at."""

    planned: int
    next_after: int
    has_more: bool


def replay_events(
    tx: Tx, account_id: str, webhook: str, *, after: int, until: int | None, types: Sequence[str] | None
) -> Replayed:
    """Plan deliveries of the events after `after` up to `until` to the endpoint of `webhook`, `project` or an agent.

    It gets what it would get if they happened now: nothing of an agent with an endpoint of its own goes to the
    project's. `types` are some of what it gets: `message.received`, told as `agent.message`, and what it asked for.

    Raises `AgentNotFound`, `WebhookNotFound`, `WebhookDisabled`, `EventsExpired`, `Invalid`.
    """
    scope = webhooks.PROJECT if webhook == PROJECT else webhook
    if scope != webhooks.PROJECT:
        agents.get(tx, account_id, scope)
    endpoint = webhooks.needed(tx, account_id, scope)
    if endpoint["status"] == webhooks.DISABLED:
        raise WebhookDisabled("the endpoint is switched off; switch it on first")
    head = tx.get(accounts, account_id)
    assert head is not None
    log.checked(head, after, where="body")
    wanted = Wanted(_types(endpoint, types), scope or None)
    page = log.page(tx, account_id, wanted, after=after, limit=MOST)
    last = page.newest if until is None else min(until, page.newest)
    own: dict[str | None, bool] = {}
    count = 0
    for row in page.rows:
        if row["seq"] > last:
            break
        agent_id = row["agent_id"]
        if agent_id not in own:
            found = webhooks.endpoint_for(tx, account_id, agent_id)
            own[agent_id] = found is not None and found["scope"] == scope
        if own[agent_id]:
            endpoint = _plan(tx, endpoint, row)
            count += 1
    return Replayed(count, min(page.next_after, max(last, after)), page.next_after < last)


def _types(endpoint: Row, types: Sequence[str] | None) -> frozenset[str]:
    """The types that the endpoint gets, of those that are asked for. Raises `Invalid`."""
    gets = [RECEIVED, *webhooks.events_of(endpoint)]
    if types is None:
        return frozenset(gets)
    found: set[str] = set()
    for n, name in enumerate(types):
        try:
            meant = types_named([name]) & set(gets)
        except UnknownType as error:
            raise Invalid(str(error), field=f"types.{n}") from None
        if not meant:
            told = f"this endpoint gets {' and '.join(gets)} only; let it ask for {name} by ringback.events"
            raise Invalid(told, field=f"types.{n}")
        found |= meant
    return frozenset(found)


def _plan(tx: Tx, endpoint: Row, row: Row) -> Row:
    """Plan one delivery; answers the endpoint as it is then."""
    account_id, agent_id = row["account_id"], row["agent_id"]
    message = messages.get(tx, account_id, json.loads(row["data"])["messageId"])
    told = record(
        tx, account_id, "event.replayed", about_agent=agent_id, eventSeq=row["seq"], webhookId=endpoint["id"]
    )
    webhooks.plan(
        tx,
        Event(account_id, row["seq"], row["id"], row["type"], row["at"]),
        event_type=AGENT_MESSAGE if row["type"] == RECEIVED else row["type"],
        channel=message["channel"],
        agent_id=agent_id,
        message_id=message["id"],
        endpoint=endpoint,
        position=told.seq,
    )
    usage.count_webhook(tx, {**numbers.get(tx, account_id, message["number_id"]), "agent_id": agent_id})
    return webhooks.needed(tx, account_id, endpoint["scope"])
