"""How a page refuses: what failed, whose side it was, what to do, and the id to quote."""

from dataclasses import dataclass

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

from ringback.doors.console import view
from ringback.doors.console.ask import Refused
from ringback.doors.console.desk import Desk
from ringback.doors.console.words import named
from ringback.doors.rest.guard import BodyTooLarge
from ringback.kit import trace
from ringback.kit.faults import Fault

_log = structlog.get_logger("ringback.console")
DESK = "ringback.desk"
"""In the scope of a request of somebody who is signed in: then a refusal stands among the pages."""
_DATABASE = ("DATABASE_UNAVAILABLE", "OUTCOME_UNKNOWN", "NOT_READY")


@dataclass(frozen=True, slots=True)
class Told:
    """`again`: the page asks for itself again after some seconds."""

    title: str
    side: str
    advice: str
    again: bool = False


def words_for(status: int, code: str = "") -> Told:
    """What a refusal means, by its status and the API's code."""
    if status == 404:
        return Told(
            "There is nothing here",
            "The address",
            "It was deleted, is another account's, or the address has a slip. Go back to the list.",
        )
    if code in _DATABASE:
        return Told(
            "The database does not answer",
            "The database's side",
            "Look at its server, or at the disk. Nothing was done, and nothing is lost.",
            again=True,
        )
    if status == 503:
        return Told("Not now", "Ringback's side", "Nothing was done. Try again in a moment.", again=True)
    if status in (502, 504):
        return Told("The carrier did not answer", "The carrier's side", "Nothing was sent. Try again.")
    if status >= 500:
        return Told(
            "That did not work",
            "Ringback's side",
            "Try again; if it stays, look for the id in the server's log.",
        )
    if status == 429:
        return Told("Too much at once", "This session", "Wait a moment, then go on.")
    return Told("That was refused", "What was asked", "Go back, change it and send it again.")


_PARTS = {"": "home", "catch": "webhooks"}
"""Where the navigation has a page whose address says otherwise."""


def told(request: Request, status: int, message: str, *, code: str = "", field: str = "") -> Response:
    """A whole page, or a word in the corner where a script asked for a piece: then what was typed stays."""
    words, quote = words_for(status, code), trace.request_id.get() or ""
    if is_part(request):
        text = f"{message} {words.side}: {words.advice}" if status >= 500 else message
        html = view.render("parts/toast.html", text=text, bad=True, quote=quote if status >= 500 else "")
        # A piece is only swapped in where the answer is a success.
        headers = {"HX-Reswap": "none", **({"X-Field": field} if field.isascii() and field else {})}
        return HTMLResponse(html, headers=headers)
    desk: Desk | None = request.scope.get(DESK)
    at, _, inner = request.url.path.removeprefix("/console").strip("/").partition("/")
    back = f"/console/{at}" if inner else "/console/"
    page = {"title": words.title, "words": words, "message": message, "quote": quote, "back": back}
    if desk is None:
        return HTMLResponse(view.render("error.html", **page), status_code=status)
    html = view.render("pages/error.html", at=_PARTS.get(at, at), live="", simulated=desk.simulated, **page)
    return HTMLResponse(html, status_code=status)


def is_part(request: Request) -> bool:
    """Whether a script asks for a piece of a page."""
    return request.headers.get("hx-request") == "true"


def foreign(request: Request) -> Response:
    """The answer to a request that no page of this server made."""
    return told(request, 403, "Only a page of this server can do that. Open the console and try there.")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


async def http(request: Request, error: HTTPException) -> Response:
    what = "There is no such page." if error.status_code == 404 else "That can't be done here."
    return told(request, error.status_code, what)


async def refused(request: Request, error: Refused) -> Response:
    field = error.field or ""
    message = f"{named(field)}: {error.message}" if field else error.message
    return told(request, error.status, _sentence(message), code=error.code, field=field.rpartition(".")[2])


async def fault(request: Request, error: Fault) -> Response:
    return told(request, error.status, _sentence(error.message), code=error.code, field=error.field or "")


async def too_large(request: Request, error: BodyTooLarge) -> Response:
    return told(request, 413, "That is too large.")


async def gone(request: Request, error: ClientDisconnect) -> Response:
    return Response(status_code=499)


def unforeseen(request: Request, error: Exception) -> Response:
    _log.error("a page failed", path=request.url.path, exc_info=error)
    return told(request, 500, "Something in Ringback went wrong.")
