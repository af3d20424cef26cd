"""Playing a scenario: a phone of the simulated network does what it did, and what comes of it is judged."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from ringback.kit.machine import monotonic
from ringback.scenarios.file import Scenario, ScenarioError
from ringback.scenarios.judging import Check, Outcome, judge

_APPEARS_S = 10.0
_WAIT_S = 10
_PATIENCE_S = 60.0
"""How much longer than it should a call may take before it is ended."""


class Ask(Protocol):
    """A request to a server; answers the body, and raises for a refusal."""

    def __call__(self, method: str, path: str, body: Any = None, *, query: Any = None) -> Any: ...


def play(
    ask: Ask,
    scenario: Scenario,
    *,
    number: str | None = None,
    agent: str | None = None,
    phone: str | None = None,
) -> Outcome:
    """Make the call and judge it. What is given stands for what the file names. Raises `ScenarioError`."""
    handset = _handset(ask, phone or scenario.phone)
    if scenario.direction == "inbound":
        to = number or scenario.number
        if to is None:
            raise ScenarioError("the scenario names no number to call: name one")
        call_id = _dial(ask, handset, to, scenario)
        ended = _ended(ask, call_id, scenario)
    else:
        caller = agent or scenario.agent
        if caller is None:
            raise ScenarioError("the scenario names no agent that calls: name one")
        with _answering(ask, handset, scenario.answers):
            call_id = _be_called(ask, handset, caller, scenario)
            ended = _ended(ask, call_id, scenario)
    said = ask("GET", f"/v1/calls/{call_id}/transcript")["transcript"]
    checks = judge(scenario.expect, ended.call, said)
    if ended.late is not None:
        checks.insert(0, ended.late)
    return Outcome(ended.call, said, checks)


def _handset(ask: Ask, wanted: str | None) -> Mapping[str, Any]:
    """The handset with this number, made if there is none; without one a new one."""
    offset, more = 0, wanted is not None
    while more:
        page = ask("GET", "/sim/v1/handsets", query={"limit": 100, "offset": offset})
        for handset in page["data"]:
            if handset["phoneNumber"] == wanted:
                return _mapping(handset)
        offset += len(page["data"])
        more = page["hasMore"]
    return _mapping(ask("POST", "/sim/v1/handsets", {"phoneNumber": wanted} if wanted else {}))


def _mapping(found: Any) -> Mapping[str, Any]:
    handset: Mapping[str, Any] = found
    return handset


def _dial(ask: Ask, handset: Mapping[str, Any], to: str, scenario: Scenario) -> str:
    """Let the phone call the agent's number; answers the agent's call."""
    known = {call["id"] for call in _from(ask, handset)}
    asked = {"to": to, "script": scenario.steps}
    far = ask("POST", f"/sim/v1/handsets/{handset['id']}/calls", asked)
    until = monotonic() + _APPEARS_S
    while monotonic() < until:
        for call in _from(ask, handset):
            if call["id"] not in known:
                return str(call["id"])
        now = ask("GET", f"/sim/v1/calls/{far['id']}")
        if now["endedAt"] is not None and now["answeredAt"] is None:
            raise ScenarioError(f"{to} did not take the call of {handset['phoneNumber']}: {now['reason']}")
        time.sleep(0.05)
    raise ScenarioError(f"no call from {handset['phoneNumber']} to {to} reached this account")


def _from(ask: Ask, handset: Mapping[str, Any]) -> list[Any]:
    query = {"direction": "inbound", "search": handset["phoneNumber"], "limit": 20}
    found: list[Any] = ask("GET", "/v1/calls", query=query)["data"]
    return found


@contextmanager
def _answering(ask: Ask, handset: Mapping[str, Any], how: str) -> Iterator[None]:
    """Let the phone take calls so, until this is over."""
    path, before = f"/sim/v1/handsets/{handset['id']}", handset["callPersonality"]
    ask("PATCH", path, {"callPersonality": how})
    try:
        yield
    finally:
        ask("PATCH", path, {"callPersonality": before})


def _be_called(ask: Ask, handset: Mapping[str, Any], agent: str, scenario: Scenario) -> str:
    """Let the agent call the phone, which answers if it does; answers the agent's call."""
    asked = {**scenario.ask, "agentId": agent, "toNumber": handset["phoneNumber"]}
    call_id = str(ask("POST", "/v1/calls", asked)["id"])
    if scenario.answers == "manual":
        query = {"status": "ringing", "limit": 1, "wait": _WAIT_S}
        ringing = ask("GET", f"/sim/v1/handsets/{handset['id']}/calls", query=query)["data"]
        if ringing:
            ask("POST", f"/sim/v1/calls/{ringing[0]['id']}/answer", {"script": scenario.steps})
    return call_id


class _Ended:
    def __init__(self, call: Mapping[str, Any], late: Check | None) -> None:
        self.call, self.late = call, late


def _ended(ask: Ask, call_id: str, scenario: Scenario) -> _Ended:
    """The call when it is over; one that does not end in time is ended, which is told."""
    path = f"/v1/calls/{call_id}"
    until = monotonic() + (scenario.expect.seconds or 0) + _PATIENCE_S
    call = ask("GET", path)
    while call["endedAt"] is None and monotonic() < until:
        call = ask("GET", path, query={"wait": "true", "timeout": _WAIT_S})
    if call["endedAt"] is not None:
        return _Ended(call, None)
    ask("POST", f"{path}/end")
    told = f"it was still {call['status']} {_PATIENCE_S:g} s after it should have ended, and was ended"
    return _Ended(ask("GET", path, query={"wait": "true", "timeout": _WAIT_S}), Check(False, "end", told))
