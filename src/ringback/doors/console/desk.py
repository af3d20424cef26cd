"""What a page works with: the server's parts, the API that it asks, and who looks."""

import gzip
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ringback.accounts.book import AccountBook
from ringback.doors.console import view
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.session import Links, Sessions
from ringback.doors.rest.caller import Caller, Keys
from ringback.doors.rest.parts import Parts

if TYPE_CHECKING:
    from ringback.doors.console.live import Live

Checkup = Callable[[], Awaitable[list[dict[str, Any]]]]
_SQUEEZE = 5
_MOST_FIELDS = 400
_ZONE_COOKIE = "ringback_zone"


@dataclass(slots=True)
class Desk:
    """One server's console."""

    api: FastAPI
    parts: Parts
    keys: Keys
    book: AccountBook
    links: Links
    sessions: Sessions
    check: Checkup
    simulated: bool
    """Whether the carrier is the simulated network, which has phones."""
    live: "Live"

    def ask(self, caller: Caller) -> Ask:
        return Ask(self.api, caller)


@dataclass(frozen=True, slots=True)
class Look:
    """One request of somebody who is signed in."""

    request: Request
    desk: Desk
    caller: Caller

    @property
    def ask(self) -> Ask:
        return self.desk.ask(self.caller)

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query_params)

    @property
    def path(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.request.path_params.items()}

    async def form(self) -> dict[str, str]:
        """The fields of the form that was sent, blanks around them cut off; of several of one name the last."""
        return dict(await self.fields())

    async def fields(self) -> list[tuple[str, str]]:
        """As `form`, in their order and with all of one name."""
        body = (await self.request.body()).decode("utf-8", "replace")
        if body.count("&") >= _MOST_FIELDS:
            raise Refused(422, f"a form has at most {_MOST_FIELDS} fields")
        pairs = parse_qsl(body, keep_blank_values=True)
        return [(name, value.replace("\r\n", "\n").strip()) for name, value in pairs]

    def page(self, template: str, *, title: str, at: str, live: str = "", **context: Any) -> Response:
        """A whole page. `at` is its place in the navigation, `live` the names of its live blocks with commas between."""
        html = view.render(template, title=title, at=at, live=live, simulated=self.desk.simulated, **context)
        if "gzip" not in self.request.headers.get("accept-encoding", ""):
            return HTMLResponse(html)
        # Whole pages hold no secret that their length could tell of (BREACH); pieces that do are sent as they are.
        headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return HTMLResponse(gzip.compress(html.encode(), _SQUEEZE), headers=headers)

    def part(self, html: str, *, toast: str = "", bad: bool = False) -> Response:
        """A piece of a page, and a word on what was done."""
        said = view.render("parts/toast.html", text=toast, bad=bad) if toast else ""
        return HTMLResponse(html + said)

    def go(self, path: str) -> Response:
        """Let the browser go to another page of the console."""
        return Response(status_code=204, headers={"HX-Redirect": f"/console{path}"})


def zone_of(request: Request) -> tzinfo:
    """Where the browser is, by the cookie that the pages' script sets."""
    return view.zone_of(unquote(request.cookies.get(_ZONE_COOKIE, "")))
