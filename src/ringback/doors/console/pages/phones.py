"""Phones: a wall of handsets on the simulated network, with the line and the clock in reach."""

from typing import Any
from urllib.parse import unquote

from starlette.responses import HTMLResponse, JSONResponse, Response

from ringback.doors.console import view
from ringback.doors.console.activity import activity
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.desk import Look
from ringback.doors.console.hearing import who_hears
from ringback.doors.console.live import block
from ringback.doors.console.names import Names, names
from ringback.doors.console.over import why_over

_ON_WALL = 24
_SHOWN_TEXTS = 30
_SHOWN_CALLS = 20
_MOST_TEXTS = 200
"""How far back a phone looks for whom it texted."""
_THREADS_COOKIE = "ringback_threads"
_FIRST_NAMES = ("Ada", "Sam", "Mia", "Leo", "Zoe", "Max", "Ivy", "Ben", "Eva", "Tom", "Liv", "Kai")
PERSONALITIES = (
    ("answers", "Answers"),
    ("slow", "Slow network"),
    ("unreachable", "Unreachable"),
    ("landline", "Landline"),
    ("blocks-you", "Blocks you"),
    ("filtered", "Filtered by carrier"),
    ("unregistered", "Wants registration"),
    ("lost-receipt", "Receipts get lost"),
    ("late-receipt", "Receipts come late"),
    ("duplicate-receipt", "Receipts come twice"),
    ("duplicate-sender", "Sends twice"),
    ("out-of-order", "Out of order"),
    ("stops", "Texts STOP"),
    ("echo", "Echoes every text"),
)
CALL_PERSONALITIES = (
    ("answers", "Answers and talks"),
    ("manual", "Rings until answered here"),
    ("busy", "Busy"),
    ("declines", "Declines"),
    ("no-answer", "Does not answer"),
    ("unreachable", "Unreachable"),
    ("voicemail", "Voicemail"),
    ("screener", "Call screener"),
    ("hangs-up-midway", "Hangs up midway"),
    ("silent", "Silent"),
    ("noisy", "Noisy place"),
    ("dtmf-menu", "Phone menu"),
    ("slow-answer", "Answers late"),
)
_CHOICES = {"personalities": PERSONALITIES, "call_personalities": CALL_PERSONALITIES}


def other_side(seen: dict[str, Any]) -> str:
    """The number at the other end of a text or a call, as the handset sees it."""
    side: str = seen["to"] if seen["direction"] == "out" else seen["from"]
    return side


async def _texts(ask: Ask, handset_id: str, limit: int = _MOST_TEXTS) -> list[dict[str, Any]]:
    """Newest first."""
    found: list[dict[str, Any]] = (await ask.get(f"/sim/v1/handsets/{handset_id}/messages", limit=limit))[
        "data"
    ]
    return found


@block("thread")
async def thread(ask: Ask, rest: str) -> str:
    """`rest` is `<handset id>~<the other number>`."""
    handset_id, _, peer = rest.partition("~")
    texts = await _texts(ask, handset_id, _SHOWN_TEXTS)
    if len(texts) == _SHOWN_TEXTS and any(other_side(text) != peer for text in texts):
        texts = await _texts(ask, handset_id)
    return _thread(rest, texts)


def _thread(rest: str, texts: list[dict[str, Any]]) -> str:
    _, _, peer = rest.partition("~")
    shown = [text for text in texts if other_side(text) == peer][:_SHOWN_TEXTS]
    return view.render("parts/thread.html", name=f"thread:{rest}", texts=_with_paths(shown[::-1]), peer=peer)


@block("others")
async def others(ask: Ask, rest: str) -> str:
    """Whom else the handset has texts with."""
    texts = await _texts(ask, rest.partition("~")[0])
    return _others(rest, texts, await names(ask))


def _others(rest: str, texts: list[dict[str, Any]], known: Names) -> str:
    handset_id, _, peer = rest.partition("~")
    found = dict.fromkeys(other_side(text) for text in texts)
    told = [(e164, known.of(e164)) for e164 in found if e164 != peer][:3]
    return view.render("parts/others.html", name=f"others:{rest}", handset_id=handset_id, others=told)


