"""Tools for calls."""

from typing import Annotated, Any, Literal

from pydantic import Field

from ringback.doors.mcp.api import Api
from ringback.doors.mcp.arguments import (
    ABSENT,
    AgentId,
    Arguments,
    BadArguments,
    Flag,
    Id,
    Limit,
    Number,
    NumberId,
    Offset,
    Text,
    Whole,
    Writing,
)
from ringback.doors.mcp.results import brief, offset_page, rest_page
from ringback.doors.mcp.tools import tool

_CALL = (
    "id",
    "status",
    "direction",
    "fromNumber",
    "toNumber",
    "agentId",
    "startedAt",
    "durationSeconds",
    "disconnectionReason",
)
_WHOLE_CALL = (*_CALL, "endedAt", "summary", "callSuccessful", "userSentiment", "recordingAvailable")
CallId = Annotated[Id, Field(description="A call's id, call_...")]
Greeting = Annotated[Text, Field(description="What the agent says first.")]
Voice = Annotated[Id, Field(description="A voice's id of list_voices, for this call.")]


class ListCalls(Arguments):
    agent_id: AgentId = ABSENT
    number_id: NumberId = ABSENT
    limit: Limit = 20
    offset: Offset = 0
    status: Annotated[Text, Field(description="Such as completed, failed, in-progress.")] = ABSENT
    direction: Literal["inbound", "outbound"] = ABSENT
    search: Annotated[Text, Field(description="Part of either number.")] = ABSENT


@tool("List calls", ListCalls)
async def list_calls(api: Api, asked: ListCalls) -> Any:
    """Calls, newest first: all with filters, or those of one agent or one number."""
    filters = asked.given("status", "direction", "search")
    owners = asked.given("agent_id", "number_id")
    if len(owners) > 1 or (owners and filters):
        raise BadArguments(
            "agent_id and number_id stand alone: leave the other filters out, or leave these out"
        )
    path: tuple[str, ...] = ("v1/calls",)
    if asked.agent_id:
        path = ("v1/agents", asked.agent_id, "calls")
    if asked.number_id:
        path = ("v1/numbers", asked.number_id, "calls")
    query = {"limit": asked.limit, "offset": asked.offset, **filters}
    answer = await api.get(*path, query=query)
    return offset_page("calls", answer, [brief(row, *_CALL) for row in answer["data"]], asked.offset)


class GetCall(Arguments):
    call_id: CallId
    wait: Annotated[Flag, Field(description="Wait until the call has ended, or for timeout seconds.")] = False
    timeout: Annotated[Whole, Field(ge=10, le=300)] = 120
    offset: Annotated[Whole, Field(ge=0, description="Lines of the transcript to pass over.")] = 0


@tool("One call", GetCall)
async def get_call(api: Api, asked: GetCall) -> Any:
    """A call with what was said. With wait, the answer comes when the call has ended."""
    query = {"wait": True, "timeout": asked.timeout} if asked.wait else {}
    return told(await api.get("v1/calls", asked.call_id, query=query), asked.offset)


def told(call: dict[str, Any], offset: int = 0) -> dict[str, Any]:
    """A call with its transcript from line `offset` on: what the user or the agent said, each a line."""
    turns = []
    for entry in call.get("transcripts") or []:
        if entry.get("transcript"):
            turns.append({"user": entry["transcript"]})
        if entry.get("response"):
            turns.append({"agent": entry["response"]})
    return brief(call, *_WHOLE_CALL) | rest_page("transcript", turns, offset)


class MakeCall(Writing):
    agent_id: AgentId
    to_number: Number
    initial_greeting: Greeting = ABSENT
    from_number_id: NumberId = ABSENT
    voice: Voice = ABSENT


@tool("Call somebody", MakeCall)
async def make_call(api: Api, asked: MakeCall) -> Any:
    """Let an agent call a number, and talk as the agent is set up. It answers at once; get_call with wait tells how it
    went. Phones ring for real: be sure of the number."""
    return brief(await api.post("v1/calls", body=_body(asked)), *_CALL)


def _body(asked: "MakeCall | MakeConversationCall") -> dict[str, Any]:
    return {
        "agentId": asked.agent_id,
        "toNumber": asked.to_number,
        "initialGreeting": asked.initial_greeting,
        "fromNumberId": asked.from_number_id,
        "voice": asked.voice,
    }


class MakeConversationCall(Writing):
    agent_id: AgentId
    to_number: Number
    topic: Annotated[
        Text, Field(min_length=1, description="What the call is about and what it should achieve.")
    ]
    initial_greeting: Greeting = ABSENT
    wait: Annotated[Flag, Field(description="Wait until the call has ended.")] = True
    max_wait_seconds: Annotated[Whole, Field(ge=10, le=600)] = 300
    from_number_id: NumberId = ABSENT
    voice: Voice = ABSENT


@tool("Call somebody about something", MakeConversationCall)
async def make_conversation_call(api: Api, asked: MakeConversationCall) -> Any:
    """Let the model call a number, talk about a topic, and tell what was said. If the call lasts longer than
    max_wait_seconds, the answer is the call as it is then: go on with get_call."""
    body = _body(asked) | {
        "systemPrompt": f"You are calling somebody on the phone. Keep each answer short. Your task: {asked.topic}",
        "waitForCompletion": asked.wait,
        "maxWaitSeconds": asked.max_wait_seconds,
    }
    return told(await api.post("v1/calls", body=body))


class EndCall(Writing):
    call_id: CallId


@tool("Hang up", EndCall)
async def end_call(api: Api, asked: EndCall) -> Any:
    """End a call that is under way."""
    return brief(await api.post("v1/calls", asked.call_id, "end"))
