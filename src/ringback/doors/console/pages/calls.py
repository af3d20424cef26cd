"""Calls: all of them, and one with its sound, its words and whose fault what was."""

import asyncio
from typing import Any
from urllib.parse import quote

from starlette.responses import HTMLResponse, RedirectResponse, Response

from ringback.doors.console import view, wave
from ringback.doors.console.ask import Ask, Refused, every
from ringback.doors.console.desk import Look
from ringback.doors.console.live import block
from ringback.doors.console.names import Names, names
from ringback.doors.console.story import story_of

_PAGE = 50
_MOST_NAMES = 5
_MOST_OF_A_NAME = 500
"""Calls that are looked through for each name that fits."""
DIRECTIONS = (("", "Any way"), ("inbound", "Came in"), ("outbound", "Went out"), ("web", "From a page"))
STATUSES = (
    ("", "Any"),
    ("in-progress", "Going on"),
    ("completed", "Completed"),
    ("failed", "Failed"),
    ("busy", "Busy"),
    ("no-answer", "Not answered"),
    ("voicemail", "Voicemail"),
    ("canceled", "Canceled"),
)


@block("calls")
async def calls(ask: Ask, rest: str = "") -> str:
    """The newest."""
    return await _list(ask, {}, 0)


async def _list(ask: Ask, query: dict[str, str], offset: int) -> str:
    known = await names(ask)
    page = await _page(ask, known, query, offset)
    rows = [{**call, "who": known.of(_person(call))} | {"person": _person(call)} for call in page["data"]]
    asked = "".join(f"{name}={quote(value)}&" for name, value in query.items() if value)
    return view.render(
        "parts/calls.html",
        rows=rows,
        page=page,
        offset=offset,
        limit=_PAGE,
        filtered=bool(asked),
        asked=asked,
    )


async def _page(ask: Ask, known: Names, query: dict[str, str], offset: int) -> dict[str, Any]:
    """Calls as `/v1/calls` lists them; a search with letters is for names, which the API does not look at."""
    typed = query.get("search", "").strip()
    if not any(letter.isalpha() for letter in typed):
        page: dict[str, Any] = await ask.get("/v1/calls", limit=_PAGE, offset=offset, **query)
        return page
    rest = {name: value for name, value in query.items() if name != "search"}
    found: dict[str, dict[str, Any]] = {}
    for agent_id in known.agents_called(typed)[:_MOST_NAMES]:
        async for call in every(ask, f"/v1/agents/{agent_id}/calls", most=_MOST_OF_A_NAME):
            if all(call[name] == value for name, value in rest.items() if value):
                found[call["id"]] = call
    for e164 in known.people_called(typed)[:_MOST_NAMES]:
        async for call in every(ask, "/v1/calls", most=_MOST_OF_A_NAME, search=e164, **rest):
            found[call["id"]] = call
    rows = [found[call_id] for call_id in sorted(found, reverse=True)]  # ids sort by time
    shown = rows[offset : offset + _PAGE]
    return {"data": shown, "hasMore": len(rows) > offset + _PAGE, "total": len(rows)}


def _person(call: dict[str, Any]) -> str:
    """The number at the other end."""
    return str(call["toNumber"] if call["direction"] == "outbound" else call["fromNumber"])


async def show(look: Look) -> Response:
    query = {name: look.query.get(name, "") for name in ("status", "direction", "search")}
    typed = look.query.get("offset", "0")
    offset = int(typed) if typed.isdecimal() and len(typed) < 10 else 0
    plain = not offset and not any(query.values())
    return look.page(
        "pages/calls.html",
        title="Calls",
        at="calls",
        live="calls" if plain else "",
        calls=await _list(look.ask, query, offset),
        query=query,
        directions=DIRECTIONS,
        statuses=STATUSES,
    )


