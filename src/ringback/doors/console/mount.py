"""The console as one ASGI application, for `/console`: who may come in, what is served, and how refusals look."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ringback.accounts.book import AccountBook
from ringback.accounts.keys import hash_of
from ringback.doors.console import connect, refusing, view
from ringback.doors.console.ask import Refused
from ringback.doors.console.checks import Checks, Watch
from ringback.doors.console.desk import Checkup, Desk, Look, zone_of
from ringback.doors.console.following import Phones
from ringback.doors.console.live import Live
from ringback.doors.console.pages import (
    agents,
    calls,
    catching,
    conversations,
    events,
    home,
    network,
    numbers,
    phones,
    prompts,
    settings,
    usage,
    webhooks,
)
from ringback.doors.console.security import Secured
from ringback.doors.console.session import Links, Sessions, is_own
from ringback.doors.rest.caller import Keys
from ringback.doors.rest.guard import BodyTooLarge
from ringback.doors.rest.parts import Parts
from ringback.kit.faults import Fault

Handler = Callable[[Look], Awaitable[Response]]
PAGES = (
    home,
    network,
    phones,
    numbers,
    agents,
    prompts,
    conversations,
    calls,
    webhooks,
    catching,
    events,
    usage,
    settings,
)
_FOREVER = "public, max-age=31536000, immutable"


def mount(api: FastAPI, parts: Parts, keys: Keys, book: AccountBook, check: Checkup) -> Desk:
    """Put the console into the application, at `/console`; `/` leads there."""
    public = parts.settings.public_url
    secure = public is not None and public.startswith("https:")
    desk = Desk(
        api=api,
        parts=parts,
        keys=keys,
        book=book,
        links=Links(),
        sessions=Sessions(parts.sealer, keys, book, port=parts.settings.port, secure=secure),
        check=check,
        simulated=True,
        live=Live(parts.waits, Phones(api)),
    )
    api.state.links = desk.links
    api.state.checks = Checks(check)
    desk.live.others.append(Watch(api, api.state.checks, desk.live))
    api.state.catcher.on_change = lambda account_id: desk.live.mark(("caught",), account_id)
    api.mount("/console", build(desk))
    for path in ("/", "/console"):
        api.add_route(path, _go_home, include_in_schema=False)
    return desk


async def _go_home(request: Request) -> Response:
    return RedirectResponse("/console/", status_code=303)


def build(desk: Desk) -> ASGIApp:
    """The application over a desk."""
    routes = [
        Route("/sign-in", _public(desk, show_sign_in), methods=["GET"]),
        Route("/sign-in", _public(desk, sign_in), methods=["POST"]),
        Route("/sign-out", _public(desk, sign_out), methods=["POST"]),
        Route("/link/{token}", _public(desk, follow_link), methods=["GET"]),
        Route("/static/{name:path}", static, methods=["GET"]),
        Route("/live", _public(desk, connect.join), methods=["GET"]),
    ]
    for module in PAGES:
        for method, path, handler in module.ROUTES:
            if desk.simulated or module not in (network, phones):
                routes.append(Route(path, _guarded(desk, handler), methods=[method]))
    routes.append(Route("/{path:path}", _guarded(desk, nowhere), methods=["GET"]))
    handlers: Mapping[Any, Any] = {
        HTTPException: refusing.http,
        Refused: refusing.refused,
        Fault: refusing.fault,
        BodyTooLarge: refusing.too_large,
        ClientDisconnect: refusing.gone,
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Secured(app)


def _public(desk: Desk, handler: Callable[[Desk, Request], Awaitable[Response]]) -> Any:
    async def answer(request: Request) -> Response:
        if request.method != "GET" and not is_own(request, desk.parts.settings.public_url):
            return refusing.foreign(request)
        return await _safely(request, handler(desk, request))

    return answer


def _guarded(desk: Desk, handler: Handler) -> Any:
    async def work(request: Request) -> Response:
        if desk.sessions.sealed(request) is None:
            return _to_sign_in(request)
        request.scope[refusing.DESK] = desk
        caller = await desk.sessions.caller(request)
        if caller is None:
            return _to_sign_in(request)
        if request.method != "GET" and not is_own(request, desk.parts.settings.public_url):
            return refusing.foreign(request)
        view.zone.set(zone_of(request))
        view.clock_ms.set(desk.parts.clock.now_ms)
        return await handler(Look(request, desk, caller))

    async def answer(request: Request) -> Response:
        return await _safely(request, work(request))

    return answer


async def _safely(request: Request, work: Awaitable[Response]) -> Response:
    """What nobody foresaw is a page too, and has no traceback for the one who looks."""
    try:
        return await work
    except (HTTPException, Refused, Fault, ClientDisconnect):
        raise
    except Exception as error:
        return refusing.unforeseen(request, error)


def _to_sign_in(request: Request) -> Response:
    if refusing.is_part(request):
        return Response(status_code=204, headers={"HX-Redirect": "/console/sign-in"})
    return RedirectResponse("/console/sign-in", status_code=303)


async def nowhere(look: Look) -> Response:
    """A 404 among the pages, for whoever is signed in."""
    raise HTTPException(404)


# Signing in


async def show_sign_in(desk: Desk, request: Request) -> Response:
    return HTMLResponse(view.render("sign_in.html", why="", used=request.query_params.get("used") == "1"))


async def sign_in(desk: Desk, request: Request) -> Response:
    look = Look(request, desk, None)  # type: ignore[arg-type]
    key = (await look.form()).get("key", "")
    found = await desk.keys.find(key) if key else None
    if found is None:
        why = "No live key is like that. Check that it is whole: keys begin with sk_live_."
        return HTMLResponse(view.render("parts/key_error.html", why=why))
    cookie = desk.sessions.cookie(found.account_id, hash_of(key))
    return Response(status_code=204, headers={"HX-Redirect": "/console/", "Set-Cookie": cookie})


async def sign_out(desk: Desk, request: Request) -> Response:
    await desk.sessions.end(request)
    headers = {"HX-Redirect": "/console/sign-in", "Set-Cookie": desk.sessions.no_cookie()}
    return Response(status_code=204, headers=headers)


async def follow_link(desk: Desk, request: Request) -> Response:
    # Whoever shows or scans links asks with HEAD first, and must not use it up.
    looks = request.scope.get("ringback.head")
    account_id = None if looks else desk.links.use(request.path_params["token"])
    if account_id is None:
        if await desk.sessions.caller(request) is not None:
            return RedirectResponse("/console/", status_code=303)
        return RedirectResponse("/console/sign-in?used=1", status_code=303)
    headers = {"Set-Cookie": desk.sessions.cookie(account_id)}
    return RedirectResponse("/console/", status_code=303, headers=headers)


async def static(request: Request) -> Response:
    found = view.files().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    headers = {
        "Cache-Control": _FOREVER if request.query_params.get("v") == found.hash else "no-cache",
        "ETag": f'"{found.hash}"',
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if found.squeezed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.squeezed, media_type=found.type, headers=headers)
    return Response(found.content, media_type=found.type, headers=headers)
