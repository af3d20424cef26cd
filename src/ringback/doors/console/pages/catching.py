"""The catcher: what webhooks look like before anybody has written a receiver."""

from starlette.responses import HTMLResponse, Response

from ringback.doors.console import view
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.desk import Look
from ringback.doors.console.live import block
from ringback.doors.console.pages.webhooks import readable

_BEGINNING = 160
"""Characters of a body that the list shows: it goes to every open page anew with each webhook that comes."""


@block("caught")
async def caught(ask: Ask, rest: str = "") -> str:
    """What came, the newest first."""
    told = await ask.get("/v1/webhooks/caught", bodyCharacters=_BEGINNING)
    endpoint = await ask.get("/v1/webhooks")
    return view.render(
        "parts/caught.html", told=told, elsewhere=None if endpoint is None else endpoint["url"]
    )


async def show_one(look: Look) -> Response:
    """One of them whole, which is asked for when it is opened."""
    query = look.query
    told = await look.ask.get("/v1/webhooks/caught", id=query.get("id"))
    row = next((row for row in told["data"] if row["at"] == query.get("at")), None)
    shown = None if row is None else readable(row["body"])
    return HTMLResponse(view.render("parts/caught_one.html", row=row, shown=shown))


async def show(look: Look) -> Response:
    return look.page(
        "pages/catching.html", title="Catcher", at="webhooks", live="caught", caught=await caught(look.ask)
    )


async def begin(look: Look) -> Response:
    """Let the account's webhooks come here. An endpoint that somebody set stays."""
    await _lead(look.ask, "url")
    return look.go("/catch")


async def begin_demo(look: Look) -> Response:
    """The same, and let texts be answered by rules; the page that asked shows itself anew."""
    await _lead(look.ask, "demoUrl")
    return Response(status_code=204, headers={"HX-Refresh": "true"})


async def _lead(ask: Ask, which: str) -> None:
    told = await ask.get("/v1/webhooks/caught")
    url = told[which]
    if url is None:
        raise Refused(409, "this server has no catcher: it listens to more than its own machine")
    endpoint = await ask.get("/v1/webhooks")
    if endpoint is not None and not told["catching"]:
        raise Refused(409, "an endpoint is set, and has a secret that somebody holds; delete it first")
    if endpoint is None or endpoint["url"] != url:
        await ask.post("/v1/webhooks", {"url": url})


ROUTES = (
    ("GET", "/catch", show),
    ("GET", "/catch/one", show_one),
    ("POST", "/catch", begin),
    ("POST", "/catch/demo", begin_demo),
)
