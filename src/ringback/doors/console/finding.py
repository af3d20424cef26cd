"""What a search found, as a list of the console: where each hit leads, and the words in it marked.

Above what the API finds in texts, calls and conversations stand the account's agents of that name, its numbers and the
network's phones.
"""

from typing import Any
from urllib.parse import urlencode

from ringback.doors.console import view
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.names import Names, names
from ringback.doors.console.pages import numbers
from ringback.kit.searching import marked, words_of

_HITS = 25
_MOST_PAGES = 20
"""Pages that are asked for in a row while nothing is found: each looks at 100,000 texts."""
_KINDS = {"speech": "phone", "text": "message-square"}
_MOST_OWN = 5
"""Agents, and numbers, that are shown above the hits."""


async def found(ask: Ask, wanted: str, cursor: str = "", chosen: str = "") -> str:
    """The list of what is found for `wanted`, from `cursor` on; `chosen` is the conversation that is open."""
    try:
        page = await _page(ask, wanted, cursor)
    except Refused as refused:
        if refused.status != 422:
            raise
        return view.render(
            "parts/found.html", wanted=wanted, trouble=refused.message, own=[], rows=[], next="", first=True
        )
    known = await names(ask)
    words = words_of(wanted)
    rows = [
        {
            **hit,
            "link": _link(hit, wanted),
            "icon": _KINDS.get(hit["foundIn"], "messages-square"),
            "who": known.of(hit["participant"]),
            "agent": known.agent(hit["agentId"]),
            "pieces": marked(hit["snippet"], words),
            "chosen": bool(chosen) and hit["conversationId"] == chosen and hit["foundIn"] not in _KINDS,
        }
        for hit in page["data"]
    ]
    more = page["nextCursor"] or ""
    following = urlencode({"q": wanted, "cursor": more}) if more else ""
    return view.render(
        "parts/found.html",
        wanted=wanted,
        trouble="",
        own=[] if cursor else _own(known, wanted),
        rows=rows,
        next=following,
        first=not cursor,
    )


def _own(known: Names, wanted: str) -> list[dict[str, Any]]:
    """The agents and numbers of the account that are looked for, and the network's phones: `link`, `icon`, `kind`,
    `tells`, and the `pieces` of the name."""
    words, places = words_of(wanted), list(known.mine)
    rows = [
        {
            "link": f"/console/agents/{agent_id}",
            "icon": "bot",
            "kind": "Agent",
            "pieces": marked(known.agent(agent_id), words),
            "tells": "An agent of yours",
        }
        for agent_id in known.agents_called(wanted)[:_MOST_OWN]
    ]
    for e164 in known.mine_with(wanted)[:_MOST_OWN]:
        number = known.mine[e164]
        agent = known.agent(number["agentId"])
        rows.append(
            {
                "link": numbers.link_to(number["id"], places.index(e164)),
                "icon": "hash",
                "kind": "Number",
                "pieces": [(view.phone(e164), False)],
                "tells": f"Your number, of {agent}" if agent else "Your number, without an agent",
            }
        )
    # Contacts' names the API looks for itself.
    phones = [known.phones[e164] for e164 in known.people_called(wanted) if e164 in known.phones]
    rows += [
        {
            "link": f"/console/conversations?{urlencode({'q': phone['phoneNumber']})}",
            "icon": "smartphone",
            "kind": "Phone",
            "pieces": marked(phone["name"], words),
            "tells": f"{view.phone(phone['phoneNumber'])} on the simulated network",
        }
        for phone in phones[:_MOST_OWN]
    ]
    return rows


async def _page(ask: Ask, wanted: str, cursor: str) -> dict[str, Any]:
    """The first page that has anything in it."""
    page: dict[str, Any] = {}
    for _ in range(_MOST_PAGES):
        page = await ask.get("/v1/search", q=wanted, limit=_HITS, cursor=cursor)
        cursor = page["nextCursor"] or ""
        if page["data"] or not cursor:
            break
    return page


def _link(hit: dict[str, Any], wanted: str) -> str:
    if hit["foundIn"] == "speech":
        return f"/console/calls/{hit['callId']}"
    path = f"/console/conversations/{hit['conversationId']}"
    if hit["foundIn"] != "text":
        return f"{path}?{urlencode({'q': wanted})}"
    return f"{path}?{urlencode({'q': wanted, 'text': hit['messageId']})}#m-{hit['messageId']}"
