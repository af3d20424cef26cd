"""The programs for the tool packs on docs/clients.md, run as they stand."""

import json

import pytest

from ringback.testing import Ringback
from tests.conformance.packs.pack import Pack
from tests.scenarios.pages import blocks

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

_, _, ONE_LINE, LANGCHAIN, CREWAI, OPENAI = blocks("docs/clients.md", "python")
USE_A_TOOL = """
import asyncio, json
from agents.tool_context import ToolContext

[buy] = [tool for tool in agent.tools if tool.name == "agentphone_buy_number"]
given = json.dumps({"country": "US"})
context = ToolContext(None, tool_name=buy.name, tool_call_id="1", tool_arguments=given)
print(asyncio.run(buy.on_invoke_tool(context, given)))
"""
PROGRAMS = {"langchain": LANGCHAIN, "crewai": CREWAI, "openai_agents": OPENAI + USE_A_TOOL}


def test_a_program_of_the_page(pack: Pack, ringback: Ringback) -> None:
    *before, bought = pack.run(f"{ONE_LINE}\n{PROGRAMS[pack.name]}").said.splitlines()
    assert before == (["12"] if pack.name == "openai_agents" else [])
    [number] = ringback.client().numbers.list().data
    assert json.loads(bought)["id"] == number.id
