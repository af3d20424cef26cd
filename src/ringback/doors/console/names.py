"""Who is behind a number: an agent of the account, a phone on the simulated network, a contact."""

import re
from dataclasses import dataclass, field
from typing import Any

from ringback.doors.console.ask import Ask, Refused, every
from ringback.kit.searching import words_of

_NUMBER = re.compile(r"[-+().\[\]/0-9 ]+")
_FEWEST_DIGITS = 3
"""Fewer stand in nearly every number."""


@dataclass(slots=True)
class Names:
    """`mine` are the account's numbers, `phones` those of the network, by E.164."""

    mine: dict[str, dict[str, Any]] = field(default_factory=dict)
    phones: dict[str, dict[str, Any]] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)

    def of(self, e164: str | None) -> str:
        """The name, empty where nobody gave one."""
        if not e164:
            return ""
        number = self.mine.get(e164)
        if number is not None:
            return self.agents.get(number["agentId"] or "", "Your number")
        phone = self.phones.get(e164)
        if phone is not None:
            return phone["name"] or "Phone"
        return self.contacts.get(e164, "")

    def agent(self, agent_id: str | None) -> str:
        return self.agents.get(agent_id or "", "")

    def agents_called(self, typed: str) -> list[str]:
        """The ids of the agents whose name holds every word that was typed."""
        return [agent_id for agent_id, name in self.agents.items() if _holds(name, typed)]

    def people_called(self, typed: str) -> list[str]:
        """The numbers of the phones and contacts whose name does."""
        called = [
            *((e164, name) for e164, name in self.contacts.items()),
            *((e164, phone["name"] or "") for e164, phone in self.phones.items()),
        ]
        return list(dict.fromkeys(e164 for e164, name in called if _holds(name, typed)))

    def mine_with(self, typed: str) -> list[str]:
        """The account's numbers that hold the digits that were typed, in any spelling."""
        digits = _digits_of(typed)
        return [e164 for e164 in self.mine if digits in e164] if digits else []


def _holds(name: str, typed: str) -> bool:
    words = words_of(typed.casefold())
    return bool(words) and all(word in name.casefold() for word in words)


def _digits_of(typed: str) -> str:
    """The digits of a part of a number, at least three; else nothing."""
    digits = "".join(re.findall(r"[0-9]", typed))
    return digits if len(digits) >= _FEWEST_DIGITS and _NUMBER.fullmatch(typed.strip()) else ""


async def names(ask: Ask, *, phones: bool = True) -> Names:
    """All names that an account sees; the first few hundred of each kind."""
    found = Names()
    async for agent in every(ask, "/v1/agents"):
        found.agents[agent["id"]] = agent["name"]
    async for number in every(ask, "/v1/numbers"):
        if number["status"] == "active":
            found.mine[number["phoneNumber"]] = number
    async for contact in every(ask, "/v1/contacts", most=300):
        found.contacts[contact["phoneNumber"]] = contact["name"] or ""
    if phones:
        try:
            async for handset in every(ask, "/sim/v1/handsets"):
                found.phones[handset["phoneNumber"]] = handset
        except Refused:
            pass  # this carrier is no simulated one
    return found
