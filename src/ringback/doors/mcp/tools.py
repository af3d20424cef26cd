"""What a tool is, and how one is called."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog

from ringback.doors.mcp.advice import advice_on
from ringback.doors.mcp.api import Api, Refused
from ringback.doors.mcp.arguments import Arguments, BadArguments, Writing

_log = structlog.get_logger("ringback.mcp")
Run = Callable[[Api, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: `run` takes the API and the arguments, and gives what is told as JSON. Raises `Refused`, `BadArguments`.

    `changes`: it writes; `destroys`: what it undoes can't be had back; `simulated`: of the simulated network.
    """

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    run: Run
    changes: bool
    destroys: bool
    simulated: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What a call of a tool tells: JSON, or for a failure what went wrong and what to do."""

    text: str
    failed: bool


def tool(
    title: str, arguments: type[Arguments], *, destroys: bool = False, simulated: bool = False
) -> Callable[[Run], Tool]:
    """Make a function the tool of its name; its docstring is what a model reads."""

    def make(run: Run) -> Tool:
        described = " ".join((run.__doc__ or "").split())
        changes = issubclass(arguments, Writing)
        return Tool(run.__name__, title, described, arguments, run, changes, destroys, simulated)

    return make


async def call(tool: Tool, api: Api, given: Any) -> Told:
    """Call a tool with what a client sent as its arguments."""
    try:
        asked = tool.arguments.read(given)
        api.once = getattr(asked, "idempotency_key", None)
        answer = await tool.run(api, asked)
    except BadArguments as error:
        return Told(f"{error}. Nothing was done: correct the arguments and call {tool.name} again.", True)
    except Refused as refused:
        return Told(_failure(refused), True)
    except Exception:
        _log.exception("a tool failed", tool=tool.name)
        return Told("A fault of this server (INTERNAL_ERROR); its log tells more.", True)
    return Told(json.dumps(answer, ensure_ascii=False, separators=(",", ":")), False)


def _failure(refused: Refused) -> str:
    parts = [f"{refused.message.rstrip('.')} ({refused.code})."]
    advice = advice_on(refused.code)
    if advice:
        parts.append(f"What to do: {advice}.")
    if refused.retry_after:
        parts.append(f"Wait {refused.retry_after} s before you try again.")
    return " ".join(parts)
