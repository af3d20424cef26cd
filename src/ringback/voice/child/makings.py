"""What a child makes for each call: its leg and its brain, after the plan."""

from dataclasses import dataclass
from typing import Any, cast

from ringback.kit.http import OutgoingHttp
from ringback.kit.ids import IdMaker
from ringback.llm.completions import ChatCompletions
from ringback.llm.protocol import Endpoint
from ringback.voice.brains.base import Brain
from ringback.voice.brains.demo import DemoBrain
from ringback.voice.brains.hosted import HostedBrain
from ringback.voice.brains.notice import NoticeBrain
from ringback.voice.brains.tools import Ask, Press, Surroundings, Toolbox
from ringback.voice.brains.webhook import Tell, WebhookBrain
from ringback.voice.legs.base import CallLeg
from ringback.voice.legs.browser import BrowserLeg
from ringback.voice.legs.line import LineLeg
from ringback.voice.legs.port import Pacer
from ringback.voice.protocol import CallPlan, Line

_RING_S = 60.0


class Unknown(Exception):
    """A plan asks for what this child doesn't know: its host is of another version."""

    reason, side = "worker_lost", "ringback"


def make_leg(plan: CallPlan, pacer: Pacer) -> CallLeg:
    """The leg of a plan. Raises `Unknown`."""
    leg: dict[str, Any] = plan["leg"]
    if leg.get("kind") == "line":
        ring_s = float(leg.get("ring_s", _RING_S))
        return LineLeg(cast(Line, leg), from_=plan["from"], to=plan["to"], ring_s=ring_s, pacer=pacer)
    if leg.get("kind") == "browser":
        return BrowserLeg(plan["call_id"], str(leg["ticket"]), pacer=pacer)
    raise Unknown(f"a leg of the kind {leg.get('kind')!r}")


@dataclass(frozen=True, slots=True)
class Around:
    """What brains reach for. `http` calls what customers name, `models` what the operator does; `tell` gets the hooks of
    webhooks, `press` sends keys, `ask` asks the server for something once."""

    http: OutgoingHttp
    models: OutgoingHttp
    ids: IdMaker
    tell: Tell
    press: Press
    ask: Ask


def make_brain(plan: CallPlan, around: Around) -> Brain:
    """The brain of a plan. Raises `Unknown`."""
    brain = plan["brain"]
    match brain.get("kind"):
        case "webhook":
            return WebhookBrain(brain, around.http, around.ids, around.tell, request_id=plan["request_id"])
        case "hosted":
            return _hosted(plan, around)
        case "demo":
            return DemoBrain(can_transfer=bool(plan["agent"].get("transfer_number")))
        case "notice":
            return NoticeBrain()
    raise Unknown(f"a brain of the kind {brain.get('kind')!r}")


def _hosted(plan: CallPlan, around: Around) -> HostedBrain:
    brain, outbound = plan["brain"], plan["direction"] == "outbound"
    party = plan["to"] if outbound else plan["from"]
    caller = f"by {party}" if party.startswith("+") else "from a web page"
    tools = Toolbox(
        brain["tools"],
        Surroundings(plan["call_id"], around.http, around.press, around.ask),
        # A browser has no number.
        texts=bool(brain["messaging"]) and party.startswith("+"),
        can_transfer=bool(plan["agent"].get("transfer_number")),
    )
    return HostedBrain(
        brain["prompt"] or "",
        ChatCompletions(around.models, Endpoint(**brain["model"])),
        tools,
        direction=f"You have called {party}" if outbound else f"You were called {caller}",
        call_id=plan["call_id"],
    )
