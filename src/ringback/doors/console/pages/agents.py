"""Agents: who answers, with every setting explained, and a place to try them beside the prompt."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from starlette.responses import HTMLResponse, JSONResponse, Response

from ringback.agents.schemas import Language
from ringback.doors.console import tool_fields, view
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.desk import Look
from ringback.doors.console.hearing import who_hears
from ringback.doors.console.live import block
from ringback.doors.console.names import names
from ringback.doors.console.pages.prompts import prompt_parts, versions
from ringback.doors.console.tool_fields import ToolFields
from ringback.doors.console.trial import trial_of
from ringback.doors.console.words import named

_PAGE = 100
MODES = (("webhook", "Your webhook"), ("hosted", "A language model"))
TIERS = (("turbo", "Turbo: quickest"), ("balanced", "Balanced"), ("max", "Max: most able"))
STT = (("fast", "Fast"), ("accurate", "Accurate"))
AMBIENT = (("none", "None"), ("office", "Office"), ("coffee-shop", "Coffee shop"), ("outdoor", "Outdoor"))
DENOISING = (
    ("noise-cancellation", "Noise"),
    ("noise-and-background-speech-cancellation", "Noise and other people's speech"),
)
SAYS = (
    ("", "Its message, if it has one"),
    ("true", 'Its message, or "One moment, please."'),
    ("false", "Nothing"),
)
METHODS = (("POST", "POST"), ("GET", "GET"))
_TEXTS = (
    "name",
    "description",
    "systemPrompt",
    "beginMessage",
    "voicemailMessage",
    "transferNumber",
    "callScreeningIdentity",
    "callScreeningPurpose",
)
_NUMBERS = {"voiceSpeed": 1.0, "interruptionSensitivity": 1.0, "maxSilenceMs": 1000.0}
"""Numbers of the form, and by what the API's are larger."""
_CHOICES = ("voiceMode", "modelTier", "sttMode", "ambientSound", "denoisingMode", "language", "voice")
_NEW: dict[str, Any] = {
    "id": "",
    "name": "",
    "description": "",
    "voiceMode": "hosted",
    "enableMessaging": True,
    "modelTier": "balanced",
    "systemPrompt": "You answer the phone of a small business. Be brief and kind.",
    "beginMessage": "Hello, how can I help?",
    "voice": "",
    "transferNumber": "",
    "voicemailMessage": "",
    "callScreeningIdentity": "",
    "callScreeningPurpose": "",
    "sttMode": "fast",
    "ambientSound": "none",
    "denoisingMode": "noise-cancellation",
    "maxSilenceMs": 600_000,
    "voiceSpeed": 1.0,
    "interruptionSensitivity": 0.8,
    "enableBackchannel": True,
    "language": "en-US",
    "numbers": [],
    "customTools": None,
    "ringback": {"recordingNotice": ""},
}


@block("agents")
async def agents(ask: Ask, rest: str = "") -> str:
    page = await ask.get("/v1/agents", limit=_PAGE)
    last, all_seen = await _last_talks(ask)
    return view.render("parts/agents.html", page=page, last=last, all_seen=all_seen, modes=dict(MODES))


async def _last_talks(ask: Ask) -> tuple[dict[str, str], bool]:
    """When each agent last texted or called, as the newest conversations and calls tell; and whether there are no others.
    They are two requests however many agents there are."""
    texts = await ask.get("/v1/conversations", limit=_PAGE)
    calls = await ask.get("/v1/calls", limit=_PAGE)
    last: dict[str, str] = {}
    for rows, at in ((texts["data"], "lastMessageAt"), (calls["data"], "startedAt")):
        for row in rows:
            agent_id = row["agentId"] or ""
            last[agent_id] = max(last.get(agent_id, ""), row[at])
    return last, not (texts["hasMore"] or calls["hasMore"])


async def show(look: Look) -> Response:
    return look.page(
        "pages/agents.html", title="Agents", at="agents", live="agents", agents=await agents(look.ask)
    )


async def show_new(look: Look) -> Response:
    return await _form(look, _NEW)


async def show_one(look: Look) -> Response:
    return await _form(look, await look.ask.get(f"/v1/agents/{look.path['id']}"))


async def _form(look: Look, agent: dict[str, Any]) -> Response:
    ask = look.ask
    try:
        voices = (await ask.get("/v1/agents/voices"))["data"]
    except Refused:
        voices = []
    for voice in voices:
        url = voice["preview_audio_url"] or ""
        voice["preview"] = url[url.index("/voices/") :] if "/voices/" in url else ""
    trial = (
        await trial_of(ask, agent, look.query.get("phone", ""))
        if look.desk.simulated and agent["id"]
        else None
    )
    return look.page(
        "pages/agent.html",
        title=agent["name"] or "New agent",
        at="agents",
        live=trial["block"] if trial else "",
        agent=agent,
        voices=voices,
        trial=trial,
        heard="program" if trial is None else await who_hears(ask, agent["id"]),
        free=[number for number in (await names(ask, phones=False)).mine.values() if not number["agentId"]],
        modes=MODES,
        tiers=TIERS,
        stt=STT,
        ambient=AMBIENT,
        denoising=DENOISING,
        languages=get_args(Language),
        model=look.desk.parts.settings.llm_url is not None,
        versions=await versions(ask, agent["id"]) if agent["id"] else [],
        tools=tools_html(tool_fields.shown(agent["customTools"])),
    )


def tools_html(tools: Sequence[ToolFields]) -> str:
    """The tools of the form, as they are typed."""
    return view.render("parts/tools.html", tools=tools, methods=METHODS, says=SAYS)


