"""Tools for webhooks."""

from typing import Annotated, Any

from pydantic import Field

from ringback.doors.mcp.api import Api
from ringback.doors.mcp.arguments import (
    ABSENT,
    AgentId,
    Arguments,
    BadArguments,
    Limit,
    Offset,
    Text,
    Whole,
    Writing,
)
from ringback.doors.mcp.results import brief, listed, offset_page
from ringback.doors.mcp.tools import tool

_DELIVERY = (
    "id",
    "event",
    "status",
    "statusCode",
    "success",
    "attemptCount",
    "errorMessage",
    "deliveredAt",
    "createdAt",
    "nextRetryAt",
    "url",
)
_OF_AGENT = 100
"""Deliveries of one agent that the API tells."""
Whose = Annotated[AgentId, Field(description="The agent's own webhook; without it, the account's.")]


class WebhookOf(Arguments):
    agent_id: Whose = ABSENT


class ChangeWebhook(Writing):
    agent_id: Whose = ABSENT


class SetWebhook(Writing):
    url: Annotated[Text, Field(min_length=1, description="http:// or https://.")]
    agent_id: Whose = ABSENT
    context_limit: Annotated[
        Whole, Field(ge=0, le=50, description="How many earlier messages come with each.")
    ] = ABSENT
    timeout: Annotated[Whole, Field(description="Seconds to wait for an answer, 5 to 120.")] = ABSENT


def _path(agent_id: str | None) -> tuple[str, ...]:
    return ("v1/webhooks",) if agent_id is None else ("v1/agents", agent_id, "webhook")


@tool("Read the webhook", WebhookOf)
async def get_webhook(api: Api, asked: WebhookOf) -> Any:
    """Where texts and calls are told to. Its secret is not shown."""
    found = await api.get(*_path(asked.agent_id))
    return {"webhook": found and brief(found, "id", "url", "status", "contextLimit", "timeout")}


@tool("Set the webhook", SetWebhook)
async def set_webhook(api: Api, asked: SetWebhook) -> Any:
    """Set where texts and calls are told to, in place of the earlier one. The answer has its new secret: the program at
    that URL needs it to check signatures."""
    body = {"url": asked.url, "contextLimit": asked.context_limit, "timeout": asked.timeout}
    return brief(await api.post(*_path(asked.agent_id), body=body))


@tool("Delete the webhook", ChangeWebhook, destroys=True)
async def delete_webhook(api: Api, asked: ChangeWebhook) -> Any:
    """Tell texts and calls to nobody any more."""
    return brief(await api.delete(*_path(asked.agent_id)))


@tool("Test the webhook", ChangeWebhook)
async def test_webhook(api: Api, asked: ChangeWebhook) -> Any:
    """Send a made-up text to the webhook, and tell what it answered."""
    return brief(await api.post(*_path(asked.agent_id), "test"))


class ListDeliveries(Arguments):
    agent_id: Annotated[
        AgentId, Field(description="An agent's own webhook, its newest 100; without it, the account's.")
    ] = ABSENT
    limit: Limit = 20
    offset: Offset = 0
    hours: Annotated[Whole, Field(ge=1, description="Only of the last hours.")] = ABSENT


@tool("Webhook deliveries", ListDeliveries)
async def list_webhook_deliveries(api: Api, asked: ListDeliveries) -> Any:
    """What was sent to the webhook and what it answered, newest first: where to look when an agent stays silent."""
    if asked.agent_id:
        return await _deliveries_of(api, asked)
    query = {"limit": asked.limit, "offset": asked.offset, "hours": asked.hours}
    answer = await api.get("v1/webhooks/deliveries", query=query)
    rows = [brief(row, *_DELIVERY) for row in answer["items"]]
    return offset_page("deliveries", answer, rows, asked.offset)


async def _deliveries_of(api: Api, asked: ListDeliveries) -> dict[str, Any]:
    """An agent's list has no offset, so what is passed over is asked for too."""
    if asked.offset >= _OF_AGENT:
        raise BadArguments(
            f"offset: with agent_id the newest {_OF_AGENT} are told; leave agent_id out for all"
        )
    until = min(asked.offset + asked.limit, _OF_AGENT)
    query = {"limit": until, "hours": asked.hours}
    found = await api.get(*_path(asked.agent_id), "deliveries", query=query)
    return listed(
        "deliveries",
        [brief(row, *_DELIVERY) for row in found[asked.offset :]],
        more=len(found) == until < _OF_AGENT,
        next_=lambda shown: {"offset": asked.offset + len(shown)},
    )
