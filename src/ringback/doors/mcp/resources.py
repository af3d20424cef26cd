"""Resources: conversations and transcripts of calls, which a host may read into a model's context."""

import json
import re
from dataclasses import dataclass

from ringback.doors.mcp.api import Api, Refused
from ringback.doors.mcp.calls import told
from ringback.doors.mcp.texts import conversation

_PAGE = 20
_URI = re.compile(r"ringback://(conversations|calls)/([A-Za-z0-9_]{1,64})(/transcript)?")
TEMPLATES = (
    ("ringback://conversations/{id}", "conversation", "A conversation with its newest 50 texts"),
    ("ringback://calls/{id}/transcript", "transcript", "What was said in a call"),
)
"""URI, name and description of each kind."""


@dataclass(frozen=True, slots=True)
class Found:
    """A resource that is there."""

    uri: str
    name: str
    description: str


async def newest(api: Api, offset: int) -> tuple[list[Found], int | None]:
    """A page of conversations and of calls, and the offset of the next. Raises `Refused`."""
    query = {"limit": _PAGE, "offset": offset}
    conversations = await api.get("v1/conversations", query=query)
    calls = await api.get("v1/calls", query=query)
    found = [
        Found(
            f"ringback://conversations/{row['id']}",
            f"{row['phoneNumber']} with {row['participant']}",
            f"{row['messageCount']} texts, the last at {row['lastMessageAt']}",
        )
        for row in conversations["data"]
    ]
    found += [
        Found(
            f"ringback://calls/{row['id']}/transcript",
            f"{row['direction']} call, {row['fromNumber']} to {row['toNumber']}",
            f"{row['status']}, begun at {row['startedAt']}",
        )
        for row in calls["data"]
    ]
    more = conversations["hasMore"] or calls["hasMore"]
    return found, offset + _PAGE if more else None


async def read(api: Api, uri: str) -> str:
    """The JSON of a resource. Raises `Refused`."""
    match = _URI.fullmatch(uri)
    if match is None or (match[1] == "calls") is not (match[3] is not None):
        raise Refused("NOT_FOUND", f"there is no {uri}: there are {TEMPLATES[0][0]} and {TEMPLATES[1][0]}")
    if match[1] == "calls":
        answer = told(await api.get("v1/calls", match[2]))
    else:
        answer = await conversation(api, match[2], 50, None)
    return json.dumps(answer, ensure_ascii=False)
