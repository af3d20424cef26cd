"""Tools for numbers, and for what the account has in all."""

import asyncio
from typing import Annotated, Any

from pydantic import Field

from ringback.doors.mcp.api import Api, Refused
from ringback.doors.mcp.arguments import (
    ABSENT,
    AgentId,
    Arguments,
    Flag,
    Limit,
    NumberId,
    Offset,
    Text,
    Writing,
)
from ringback.doors.mcp.results import brief, listed, offset_page
from ringback.doors.mcp.tools import tool

_NUMBER = (
    "id",
    "phoneNumber",
    "status",
    "agentId",
    "outboundSms",
    "country",
    "externalId",
    "expiresAt",
)
Country = Annotated[Text, Field(description="Two letters, such as US.", min_length=2, max_length=2)]
AreaCode = Annotated[Text, Field(description="Three digits, such as 415.", pattern=r"^\d{3}$")]
Confirm = Annotated[Flag, Field(description="true once the user has agreed; without it nothing is done.")]


@tool("Account overview", Arguments)
async def account_overview(api: Api, asked: Arguments) -> Any:
    """What the account has: numbers, agents, the webhook, and use so far. A good first call."""
    numbers, agents, webhook, usage = await asyncio.gather(
        api.get("v1/numbers", query={"limit": 20}),
        api.get("v1/agents", query={"limit": 20}),
        api.get("v1/webhooks"),
        api.get("v1/usage"),
    )
    return {
        "numbers": [brief(row, *_NUMBER) for row in numbers["data"]],
        "numbersInAll": numbers["total"],
        "agents": [brief(row, "id", "name", "voiceMode") for row in agents["data"]],
        "agentsInAll": agents["total"],
        "webhook": webhook and brief(webhook, "url", "status"),
        "usage": brief(usage, "numbers", "stats", "periodStart", "periodEnd"),
    }


class ListNumbers(Arguments):
    limit: Limit = 20
    offset: Offset = 0


@tool("List numbers", ListNumbers)
async def list_numbers(api: Api, asked: ListNumbers) -> Any:
    """The phone numbers that the account holds, newest first, with the agent each belongs to."""
    answer = await api.get("v1/numbers", query={"limit": asked.limit, "offset": asked.offset})
    return offset_page("numbers", answer, [brief(row, *_NUMBER) for row in answer["data"]], asked.offset)


class SearchNumbers(Arguments):
    country: Country = "US"
    area_code: AreaCode = ABSENT
    city: Text = ABSENT
    state: Text = ABSENT
    pattern: Text = ABSENT
    limit: Limit = 5


@tool("Search numbers to buy", SearchNumbers)
async def search_numbers(api: Api, asked: SearchNumbers) -> Any:
    """Numbers that can be bought now. Over MCP, buying takes any of the area code: only REST buys this very one.

    pattern: digits in a row that the number holds; letters as on a phone's keys, * for any digit.
    """
    query = {
        "country": asked.country.upper(),
        "areaCode": asked.area_code,
        "city": asked.city,
        "state": asked.state,
        "limit": asked.limit,
    }
    if asked.pattern:
        query["pattern"] = asked.pattern
    answer = await api.get(f"v1/numbers/{'matching' if asked.pattern else 'available'}", query=query)
    return listed("available", [brief(row) for row in answer["data"]], more=False, next_=lambda _: {})


class BuyNumber(Writing):
    country: Country = "US"
    area_code: AreaCode = ABSENT
    agent_id: AgentId = ABSENT
    confirm: Confirm = False


@tool("Buy a number", BuyNumber)
async def buy_number(api: Api, asked: BuyNumber) -> Any:
    """Buy a phone number, and attach it to an agent if one is named. It costs money by the month: call it first without
    confirm, tell the user what it says, and repeat it with confirm true when they agree."""
    country = asked.country.upper()
    if not asked.confirm:
        query = {"country": country, "areaCode": asked.area_code, "limit": 1}
        found = await api.get("v1/numbers/available", query=query)
        usage = await api.get("v1/usage")
        return {
            "bought": False,
            "wouldBuy": [row["phoneNumber"] for row in found["data"]] or f"any number of {country}",
            "numbers": usage["numbers"],
            "toDo": "Nothing was bought. Ask the user, then call buy_number again with confirm true.",
        }
    body = {"country": country, "areaCode": asked.area_code, "agentId": asked.agent_id}
    return {"bought": True, "number": brief(await api.post("v1/numbers", body=body), *_NUMBER)}


class ReleaseNumber(Writing):
    number_id: NumberId
    confirm: Confirm = False


@tool("Release a number", ReleaseNumber, destroys=True)
async def release_number(api: Api, asked: ReleaseNumber) -> Any:
    """Give a number back for ever; it can't be had again. Call it first without confirm, tell the user which number it
    is, and repeat it with confirm true when they agree. Messages and conversations stay."""
    if asked.confirm:
        return {"released": True, "number": brief(await api.delete("v1/numbers", asked.number_id))}
    number = await api.get("v1/numbers", asked.number_id)
    if number["status"] != "active":
        raise Refused("PHONE_NUMBER_RELEASED", f"{number['phoneNumber']} was released before")
    return {
        "released": False,
        "wouldRelease": brief(number, *_NUMBER),
        "toDo": "Nothing was released. Ask the user, then call release_number again with confirm true.",
    }


class AttachNumber(Writing):
    agent_id: AgentId
    number_id: NumberId


@tool("Attach a number to an agent", AttachNumber)
async def attach_number(api: Api, asked: AttachNumber) -> Any:
    """Let an agent answer the texts and calls of a number. A number of another agent moves to this one."""
    answer = await api.post("v1/agents", asked.agent_id, "numbers", body={"numberId": asked.number_id})
    return {"agentId": answer["agentId"], "number": brief(answer["number"], *_NUMBER)}


@tool("Detach a number from an agent", AttachNumber)
async def detach_number(api: Api, asked: AttachNumber) -> Any:
    """Take a number from an agent. The account keeps the number, and nobody answers on it."""
    return brief(await api.delete("v1/agents", asked.agent_id, "numbers", asked.number_id))
