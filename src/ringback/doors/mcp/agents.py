"""Tools for agents and voices."""

from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.alias_generators import to_camel

from ringback.doors.mcp.api import Api
from ringback.doors.mcp.arguments import (
    ABSENT,
    AgentId,
    Arguments,
    Decimal,
    Flag,
    Id,
    Limit,
    Offset,
    Text,
    Whole,
    Writing,
)
from ringback.doors.mcp.results import MOST, brief, offset_page, rest_page
from ringback.doors.mcp.tools import tool


class _Settings(Writing):
    """What an agent can be told; the API's own bounds are its own to check."""

    description: Text = ABSENT
    voice_mode: Annotated[
        Literal["webhook", "hosted"],
        Field(
            description="Who decides what it says in calls: your webhook, or the model with system_prompt."
        ),
    ] = ABSENT
    system_prompt: Annotated[
        Text, Field(description="Needed for voice_mode hosted. list_prompt_versions has what it was before.")
    ] = ABSENT
    begin_message: Annotated[Text, Field(description="What it says first in a call.")] = ABSENT
    voice: Annotated[Text, Field(description="A voice's id of list_voices.")] = ABSENT
    model_tier: Literal["turbo", "balanced", "max"] = ABSENT
    transfer_number: Annotated[
        Text, Field(description='A number to which it may transfer calls; "" for none.')
    ] = ABSENT
    voicemail_message: Annotated[
        Text, Field(description='What it leaves on an answering machine; "" for nothing.')
    ] = ABSENT
    voice_speed: Annotated[Decimal, Field(ge=0.5, le=2)] = ABSENT
    interruption_sensitivity: Annotated[Decimal, Field(ge=0, le=1)] = ABSENT
    enable_backchannel: Flag = ABSENT
    enable_messaging: Flag = ABSENT
    stt_mode: Literal["fast", "accurate"] = ABSENT
    ambient_sound: Literal["none", "office", "coffee-shop", "outdoor"] = ABSENT
    denoising_mode: Literal["noise-cancellation", "noise-and-background-speech-cancellation"] = ABSENT
    max_silence_ms: Annotated[Whole, Field(ge=10_000, le=3_600_000)] = ABSENT
    language: Annotated[Text, Field(description="Such as en-US.")] = ABSENT

    may_be_empty = frozenset(
        {"transfer_number", "voicemail_message", "system_prompt", "begin_message", "description"}
    )

    def body(self) -> dict[str, Any]:
        """As the API takes it."""
        kept = {"agent_id", "idempotency_key"}
        return {to_camel(name): value for name, value in self.given().items() if name not in kept}


class CreateAgent(_Settings):
    name: Annotated[Text, Field(min_length=1)]


class UpdateAgent(_Settings):
    agent_id: AgentId
    name: Annotated[Text, Field(min_length=1)] = ABSENT


class OneAgent(Arguments):
    agent_id: AgentId


class DeleteAgent(Writing):
    agent_id: AgentId


class ListAgents(Arguments):
    limit: Limit = 20
    offset: Offset = 0


@tool("List agents", ListAgents)
async def list_agents(api: Api, asked: ListAgents) -> Any:
    """The account's agents: who answers on which numbers. get_agent has all settings."""
    answer = await api.get("v1/agents", query={"limit": asked.limit, "offset": asked.offset})
    rows = [
        brief(row, "id", "name", "description", "voiceMode")
        | {"numbers": [number["phoneNumber"] for number in row.get("numbers") or []]}
        for row in answer["data"]
    ]
    return offset_page("agents", answer, rows, asked.offset)


@tool("Make an agent", CreateAgent)
async def create_agent(api: Api, asked: CreateAgent) -> Any:
    """Make an agent. Then give it a number with buy_number or attach_number."""
    return brief(await api.post("v1/agents", body=asked.body()))


@tool("Change an agent", UpdateAgent)
async def update_agent(api: Api, asked: UpdateAgent) -> Any:
    """Change settings of an agent; what isn't named stays."""
    return brief(await api.patch("v1/agents", asked.agent_id, body=asked.body()))


@tool("Delete an agent", DeleteAgent, destroys=True)
async def delete_agent(api: Api, asked: DeleteAgent) -> Any:
    """Delete an agent for ever. Its numbers and conversations stay the account's."""
    return brief(await api.delete("v1/agents", asked.agent_id))


@tool("One agent", OneAgent)
async def get_agent(api: Api, asked: OneAgent) -> Any:
    """All settings and numbers of an agent."""
    return brief(await api.get("v1/agents", asked.agent_id), most=MOST)


class ListPromptVersions(Arguments):
    agent_id: AgentId
    version_id: Annotated[Id, Field(description="A version's id, pv_...: that one, with its text.")] = ABSENT
    offset: Offset = 0


@tool("Versions of a prompt", ListPromptVersions)
async def list_prompt_versions(api: Api, asked: ListPromptVersions) -> Any:
    """What an agent's system_prompt was, newest first: who set it when, and how it begins. The first is as it is now."""
    path = ("v1/agents", asked.agent_id, "prompt-versions")
    if asked.version_id:
        return brief(await api.get(*path, asked.version_id), most=MOST)
    rows = [brief(row) for row in (await api.get(*path))["data"]]
    return rest_page("versions", rows, asked.offset)


class UsePromptVersion(Writing):
    agent_id: AgentId
    version_id: Annotated[Id, Field(description="A version's id, pv_...")]


@tool("Take a prompt back", UsePromptVersion)
async def use_prompt_version(api: Api, asked: UsePromptVersion) -> Any:
    """Let an agent have an earlier system_prompt again, from its next text or call on. What it has now stays a version."""
    return brief(
        await api.post("v1/agents", asked.agent_id, "prompt-versions", asked.version_id, "use"),
        "id",
        "number",
        "takenFrom",
        "preview",
        "current",
    )


class ListVoices(Arguments):
    offset: Offset = 0


@tool("List voices", ListVoices)
async def list_voices(api: Api, asked: ListVoices) -> Any:
    """The voices that agents can speak with."""
    answer = await api.get("v1/agents/voices")
    rows = [
        brief(row, "voice_id", "name", "provider", "gender", "accent", "language") for row in answer["data"]
    ]
    return rest_page("voices", rows, asked.offset)