@block("facts")
async def facts(ask: Ask, call_id: str) -> str:
    """When, how long, how quick and how it ended."""
    call = await ask.get(f"/v1/calls/{call_id}")
    transcript = await ask.get(f"/v1/calls/{call_id}/transcript")
    return view.render(
        "parts/facts.html", call=call, story=story_of(call, transcript), name=f"facts:{call_id}"
    )


@block("call")
async def one_call(ask: Ask, call_id: str) -> str:
    """Its words and what happened."""
    call = await ask.get(f"/v1/calls/{call_id}")
    transcript = await ask.get(f"/v1/calls/{call_id}/transcript")
    return view.render("parts/call.html", call=call, story=story_of(call, transcript), name=f"call:{call_id}")


@block("words")
async def words(ask: Ask, call_id: str) -> str:
    """What was said, for the side of another page."""
    transcript = await ask.get(f"/v1/calls/{call_id}/transcript")
    return view.render("parts/words.html", said=transcript["transcript"], name=f"words:{call_id}")


@block("recording")
async def recording(ask: Ask, call_id: str) -> str:
    """Its two lanes, once there is a recording."""
    call = await ask.get(f"/v1/calls/{call_id}")
    lanes, length_s = None, 0.0
    if call["recordingAvailable"]:
        try:
            sound = await ask.read(f"/v1/calls/{call_id}/recording")
            person, agent, length_s = await asyncio.to_thread(wave.lanes, call_id, sound)
            lanes = (("Caller", "person", person), ("Agent", "agent", agent))
        except (Refused, ValueError, EOFError, wave.BadSound):
            lanes = None
    return view.render(
        "parts/recording.html", call=call, lanes=lanes, length_s=length_s, name=f"recording:{call_id}"
    )


async def show_one(look: Look) -> Response:
    ask, call_id = look.ask, look.path["id"]
    call = await ask.get(f"/v1/calls/{call_id}")
    known = await names(ask)
    person = _person(call)
    return look.page(
        "pages/call.html",
        title=f"Call with {known.of(person) or view.phone(person)}",
        at="calls",
        live=f"facts:{call_id},call:{call_id},recording:{call_id}",
        call=call,
        person=person,
        who=known.of(person),
        facts=await facts(ask, call_id),
        body=await one_call(ask, call_id),
        recording=await recording(ask, call_id),
    )


async def show_words(look: Look) -> Response:
    return HTMLResponse(await words(look.ask, look.path["id"]))


async def sound(look: Look) -> Response:
    """Where the recording is heard just now: such a link is good for minutes."""
    call = await look.ask.get(f"/v1/calls/{look.path['id']}")
    url = call["recordingUrl"]
    if not url:
        raise Refused(404, "this call has no recording")
    return RedirectResponse(url[url.index("/v1/calls/") :], status_code=307)


async def save_scenario(look: Look) -> Response:
    """The call as `ringback scenario save` writes it. A call that can't be played again is refused in words."""
    from ringback.scenarios.file import ScenarioError, written  # YAML is loaded when it is needed
    from ringback.scenarios.saving import scenario_of

    call = await look.ask.get(f"/v1/calls/{look.path['id']}")
    transcript = await look.ask.get(f"/v1/calls/{call['id']}/transcript")
    try:
        text = written(scenario_of(call, transcript))
    except ScenarioError as error:
        raise Refused(409, str(error)) from None
    headers = {"Content-Disposition": f'attachment; filename="{call["id"]}.yaml"'}
    return Response(text, media_type="application/yaml", headers=headers)


async def end(look: Look) -> Response:
    await look.ask.post(f"/v1/calls/{look.path['id']}/end", {})
    return look.part("", toast="The call ends.")


ROUTES = (
    ("GET", "/calls", show),
    ("GET", "/calls/{id}", show_one),
    ("GET", "/calls/{id}/words", show_words),
    ("GET", "/calls/{id}/sound", sound),
    ("GET", "/calls/{id}/scenario", save_scenario),
    ("POST", "/calls/{id}/end", end),
)
