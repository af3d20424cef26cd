"""Uses the vendor's tool packs. Each line of standard input names a tool and what it is given, or has a whole program, and
each is answered by a line: JSON both ways. This runs in the environment that holds the packs, and imports nothing of ours.
"""

import asyncio
import contextlib
import functools
import io
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import agentphone

Tool = Callable[[dict[str, Any]], str]
_PREFIX = "agentphone_"
_AgentPhone = agentphone.AgentPhone


def langchain(key: str | None) -> dict[str, Tool]:
    """As a LangChain agent does: a tool call goes in, the message for the model comes out."""
    from langchain_agentphone import AgentPhoneToolkit

    def use(tool: Any, given: dict[str, Any]) -> str:
        return str(tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": given}).content)

    return {tool.name: functools.partial(use, tool) for tool in AgentPhoneToolkit(api_key=key).get_tools()}


def crewai(key: str | None) -> dict[str, Tool]:
    from crewai_agentphone import AgentPhoneToolkit

    def use(tool: Any, given: dict[str, Any]) -> str:
        return str(tool.run(**given))

    return {tool.name: functools.partial(use, tool) for tool in AgentPhoneToolkit(api_key=key).get_tools()}


def openai_agents(key: str | None) -> dict[str, Tool]:
    """As the SDK's runner does: arguments as the model writes them go in, what the model is told comes out."""
    from agents.tool_context import ToolContext
    from openai_agents_agentphone import configure, get_tools, tools

    tools._client = None  # it keeps its first one for good, and this process has many servers
    if key is not None:
        configure(key)

    def use(tool: Any, given: dict[str, Any]) -> str:
        written = json.dumps(given)
        context = ToolContext(None, tool_name=tool.name, tool_call_id="1", tool_arguments=written)
        return str(asyncio.run(tool.on_invoke_tool(context, written)))

    return {tool.name: functools.partial(use, tool) for tool in get_tools()}


PACKS: dict[str, Callable[[str | None], dict[str, Tool]]] = {
    "langchain": langchain,
    "crewai": crewai,
    "openai_agents": openai_agents,
}


def use(asked: dict[str, Any]) -> str:
    # The one line that docs/clients.md has for all three.
    agentphone.AgentPhone = functools.partial(_AgentPhone, base_url=asked["base_url"])
    tools = {name.removeprefix(_PREFIX): tool for name, tool in PACKS[asked["pack"]](asked["key"]).items()}
    return json.dumps(list(tools)) if asked["tool"] is None else tools[asked["tool"]](asked["given"])


def run(asked: dict[str, Any]) -> str:
    """What a program prints."""
    agentphone.AgentPhone = _AgentPhone
    os.environ |= {"RINGBACK_URL": asked["base_url"], "RINGBACK_API_KEY": asked["key"]}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(asked["program"], {"__name__": "__main__"})
    return printed.getvalue()


def outcome(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"said": run(asked) if "program" in asked else use(asked)}
    except Exception as error:
        return {"raised": type(error).__name__, "said": str(error)}


def main() -> None:
    # Whatever the frameworks print must not stand between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        print(json.dumps(outcome(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
