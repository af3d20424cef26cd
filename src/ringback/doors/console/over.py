"""Why a phone's call is over, told to whoever was on it: a phone alone would only fall silent."""

from typing import Any

from ringback.calls.errors import VoiceUnavailable
from ringback.doors.console.ask import Ask
from ringback.doors.console.names import Names, names
from ringback.doors.console.words import ending_words
from ringback.doors.rest.endpoints.calls import check_voice
from ringback.doors.rest.parts import Parts
from ringback.kit.times import from_iso

_REASONS = {
    "busy": "Busy: the other side is in another call.",
    "declined": "The other side declined.",
    "no_answer": "Nobody answered.",
    "unreachable": "Nobody can be reached at this number.",
    "carrier_error": "The simulated network is down, or could not carry the call.",
    "lost": "The call was lost: the process that carried it died.",
    "limit": "The call was four hours long, and the network ended it.",
}
_NOTHING_ANSWERS = "{agent} has nothing that answers: give it a webhook on Webhooks, or set it to the language model on its page."
_SETTLES_S = 3
"""How long the end of a call is waited for."""


async def why_over(ask: Ask, call_id: str, parts: Parts) -> str:
    """Why a call of a phone is over; empty where somebody hung up."""
    call = await ask.get(f"/sim/v1/calls/{call_id}", wait=_SETTLES_S)
    known = await names(ask)
    number = known.mine.get(call["to"] if call["direction"] == "out" else call["from"])
    if call["reason"] == "unreachable" and number is not None:
        if number["agentId"] is None:
            return "No agent has this number: attach one on Numbers."
        try:
            await check_voice(parts)
        except VoiceUnavailable as error:
            return f"The server takes no calls: {error.message}."
    if number is not None:
        told = await _told_by_agent(ask, known, number, call)
        if told:
            return told
    return call["trouble"] or _REASONS.get(call["reason"] or "", "")


async def _told_by_agent(ask: Ask, known: Names, number: dict[str, Any], call: dict[str, Any]) -> str:
    """What went wrong at the agent's end."""
    page = await ask.get(f"/v1/numbers/{number['id']}/calls", limit=5)
    same = [
        one
        for one in page["data"]
        if {one["fromNumber"], one["toNumber"]} == {call["from"], call["to"]}
        and abs(from_iso(one["startedAt"]) - from_iso(call["startedAt"])) < 60_000
    ]
    if not same:
        return ""
    other = await ask.get(f"/v1/calls/{same[0]['id']}")
    if other["ringback"]["brain"] == "notice":
        return _NOTHING_ANSWERS.format(agent=known.agent(number["agentId"]) or "This agent")
    if other["status"] != "failed":
        return ""
    detail = other["ringback"]["endingDetail"]
    ended = ending_words(other["disconnectionReason"])
    return f"{ended}: {detail}" if detail else f"{ended}."
