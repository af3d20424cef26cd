"""Numbers: ours with their agents, and a search for more."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import HTMLResponse, Response

from ringback.doors.console import view
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.desk import Look
from ringback.doors.console.live import block
from ringback.doors.console.names import names
from ringback.doors.console.words import named
from ringback.kit.phone import InvalidNumber, normalise

_PAGE = 50
_OFFERS = 12
_UNASKED = 6
"""The same before anything is searched for."""


@block("numbers")
async def numbers(ask: Ask, rest: str = "") -> str:
    """The numbers of a page, which begins at the offset in `rest`."""
    offset = int(rest) if rest.isdecimal() and len(rest) < 10 else 0
    page = await ask.get("/v1/numbers", limit=_PAGE, offset=offset)
    agents = [
        ("", "No agent"),
        *((id_, name) for id_, name in (await names(ask, phones=False)).agents.items()),
    ]
    return view.render(
        "parts/numbers.html", page=page, agents=agents, offset=offset, limit=_PAGE, name=_name(offset)
    )


def _name(offset: int) -> str:
    return f"numbers:{offset}" if offset else "numbers"


def link_to(number_id: str, place: int) -> str:
    """Where the number at a place of the whole list stands."""
    offset = place // _PAGE * _PAGE
    return f"/console/numbers{f'?offset={offset}' if offset else ''}#row-{number_id}"


async def show(look: Look) -> Response:
    offset = look.query.get("offset", "0")
    query = _asked(look.query)
    found, trouble = (
        await _search(look.ask, query) if any(query.values()) or look.desk.simulated else (None, "")
    )
    return look.page(
        "pages/numbers.html",
        title="Numbers",
        at="numbers",
        live=_name(int(offset) if offset.isdecimal() and len(offset) < 10 else 0),
        numbers=await numbers(look.ask, offset),
        query=query,
        offers=view.render("parts/offers.html", offers=found, trouble=trouble),
    )


def _asked(given: Mapping[str, str]) -> dict[str, str]:
    """What numbers are searched by."""
    return {name: given.get(name, "") for name in ("areaCode", "city", "state", "country", "pattern")}


async def _search(ask: Ask, query: dict[str, str]) -> tuple[list[dict[str, Any]] | None, str]:
    """Offers that fit, and what was wrong with the question."""
    path = "/v1/numbers/matching" if query["pattern"] else "/v1/numbers/available"
    limit = _OFFERS if any(query.values()) else _UNASKED
    try:
        return (await ask.get(path, limit=limit, **query))["data"], ""
    except Refused as error:
        return None, f"{named(error.field).capitalize()}: {error.message}" if error.field else error.message


async def _offers(ask: Ask, query: dict[str, str]) -> str:
    found, trouble = await _search(ask, query)
    return view.render("parts/offers.html", offers=found, trouble=trouble)


async def search(look: Look) -> Response:
    return HTMLResponse(await _offers(look.ask, _asked(look.query)))


async def buy(look: Look) -> Response:
    """The number that was chosen, or any; what was bought is offered no more."""
    form = await look.form()
    wanted = form.get("phoneNumber", "")
    body: dict[str, Any] = {"ringback": {"phoneNumber": wanted}} if wanted else {}
    made = await look.ask.post("/v1/numbers", body)
    html = await numbers(look.ask)
    if wanted:
        # In its place: if the others moved up, the second click of a double one would buy the next.
        html += view.in_place(f"offer-{made['phoneNumber'][1:]}", view.render("parts/bought.html"))
    elif look.desk.simulated or any(_asked(form).values()):
        html += view.in_place("offers", await _offers(look.ask, _asked(form)))
    return look.part(html, toast=f"{view.phone(made['phoneNumber'])} is yours.")


async def attach(look: Look) -> Response:
    """Give a number to an agent, or take it from the one who has it."""
    ask, number_id = look.ask, look.path["id"]
    wanted = (await look.form()).get("agentId", "")
    number = await ask.get(f"/v1/numbers/{number_id}")
    if wanted == (number["agentId"] or ""):
        return look.part("")
    if wanted:
        await ask.post(f"/v1/agents/{wanted}/numbers", {"numberId": number_id})
        said = f"{view.phone(number['phoneNumber'])} is attached."
    else:
        await ask.delete(f"/v1/agents/{number['agentId']}/numbers/{number_id}")
        said = f"{view.phone(number['phoneNumber'])} has no agent now."
    return look.part("", toast=said)


async def release(look: Look) -> Response:
    """The number is typed to release it: it may never come back."""
    ask, number_id = look.ask, look.path["id"]
    number = await ask.get(f"/v1/numbers/{number_id}")
    typed = (await look.form()).get("typed", "")
    try:
        same = normalise(typed) == number["phoneNumber"]
    except InvalidNumber:
        same = False
    if not same:
        said = f"That is not {view.phone(number['phoneNumber'])}. Type the number to release it."
        return look.part("", toast=said, bad=True)
    await ask.delete(f"/v1/numbers/{number_id}")
    return look.go("/numbers")


ROUTES = (
    ("GET", "/numbers", show),
    ("GET", "/numbers/search", search),
    ("POST", "/numbers", buy),
    ("POST", "/numbers/{id}/agent", attach),
    ("POST", "/numbers/{id}/release", release),
)
