"""The plan of a call: all that a media child needs to hold it, as plain JSON."""

import json
from collections.abc import Mapping
from typing import Any

from ringback.agents import service as agents
from ringback.calls import service as calls
from ringback.calls import store as call_store
from ringback.flows.change_agent import is_own_number
from ringback.flows.fill_in import LONGEST_GREETING, LONGEST_PROMPT, fill_in
from ringback.flows.render_webhook import history_of_texts, state_of
from ringback.flows.voice_facts import DEMO, HOSTED, NOTICE, WEBHOOK, VoiceFacts, endpoint_that_is_on
from ringback.kit.blocked import blocked_reason
from ringback.kit.clock import real_ms
from ringback.storage.tx import Reads, Row
from ringback.webhooks import service as webhooks

NOTHING_SET = (
    "We are sorry, nobody can take your call right now: this number has nothing set to answer it. Goodbye."
)
_OWN = ("voice", "system_prompt", "model_tier", "call_screening_identity", "call_screening_purpose")


def plan_call(
    db: Reads,
    facts: VoiceFacts,
    account_id: str,
    call_id: str,
    *,
    leg: Mapping[str, Any],
    now: int,
    resumed: bool = False,
) -> dict[str, Any]:
    """The plan of a living call. `leg` is how its media are reached, `now` the clock's time.

    Raises `CallNotFound`, `AgentNotFound` when the agent was deleted meanwhile.
    """
    call = calls.get(db, account_id, call_id)
    agent = agents.get(db, account_id, call["agent_id"] or "")
    asked = calls.asked_of(call)
    settings = json.loads(agent["settings"])
    settings |= {name: asked[name] for name in _OWN if name in asked}
    to = settings["transfer_number"]
    if to and (blocked_reason(to) or is_own_number(db, agent, to)):
        settings["transfer_number"] = None
    variables = asked.get("variables", {})
    if settings["system_prompt"]:
        settings["system_prompt"] = fill_in(settings["system_prompt"], variables, most=LONGEST_PROMPT)
    greeting = asked.get("greeting") or settings["begin_message"]
    record, begun = bool(call["record"]), call["answered_real"]
    return {
        "call_id": call["id"],
        "account_id": account_id,
        "request_id": call["request_id"],
        "direction": call["direction"],
        "from": call["from_e164"],
        "to": call["to_e164"],
        "leg": {**leg, "ring_s": facts.ring_s},
        "agent": {"id": agent["id"], "name": agent["name"], **settings},
        "brain": _brain(db, facts, call, settings, now),
        "greeting": fill_in(greeting, variables, most=LONGEST_GREETING) if greeting else None,
        "max_s": facts.max_s,
        "record": record,
        "recording_path": str(facts.recording_path(call)) if record else None,
        "recording_notice": settings.get("recording_notice") if record else None,
        "resumed": resumed,
        "talked_ms": 0 if begun is None else max(0, real_ms() - begun),
        "last_n": call["last_n"],
        "history": [
            {"turn_id": turn["turn_id"], "role": turn["role"], "text": turn["text"]}
            for turn in call_store.turns(db, call)
        ],
    }


def _brain(db: Reads, facts: VoiceFacts, call: Row, settings: Mapping[str, Any], now: int) -> dict[str, Any]:
    kind = call["brain"]
    if kind == HOSTED:
        model = facts.model(settings["model_tier"])
        if model is not None:
            return {
                "kind": HOSTED,
                "prompt": settings["system_prompt"],
                "tier": settings["model_tier"],
                "model": dict(model),
                "tools": settings["custom_tools"] or [],
                "messaging": settings["enable_messaging"],
            }
        kind = DEMO
    if kind == WEBHOOK:
        endpoint = endpoint_that_is_on(db, call["account_id"], call["agent_id"])
        if endpoint is not None:
            return _webhook(db, facts, call, endpoint, now)
        kind = NOTICE
    return {"kind": NOTICE, "text": NOTHING_SET} if kind == NOTICE else {"kind": DEMO}


def _webhook(db: Reads, facts: VoiceFacts, call: Row, endpoint: Row, now: int) -> dict[str, Any]:
    """Where each turn is posted; the child adds `timestamp`, `data.transcript`, `data.confidence` and the call's own
    turns to `recentHistory`, `context_limit` in all."""
    secret, *previous = webhooks.secrets_of(endpoint, facts.sealer, now=now)
    return {
        "kind": WEBHOOK,
        "url": endpoint["url"],
        "secret": secret,
        "previous_secret": previous[0] if previous else None,
        "timeout_s": endpoint["timeout_s"],
        "context_limit": endpoint["context_limit"],
        "headers": {"X-Webhook-Event": "agent.message"},
        "payload": {
            "event": "agent.message",
            "channel": "voice",
            "agentId": call["agent_id"],
            "data": {
                "callId": call["id"],
                "numberId": call["number_id"],
                "from": call["from_e164"],
                "to": call["to_e164"],
                "status": "in-progress",
                "direction": call["direction"],
            },
            "conversationState": state_of(db, call),
            "recentHistory": history_of_texts(db, call, endpoint["context_limit"]),
        },
    }