def _body(form: Mapping[str, str], faults: dict[str, str]) -> dict[str, Any]:
    """The settings as the API takes them; an empty text clears. What is no number is noted in `faults`."""
    body: dict[str, Any] = {name: form.get(name) or None for name in _TEXTS}
    body |= {name: form[name] for name in _CHOICES if form.get(name)}
    body["enableMessaging"] = form.get("enableMessaging") == "on"
    body["enableBackchannel"] = form.get("enableBackchannel") == "on"
    for name, factor in _NUMBERS.items():
        try:
            if form.get(name):
                body[name] = float(form[name]) if factor == 1.0 else round(float(form[name]) * factor)
        except (ValueError, OverflowError):
            faults[name] = "takes a number"
    body["ringback"] = {"recordingNotice": form.get("recordingNotice") or None}
    return body


async def create(look: Look) -> Response:
    return await _save(look, None)


async def change(look: Look) -> Response:
    return await _save(look, look.path["id"])


async def _save(look: Look, agent_id: str | None) -> Response:
    """What was typed becomes an agent, or is told beside its fields what is wrong with it."""
    ask, fields = look.ask, await look.fields()
    tools, faults = tool_fields.typed(fields), dict[str, str]()
    stored = await ask.get(f"/v1/agents/{agent_id}") if agent_id else {}
    body = _body(dict(fields), faults) | {"customTools": tool_fields.body(tools, stored.get("customTools"))}
    if faults or any(tool.faults for tool in tools):
        return _wrong(faults, tools)
    try:
        if agent_id is None:
            return look.go(f"/agents/{(await ask.post('/v1/agents', body))['id']}")
        saved = await ask.patch(f"/v1/agents/{agent_id}", _changed(body, stored))
    except Refused as refused:
        if refused.status != 422 or not refused.faults:
            raise
        tool_fields.note(tools, refused.faults)
        return _wrong(refused.faults, tools)
    parts = view.render("parts/agent_saved.html", faults={}, fields=_fields(), agent=saved)
    parts += view.in_place("tools", tools_html(tool_fields.shown(saved["customTools"])))
    parts += await prompt_parts(ask, agent_id)
    told = "Saved. It holds from the next text or call on."
    answer = look.part(parts + view.render("parts/toast.html", text=told, bad=False, alone=True))
    answer.headers["X-Done"] = "1"
    return answer


def _changed(body: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """Without texts that stand as they were but for the blanks around them, which a form does not keep."""
    return {
        name: value
        for name, value in body.items()
        if name not in _TEXTS or (value or "") != (stored[name] or "").replace("\r\n", "\n").strip()
    }


def _fields() -> tuple[str, ...]:
    return (*_TEXTS, *_CHOICES, *_NUMBERS, "recordingNotice", "customTools")


def _wrong(faults: Mapping[str, str], tools: Sequence[ToolFields]) -> Response:
    """Each fault beside its field, and how many there are in the corner."""
    own = {
        name.rpartition(".")[2]: message
        for name, message in faults.items()
        if not name.startswith("customTools.")
    }
    told = [f"{named(name)}: {message}" for name, message in own.items()]
    told += [
        f"{tool.name or 'A tool'}, {named(name)}: {message}"
        for tool in tools
        for name, message in tool.faults.items()
    ]
    toast = told[0] if len(told) == 1 else f"{len(told)} settings are wrong: it is said beside each."
    html = view.render("parts/agent_saved.html", faults=own, fields=_fields(), agent=None)
    if any(tool.faults for tool in tools):
        html += view.in_place("tools", tools_html(tools))
    html += view.render(
        "parts/toast.html", text=f"Not saved. {toast[:1].upper()}{toast[1:]}", bad=True, alone=True
    )
    return HTMLResponse(html, headers={"HX-Reswap": "none"})


async def new_tool(look: Look) -> Response:
    """One more tool in the form, with nothing in it yet."""
    tool = ToolFields(new=True)
    return HTMLResponse(view.render("parts/tool.html", tool=tool, methods=METHODS, says=SAYS))


async def delete(look: Look) -> Response:
    await look.ask.delete(f"/v1/agents/{look.path['id']}")
    return look.go("/agents")


async def attach(look: Look) -> Response:
    """A number for the agent: one that is free, or a new one."""
    ask, agent_id = look.ask, look.path["id"]
    number_id = (await look.form()).get("numberId", "")
    if number_id:
        await ask.post(f"/v1/agents/{agent_id}/numbers", {"numberId": number_id})
    else:
        await ask.post("/v1/numbers", {"agentId": agent_id})
    return look.go(f"/agents/{agent_id}")


async def talk(look: Look) -> Response:
    """A call between this page and the agent; its script connects with the token."""
    try:
        made = await look.ask.post("/v1/calls/web", {"agentId": look.path["id"]})
    except Refused as error:
        return JSONResponse({"error": error.message}, status_code=error.status)
    return JSONResponse({"accessToken": made["accessToken"], "callId": made["callId"]})


ROUTES = (
    ("GET", "/agents", show),
    ("GET", "/agents/new", show_new),
    ("GET", "/agents/new/tool", new_tool),
    ("POST", "/agents", create),
    ("GET", "/agents/{id}", show_one),
    ("POST", "/agents/{id}", change),
    ("POST", "/agents/{id}/delete", delete),
    ("POST", "/agents/{id}/numbers", attach),
    ("POST", "/agents/{id}/talk", talk),
)
