"""Receiving a call: who answers it, or the code with which it is refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringback.agents import service as agents
from ringback.calls import service as calls
from ringback.calls.endings import RINGING
from ringback.carriers.protocol import InboundCall
from ringback.conversations import service as conversations
from ringback.flows.place_call import queue
from ringback.flows.plan_call import plan_call
from ringback.flows.receive_text import Moved
from ringback.flows.voice_facts import NOTICE, VoiceFacts, brain_of
from ringback.numbers import service as numbers
from ringback.storage import schema
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx

NOT_FOUND, UNAVAILABLE_NOW = 404, 480
_DIRECTION = "call"
"""Of a carrier's references: whose call it was."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a call is not taken: a SIP status code, such as 480 (nobody answers at this number now)."""

    code: int


async def decide(
    store: Store, facts: VoiceFacts, call: InboundCall, *, host: str, trunk: Mapping[str, Any]
) -> dict[str, Any] | Rejected:
    """Take a call in for `host`; answers its plan, or why it is refused. The same call again answers the same plan."""
    leg = {**trunk, "op": "take", "ref": call.ref}
    while True:
        owner = await store.read(lambda db: db.get(schema.number_owners, call.to))
        if owner is None:
            return Rejected(NOT_FOUND)
        account_id: str = owner["account_id"]

        def unit(tx: Tx, account_id: str = account_id) -> dict[str, Any] | Rejected:
            row = receive_call(tx, facts, account_id, call, host=host)
            if row is None:
                return Rejected(UNAVAILABLE_NOW)
            return plan_call(tx, facts, account_id, row["id"], leg=leg, now=tx.now)

        try:
            return await store.write(unit, account=account_id)
        except Moved:
            continue


def receive_call(tx: Tx, facts: VoiceFacts, account_id: str, call: InboundCall, *, host: str) -> Row | None:
    """Take a call in; answers its row, `ringing`, or None when no agent has the number. Raises `Moved`.

    An agent whose webhook is missing lets the caller hear a notice.
    """
    number = numbers.held_by(tx, call.to)
    if number is None or number["account_id"] != account_id:
        raise Moved
    seen = tx.get(schema.carrier_refs, call.carrier, _DIRECTION, call.ref)
    if seen is not None:
        known = calls.get(tx, account_id, seen["message_id"])
        return None if calls.is_over(known) else known
    if number["agent_id"] is None:
        return None
    agent = agents.get(tx, account_id, number["agent_id"])
    tx.request_id = tx.request_id or tx.new_id("req")
    row = calls.add(
        tx,
        account_id,
        direction="inbound",
        status=RINGING,
        agent_id=agent["id"],
        number=number,
        from_=call.from_,
        to=call.to,
        brain=brain_of(tx, facts, agent, json.loads(agent["settings"]), prompted=False) or NOTICE,
        record=facts.record,
        conversation_id=conversations.id_of(facts.hash_key, account_id, number["id"], call.from_),
        carrier_ref=call.ref,
        ringing_at=tx.now,
        host=host,
    )
    tx.insert(
        schema.carrier_refs,
        carrier=call.carrier,
        direction=_DIRECTION,
        ref=call.ref,
        account_id=account_id,
        message_id=row["id"],
        created_at=tx.now,
    )
    queue(tx, row)
    return row
