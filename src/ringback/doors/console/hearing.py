"""Who answers texts: a program of the user's, this server's demo, or nobody, since a catcher only listens."""

from typing import Literal

from ringback.doors.console.ask import Ask

Hearing = Literal["program", "demo", "catcher", "nobody"]
_MOST = 100


async def who_hears(ask: Ask, agent_id: str | None = None) -> Hearing:
    """Who is told of texts to an agent, or to any where none is named."""
    listed = await ask.get("/v1/webhooks/endpoints", limit=_MOST)
    mine = [one for one in listed["data"] if agent_id is None or one["agentId"] in (None, agent_id)]
    if listed["hasMore"] or any(one["agentId"] is not None for one in mine):
        return "program"
    if not mine:
        return "nobody"
    told = await ask.get("/v1/webhooks/caught", bodyCharacters=0)
    if not told["catching"]:
        return "program"
    return "demo" if told["answering"] else "catcher"
