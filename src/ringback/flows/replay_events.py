"""Telling an endpoint again of what is past: new deliveries of events that the log still has."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ringback.agents import service as agents
from ringback.calls import service as calls
from ringback.events import store as log
from ringback.events.catalogue import UnknownType, types_named
from ringback.events.log import Event, record
from ringback.events.store import Wanted
from ringback.flows.follow_call import CALL_ENDED, VOICE
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
RECEIVED, ENDED = "message.received", "call.ended"
"""What every endpoint is told: a text as `agent.message`, the end of a call, with all that was said, as
`agent.call_ended`. Turns of calls are not told again: whoever waited for the answer has gone on."""
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
    project's. `types` are some of what it gets: `message.received`, `call.ended`, and what it asked for.

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
    gets = [RECEIVED, ENDED, *webhooks.events_of(endpoint)]
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
    data = json.loads(row["data"])
    told = record(
        tx, account_id, "event.replayed", about_agent=agent_id, eventSeq=row["seq"], webhookId=endpoint["id"]
    )
    again = partial(
        webhooks.plan,
        tx,
        Event(account_id, row["seq"], row["id"], row["type"], row["at"]),
        agent_id=agent_id,
        endpoint=endpoint,
        position=told.seq,
    )
    if row["type"] == ENDED:
        call = calls.get(tx, account_id, data["callId"])
        again(event_type=CALL_ENDED, channel=VOICE, message_id=None, call_id=call["id"])
        usage.count_call_webhook(tx, {**call, "agent_id": agent_id})
    else:
        message = messages.get(tx, account_id, data["messageId"])
        event_type = AGENT_MESSAGE if row["type"] == RECEIVED else row["type"]
        again(event_type=event_type, channel=message["channel"], message_id=message["id"])
        usage.count_webhook(tx, {**numbers.get(tx, account_id, message["number_id"]), "agent_id": agent_id})
    return webhooks.needed(tx, account_id, endpoint["scope"])
