"""Tools for contacts and use."""

from typing import Annotated, Any, Literal

from pydantic import Field

from ringback.doors.mcp.api import Api
from ringback.doors.mcp.arguments import (
    ABSENT,
    Arguments,
    BadArguments,
    Id,
    Limit,
    Number,
    Offset,
    Text,
    Whole,
    Writing,
)
from ringback.doors.mcp.results import brief, offset_page, rest_page
from ringback.doors.mcp.tools import tool


class ListContacts(Arguments):
    search: Annotated[Text, Field(description="Part of a name, number, email or note.")] = ABSENT
    limit: Limit = 50
    offset: Offset = 0


@tool("List contacts", ListContacts)
async def list_contacts(api: Api, asked: ListContacts) -> Any:
    """The people whom the account knows."""
    query = {"search": asked.search, "limit": asked.limit, "offset": asked.offset}
    answer = await api.get("v1/contacts", query=query)
    rows = [brief(row, "id", "phoneNumber", "name", "email", "notes") for row in answer["data"]]
    return offset_page("contacts", answer, rows, asked.offset)


class ManageContact(Writing):
    action: Literal["create", "update", "delete"]
    contact_id: Annotated[Id, Field(description="con_..., for update and delete.")] = ABSENT
    phone_number: Annotated[Number, Field(description="For create.")] = ABSENT
    name: Annotated[Text, Field(description="For create.")] = ABSENT
    email: Annotated[Text, Field(description='With update "" clears it.')] = ABSENT
    notes: Annotated[Text, Field(description='With update "" clears them.')] = ABSENT

    may_be_empty = frozenset({"email", "notes"})


@tool("Make, change or delete a contact", ManageContact, destroys=True)
async def manage_contact(api: Api, asked: ManageContact) -> Any:
    """Make a contact (phone_number and name), change one, or delete one (contact_id)."""
    needed = ("phone_number", "name") if asked.action == "create" else ("contact_id",)
    missing = [name for name in needed if getattr(asked, name) is None]
    if missing:
        raise BadArguments(f"action {asked.action} needs {' and '.join(missing)}")
    if asked.action == "delete":
        await api.delete("v1/contacts", asked.contact_id)
        return {"deleted": True, "id": asked.contact_id}
    given = asked.given("phone_number", "name", "email", "notes")
    body = {
        ("phoneNumber" if name == "phone_number" else name): value or None for name, value in given.items()
    }
    if asked.action == "create":
        return brief(await api.post("v1/contacts", body=body))
    return brief(await api.patch("v1/contacts", asked.contact_id, body=body))


class GetUsage(Arguments):
    breakdown: Literal["summary", "daily", "monthly"] = "summary"
    days: Annotated[Whole, Field(ge=1, le=365, description="For daily.")] = 30
    months: Annotated[Whole, Field(ge=1, le=24, description="For monthly.")] = 12
    offset: Offset = 0


@tool("Use and costs", GetUsage)
async def get_usage(api: Api, asked: GetUsage) -> Any:
    """What was used: texts, calls, minutes, numbers; in all, by day or by month. Days without any use are left out."""
    if asked.breakdown == "summary":
        usage = await api.get("v1/usage")
        return brief(usage, "plan", "numbers", "stats", "periodStart", "periodEnd", "ringback")
    query = {"days": asked.days} if asked.breakdown == "daily" else {"months": asked.months}
    answer = await api.get("v1/usage", asked.breakdown, query=query)
    used = [
        row
        for row in answer["data"]
        if any(isinstance(value, int | float) and value for value in row.values())
    ]
    return rest_page(asked.breakdown, used, asked.offset)
