"""Trying an agent beside its prompt: a thread between a phone of the simulated network and one of the agent's numbers."""

from typing import Any

from ringback.doors.console.ask import Ask
from ringback.doors.console.pages.phones import thread

_PHONES = 100
_THREADS = 20


async def trial_of(ask: Ask, agent: dict[str, Any], wanted: str = "") -> dict[str, Any] | None:
    """The thread of the phone that is `wanted` (its id), else of the one that texted the agent last, else of the oldest; None
    where the agent has no number or the network no phone."""
    mine = [number["phoneNumber"] for number in agent["numbers"] or [] if number["status"] == "active"]
    listed = (await ask.get("/sim/v1/handsets", limit=_PHONES))["data"]
    phones = {phone["phoneNumber"]: phone for phone in listed}
    if not mine or not phones:
        return None
    talks: dict[str, str] = {}  # newest first: a phone, and the number that it texted last
    for talk in (await ask.get(f"/v1/agents/{agent['id']}/conversations", limit=_THREADS))["data"]:
        if talk["participant"] in phones and talk["phoneNumber"] in mine:
            talks.setdefault(talk["participant"], talk["phoneNumber"])
    chosen = next((e164 for e164, phone in phones.items() if phone["id"] == wanted), None)
    own = chosen or next(iter(talks), listed[-1]["phoneNumber"])
    to = talks.get(own, mine[0])
    name = f"{phones[own]['id']}~{to}"
    return {
        "handset": phones[own],
        "phones": listed,
        "to": to,
        "block": f"thread:{name}",
        "thread": await thread(ask, name),
    }