@block("phone-call")
async def phone_call(ask: Ask, handset_id: str) -> str:
    """The calls that a handset is in: the one that a person holds first, then those that are up."""
    page = await ask.get(f"/sim/v1/handsets/{handset_id}/calls", status="living", limit=_SHOWN_CALLS)
    found = [call for call in page["data"] if (call["direction"], call["status"]) != ("in", "dialing")]
    found.sort(key=lambda call: (not call["live"], call["status"] != "in-progress"))
    known = await names(ask) if found else Names()
    for call in found:
        other = other_side(call)
        call.update(other=other, title=known.of(other), state=_state(call))
    return view.render(
        "parts/phone_call.html",
        name=f"phone-call:{handset_id}",
        calls=found,
        more=page["total"] - len(page["data"]),
        keys="123456789*0#",
    )


def _state(call: dict[str, Any]) -> str:
    if call["status"] == "in-progress":
        return "Connected"
    return "Incoming call" if call["direction"] == "in" else "Calling"


def _with_paths(texts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Media by their path alone: a page loads from where it came from."""
    for text in texts:
        for media in text["media"]:
            media["path"] = media["url"][media["url"].index("/sim/v1/") :]
    return texts


async def _phone(ask: Ask, handset: dict[str, Any], known: Names, peer: str | None = None) -> dict[str, Any]:
    """What a handset on the wall shows."""
    texts = await _texts(ask, handset["id"])
    peers = list(dict.fromkeys([*(other_side(text) for text in texts), *known.mine, *known.phones]))
    peers = [e164 for e164 in peers if e164 != handset["phoneNumber"]]
    if peer is None or peer == handset["phoneNumber"]:
        peer = peers[0] if peers else ""
    elif peer not in peers:
        peers.insert(0, peer)
    rest = f"{handset['id']}~{peer}"
    return {
        **handset,
        "title": handset["name"] or "Phone",
        "peer": peer,
        "peer_name": known.of(peer) or view.phone(peer),
        "peers": [(e164, known.of(e164)) for e164 in peers[:60]],
        "blocks": [f"thread:{rest}", f"others:{rest}", f"phone-call:{handset['id']}"],
        "thread": _thread(rest, texts),
        "others": _others(rest, texts, known),
        "call": await phone_call(ask, handset["id"]),
    }


async def show(look: Look) -> Response:
    ask = look.ask
    total = (await ask.get("/sim/v1/handsets", limit=1))["total"]
    offset = max(0, total - _ON_WALL)
    page = await ask.get("/sim/v1/handsets", limit=_ON_WALL)
    known = await names(ask)
    chosen = _chosen(look)
    handsets = [
        await _phone(ask, handset, known, chosen.get(handset["id"])) for handset in reversed(page["data"])
    ]
    network, clock = await ask.get("/sim/v1/network"), await _clock(ask)
    blocks = [name for handset in handsets for name in handset["blocks"]]
    return look.page(
        "pages/phones.html",
        title="Phones",
        at="phones",
        live=",".join(["activity", *blocks]),
        handsets=handsets,
        hidden=offset,
        network=network,
        clock=clock,
        activity=await activity(ask),
        numbers=len(known.mine),
        heard=await who_hears(ask),
        **_CHOICES,
    )


def _chosen(look: Look) -> dict[str, str]:
    """The numbers whose threads the phones showed last, by handset, as the pages' script keeps them in a cookie."""
    kept = unquote(look.request.cookies.get(_THREADS_COOKIE, ""))
    return dict(pair.split("~", 1) for pair in kept.split(",") if "~" in pair)


async def _clock(ask: Ask) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = await ask.get("/sim/v1/clock")
    except Refused:
        return None
    return found


async def show_one(look: Look) -> Response:
    """One phone with the thread that was chosen; the page then asks for its live blocks."""
    ask = look.ask
    handset = await ask.get(f"/sim/v1/handsets/{look.path['id']}")
    told = await _phone(ask, handset, await names(ask), look.query.get("with"))
    return HTMLResponse(view.render("parts/handset.html", handset=told, **_CHOICES))


async def create(look: Look) -> Response:
    form = await look.form()
    ask = look.ask
    taken = {phone["name"] for phone in (await ask.get("/sim/v1/handsets", limit=100))["data"]}
    name = form.get("name") or next((name for name in _FIRST_NAMES if name not in taken), "Phone")
    body: dict[str, Any] = {"name": name}
    if form.get("areaCode"):
        body["areaCode"] = form["areaCode"]
    made = (await ask.post("/sim/v1/handsets", body))["id"]
    return look.go(f"/phones?new={made}#handset-{made}")  # a query of its own, or the browser only scrolls


async def change(look: Look) -> Response:
    form = await look.form()
    body: dict[str, Any] = {
        "name": form.get("name") or None,
        "personality": form.get("personality") or None,
        "callPersonality": form.get("callPersonality") or None,
        "online": form.get("online") == "on",
    }
    await look.ask.patch(f"/sim/v1/handsets/{look.path['id']}", body)
    return look.go("/phones")


async def delete(look: Look) -> Response:
    await look.ask.delete(f"/sim/v1/handsets/{look.path['id']}")
    return look.go("/phones")


async def send(look: Look) -> Response:
    """A text from a handset; the answer is empty, since the thread is live."""
    form = await look.form()
    body: dict[str, Any] = {"to": form.get("to", ""), "body": form.get("body", "")}
    if form.get("media"):
        body["mediaUrls"] = [form["media"]]
    if not body["to"]:
        return look.part(
            "", toast="Choose whom to text: buy a number first, or add a second phone.", bad=True
        )
    if not body["body"] and "mediaUrls" not in body:
        return look.part("", toast="Write something, or add a picture.", bad=True)
    await look.ask.post(f"/sim/v1/handsets/{look.path['id']}/messages", body)
    return HTMLResponse("", headers={"X-Done": "1"})


async def upload(look: Look) -> Response:
    """A picture for a text: its bytes as they are."""
    content_type = look.request.headers.get("content-type", "application/octet-stream")
    try:
        made = await look.ask.upload("/sim/v1/media", await look.request.body(), content_type)
    except Refused as error:
        return JSONResponse({"error": error.message}, status_code=error.status)
    return JSONResponse({"url": made["url"]})


async def place_call(look: Look) -> Response:
    form = await look.form()
    if not form.get("to"):
        return look.part("", toast="Choose whom to call: buy a number first.", bad=True)
    body: dict[str, Any] = {"to": form["to"]}
    said = [line.strip() for line in form.get("say", "").splitlines() if line.strip()]
    if said:
        body["script"] = [step for line in said for step in ({"waitForSilenceMs": 900}, {"say": line})]
    await look.ask.post(f"/sim/v1/handsets/{look.path['id']}/calls", body)
    return HTMLResponse("", headers={"X-Done": "1"})


async def talk(look: Look) -> Response:
    """A call that a person makes or answers with this page: its script connects with the token."""
    ask, given = look.ask, look.path.get("call")
    call_id = given
    try:
        if call_id is None:
            body = {"to": (await look.form()).get("to", ""), "live": True}
            call_id = (await ask.post(f"/sim/v1/handsets/{look.path['id']}/calls", body))["id"]
        made = await ask.post(f"/sim/v1/calls/{call_id}/talk")
    except Refused as error:
        over = call_id not in (None, given) and error.code == "CALL_STATE"
        told = await why_over(ask, str(call_id), look.desk.parts) if over else ""
        return JSONResponse({"error": told or error.message}, status_code=error.status)
    return JSONResponse({"accessToken": made["accessToken"], "callId": call_id})


async def why(look: Look) -> Response:
    """Why a call is over, in a sentence that may be empty."""
    return JSONResponse({"why": await why_over(look.ask, look.path["call"], look.desk.parts)})


async def act(look: Look) -> Response:
    """Answer, decline or hang up a handset's call."""
    what = look.path["what"]
    if what not in ("answer", "decline", "hangup"):
        return look.part("", toast="A phone can answer, decline and hang up.", bad=True)
    await look.ask.post(f"/sim/v1/calls/{look.path['call']}/{what}")
    return HTMLResponse("")


async def press(look: Look) -> Response:
    form = await look.form()
    await look.ask.post(f"/sim/v1/calls/{look.path['call']}/dtmf", {"digits": form.get("digits", "")})
    return HTMLResponse("")


ROUTES = (
    ("GET", "/phones", show),
    ("POST", "/phones", create),
    ("POST", "/phones/media", upload),
    ("GET", "/phones/calls/{call}/why", why),
    ("POST", "/phones/calls/{call}/keys", press),
    ("POST", "/phones/calls/{call}/talk", talk),
    ("POST", "/phones/calls/{call}/{what}", act),
    ("GET", "/phones/{id}", show_one),
    ("POST", "/phones/{id}", change),
    ("POST", "/phones/{id}/delete", delete),
    ("POST", "/phones/{id}/texts", send),
    ("POST", "/phones/{id}/calls", place_call),
    ("POST", "/phones/{id}/talk", talk),
)
