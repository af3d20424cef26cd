"""Conversations: everybody an account has texted or talked with, and one of them as a timeline of texts and calls."""

from typing import Any

from starlette.responses import HTMLResponse, Response

from ringback.doors.console import view
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.desk import Look
from ringback.doors.console.finding import found
from ringback.doors.console.live import block
from ringback.doors.console.names import names
from ringback.kit import json_text

_PAGE = 40
_TEXTS = 100
_NEWER = 30
"""Texts behind one that was looked for, of all that are shown with it."""


@block("conversations")
async def conversations(ask: Ask, rest: str = "") -> str:
    """The list; `rest` is the id of the one that is open."""
    page = await ask.get("/v1/conversations", limit=_PAGE)
    known = await names(ask)
    rows = [
        {**row, "who": known.of(row["participant"]), "agent": known.agent(row["agentId"])}
        for row in page["data"]
    ]
    return view.render(
        "parts/conversations.html", rows=rows, chosen=rest, name=_name(rest), total=page["total"]
    )


def _name(chosen: str) -> str:
    return f"conversations:{chosen}" if chosen else "conversations"


@block("conversation")
async def timeline(ask: Ask, conversation_id: str) -> str:
    """Texts and calls of one conversation in one line, oldest first."""
    texts = (await ask.get(f"/v1/conversations/{conversation_id}/messages", limit=_TEXTS))["data"]
    return await _line(ask, conversation_id, texts)


async def _around(ask: Ask, conversation_id: str, message_id: str) -> str | None:
    """The timeline around a text; None where that is among the newest."""
    path = f"/v1/conversations/{conversation_id}/messages"
    newer = await ask.get(path, after=message_id, limit=_NEWER)
    if not newer["hasMore"]:
        return None
    older = await ask.get(path, before=newer["data"][-1]["id"], limit=_TEXTS - _NEWER)
    return await _line(ask, conversation_id, newer["data"] + older["data"])


async def _line(ask: Ask, conversation_id: str, texts: list[dict[str, Any]]) -> str:
    told = await ask.get(f"/v1/conversations/{conversation_id}")
    entries = [{"kind": "text", "at": text["receivedAt"], **_with_paths(text)} for text in texts]
    calls = (await ask.get(f"/v1/numbers/{told['phoneNumberId']}/calls", limit=50))["data"]
    entries += [
        {"kind": "call", "at": call["startedAt"], **call}
        for call in calls
        if told["participant"] in (call["fromNumber"], call["toNumber"])
    ]
    entries.sort(key=lambda entry: entry["at"])
    return view.render("parts/timeline.html", name=f"conversation:{conversation_id}", entries=entries)


def _with_paths(text: dict[str, Any]) -> dict[str, Any]:
    """Media of our own by their path; others are links, since a page loads nothing from elsewhere."""
    paths = [url[url.index("/sim/v1/media/") :] for url in text["mediaUrls"] if "/sim/v1/media/" in url]
    links = [url for url in text["mediaUrls"] if "/sim/v1/media/" not in url]
    return {**text, "paths": paths, "links": links}


async def _pane(look: Look, conversation_id: str = "") -> str:
    """What is left of a conversation: the newest, or what was looked for."""
    wanted = look.query.get("q", "").strip()
    if wanted:
        return await found(look.ask, wanted, chosen=conversation_id)
    return await conversations(look.ask, conversation_id)


async def show_found(look: Look) -> Response:
    """What is found, as somebody types, and what is further back."""
    wanted = look.query.get("q", "").strip()
    if not wanted:
        return HTMLResponse(await conversations(look.ask))
    return HTMLResponse(await found(look.ask, wanted, look.query.get("cursor", "")))


async def show(look: Look) -> Response:
    wanted = look.query.get("q", "")
    return look.page(
        "pages/conversations.html",
        title="Conversations",
        at="conversations",
        live="" if wanted else "conversations",
        listed=await _pane(look),
        opened=None,
        past=False,
        q=wanted,
    )


async def show_one(look: Look) -> Response:
    ask, conversation_id = look.ask, look.path["id"]
    told = await ask.get(f"/v1/conversations/{conversation_id}")
    known = await names(ask)
    wanted, text = look.query.get("q", ""), look.query.get("text", "")
    past = await _around(ask, conversation_id, text) if text else None
    shown = [f"conversation:{conversation_id}"] if past is None else []
    return look.page(
        "pages/conversations.html",
        title=known.of(told["participant"]) or view.phone(told["participant"]),
        at="conversations",
        live=",".join([*([] if wanted else [_name(conversation_id)]), *shown]),
        listed=await _pane(look, conversation_id),
        opened=told,
        who=known.of(told["participant"]),
        agent=known.agent(told["agentId"]),
        timeline=await timeline(ask, conversation_id) if past is None else past,
        past=past is not None,
        q=wanted,
    )


async def reply(look: Look) -> Response:
    """A text as the agent; the timeline is live."""
    ask, conversation_id = look.ask, look.path["id"]
    told = await ask.get(f"/v1/conversations/{conversation_id}")
    body = (await look.form()).get("body", "")
    await ask.post(
        "/v1/messages",
        {"to_number": told["participant"], "number_id": told["phoneNumberId"], "body": body},
    )
    return HTMLResponse("", headers={"X-Done": "1"})


async def set_metadata(look: Look) -> Response:
    typed = (await look.form()).get("metadata", "")
    try:
        metadata = json_text.loads(typed) if typed else None
    except ValueError as error:
        raise Refused(422, f"takes a JSON object: {error}", "metadata") from None
    await look.ask.patch(f"/v1/conversations/{look.path['id']}", {"metadata": metadata})
    return look.part("", toast="Metadata are set.")


ROUTES = (
    ("GET", "/conversations", show),
    ("GET", "/conversations/found", show_found),
    ("GET", "/conversations/{id}", show_one),
    ("POST", "/conversations/{id}/texts", reply),
    ("POST", "/conversations/{id}/metadata", set_metadata),
)
