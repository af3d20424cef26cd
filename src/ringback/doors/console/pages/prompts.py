"""Versions of an agent's prompt: what it was, what another would change, and the way back."""

import asyncio
from typing import Any

from starlette.responses import HTMLResponse, Response

from ringback.doors.console import view
from ringback.doors.console.ask import Ask
from ringback.doors.console.desk import Look
from ringback.doors.console.differing import differences

_DOORS = {"console": "in the console", "mcp": "by an AI agent", "api": "by the API"}


async def versions(ask: Ask, agent_id: str) -> list[dict[str, Any]]:
    """Newest first, with `by`: who set it, in words."""
    found = (await ask.get(f"/v1/agents/{agent_id}/prompt-versions"))["data"]
    return [{**version, "by": _by(version["setBy"])} for version in found]


def _by(author: dict[str, Any]) -> str:
    door = _DOORS.get(author["door"] or "", "")
    return f"{door}, key “{author['keyName']}”" if author["keyName"] else door


async def show_version(look: Look) -> Response:
    """A version against the prompt as it is; the newest against the one before, which is what it changed."""
    ask, path = look.ask, f"/v1/agents/{look.path['id']}/prompt-versions"
    told = await ask.get(f"{path}/{look.path['version']}")
    listed = await versions(ask, look.path["id"])
    other = listed[0]
    if told["current"]:
        other = next((version for version in listed if version["number"] < told["number"]), listed[0])
    against = (await ask.get(f"{path}/{other['id']}"))["systemPrompt"] or ""
    mine = told["systemPrompt"] or ""
    differ = await asyncio.to_thread(differences, against, mine)
    return HTMLResponse(
        view.render(
            "parts/version.html",
            agent_id=look.path["id"],
            version={**told, "by": _by(told["setBy"])},
            other=other,
            differ=differ,
            against=against,
        )
    )


async def use_version(look: Look) -> Response:
    """The prompt of a version is the agent's again."""
    agent_id = look.path["id"]
    path = f"/v1/agents/{agent_id}/prompt-versions/{look.path['version']}"
    before = await look.ask.get(path)
    await look.ask.post(f"{path}/use", {})
    parts = await prompt_parts(look.ask, agent_id, replaced=True)
    return look.part(parts, toast=f"The prompt is that of version {before['number']} again.")


async def prompt_parts(ask: Ask, agent_id: str, *, replaced: bool = False) -> str:
    """The list of versions anew, for a page that is open; `replaced`: with the prompt, which is another now."""
    agent = await ask.get(f"/v1/agents/{agent_id}") if replaced else None
    return view.render(
        "parts/prompt_parts.html", agent_id=agent_id, agent=agent, versions=await versions(ask, agent_id)
    )


ROUTES = (
    ("GET", "/agents/{id}/prompts/{version}", show_version),
    ("POST", "/agents/{id}/prompts/{version}/use", use_version),
)
