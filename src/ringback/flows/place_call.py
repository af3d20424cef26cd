"""Placing a call: gate, call, event; a voice host dials it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ringback.agents import service as agents
from ringback.agents.errors import AgentHasNoNumber
from ringback.calls import service as calls
from ringback.calls.endings import QUEUED
from ringback.calls.errors import NumberOfAnotherAgent, WebhookNeeded
from ringback.conversations import service as conversations
from ringback.events.log import record
from ringback.flows.fill_in import check_filled
from ringback.flows.voice_facts import VoiceFacts, brain_of
from ringback.kit.faults import Invalid
from ringback.numbers import service as numbers
from ringback.storage.tx import Reads, Row, Tx
from ringback.usage import service as usage


@dataclass(frozen=True, slots=True)
class PlaceCall:
    """A call that an account's agent makes to `to` (E.164, passed by the gate of `compliance.check_blocked`).

    What is None is as the agent and the server have it.
    """

    account_id: str
    agent_id: str
    to: str
    from_number_id: str | None = None
    greeting: str | None = None
    voice: str | None = None
    system_prompt: str | None = None
    model_tier: str | None = None
    variables: Mapping[str, str | None] = field(default_factory=dict)
    screening_identity: str | None = None
    screening_purpose: str | None = None
    record: bool | None = None


def place_call(tx: Tx, facts: VoiceFacts, asked: PlaceCall) -> Row:
    """Accept a call; answers its row, `queued`.

    Raises `AgentNotFound`, `AgentHasNoNumber`, `NumberNotFound`, `NumberReleased`, `NumberOfAnotherAgent`,
    `WebhookNeeded` and `Invalid`; then nothing is changed.
    """
    agent = agents.get(tx, asked.account_id, asked.agent_id)
    number = _caller_id(tx, agent, asked.from_number_id)
    if number["e164"] == asked.to:
        raise Invalid("a number can't call itself", field="toNumber")
    settings = json.loads(agent["settings"]) | ({"model_tier": asked.model_tier} if asked.model_tier else {})
    check_filled(
        asked.variables,
        greeting=asked.greeting or settings["begin_message"],
        prompt=asked.system_prompt or settings["system_prompt"],
    )
    brain = brain_of(tx, facts, agent, settings, prompted=bool(asked.system_prompt))
    if brain is None:
        raise WebhookNeeded(
            "this agent's webhook decides what it says, and none is set that is on: set one, or give a systemPrompt"
        )
    call = calls.add(
        tx,
        asked.account_id,
        direction="outbound",
        status=QUEUED,
        agent_id=agent["id"],
        number=number,
        from_=number["e164"],
        to=asked.to,
        brain=brain,
        record=facts.record if asked.record is None else asked.record,
        asked=overrides(asked),
        conversation_id=conversations.id_of(facts.hash_key, asked.account_id, number["id"], asked.to),
    )
    queue(tx, call)
    tx.wake(calls.WAITING)
    return call


def queue(tx: Tx, call: Row) -> None:
    """Count a new call and write its first event."""
    usage.count_call(tx, call)
    record(
        tx,
        call["account_id"],
        f"call.{call['status']}",
        {"call_count": 1},
        about_agent=call["agent_id"],
        callId=call["id"],
        numberId=call["number_id"],
        direction=call["direction"],
    )


def overrides(asked: PlaceCall) -> dict[str, Any]:
    """What is kept of a request, for the plan of this call alone."""
    return {
        "greeting": asked.greeting or None,
        "voice": asked.voice or None,
        "system_prompt": asked.system_prompt or None,
        "model_tier": asked.model_tier,
        "variables": dict(asked.variables) or None,
        "call_screening_identity": asked.screening_identity,
        "call_screening_purpose": asked.screening_purpose,
    }


def _caller_id(db: Reads, agent: Row, number_id: str | None) -> Row:
    """The number that the agent calls from."""
    if number_id is not None:
        number = numbers.get_active(db, agent["account_id"], number_id)
        if number["agent_id"] != agent["id"]:
            raise NumberOfAnotherAgent(
                f"{number['e164']} is not attached to this agent", field="fromNumberId"
            )
        return number
    if agent["default_number_id"] is None:
        raise AgentHasNoNumber("this agent has no number to call from; attach one first", field="agentId")
    return numbers.get_active(db, agent["account_id"], agent["default_number_id"])
