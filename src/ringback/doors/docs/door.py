"""`/docs`, `/llms.txt`, `/llms-full.txt`, `/skill.md`: nobody needs a key to read."""

import asyncio
import functools
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from ringback.doors.docs import shelf
from ringback.doors.docs.reference import INDEX, reference

if TYPE_CHECKING:
    from ringback.doors.docs.finding import Section

_STYLE = Path(__file__).parent / "static" / "docs.css"
_OWN = "http://127.0.0.1:8642"
"""The server's address as pages have it."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_API = "api"
_SEARCH = "search"


def mount(app: FastAPI) -> None:
    """Add the pages to the application; what renders them is loaded when the first is asked for."""
    for path, answer in (
        ("/docs", _index),
        ("/docs/{name:path}", _page),
        ("/llms.txt", _short),
        ("/llms-full.txt", _whole),
        ("/skill.md", _skill),
    ):
        app.add_api_route(path, answer, methods=["GET"], include_in_schema=False)


async def _index(request: Request) -> Response:
    return await _page(request, shelf.INDEX)


async def _page(request: Request, name: str) -> Response:
    if not name:
        return RedirectResponse("/docs", headers=_HEADERS)
    if name == "static/docs.css":
        return Response(_STYLE.read_bytes(), media_type="text/css", headers=_HEADERS)
    if name == "static/dark.css":
        return Response(await asyncio.to_thread(_dark), media_type="text/css", headers=_HEADERS)
    if name == _SEARCH:
        typed = request.query_params.get("q", "").strip()
        found = await asyncio.to_thread(_searched, request.app, typed)
        return Response(found, media_type="text/html", headers=_HEADERS)
    if name in shelf.CONTRACT:
        return _plain((shelf.FOLDER / name).read_text(encoding="utf-8"), "application/yaml")
    if name.endswith(".md"):
        text = await _text(request, name.removesuffix(".md"))
        if text is None:
            return _plain(f"There is no {name[:100]}: /docs/README.md has all pages.\n", status=404)
        return _plain(text)
    # In a thread: the first page loads what renders it.
    html = await asyncio.to_thread(_rendered, request.app, name)
    status = 200 if html is not None else 404
    if html is None:
        from ringback.doors.docs.rendering import missing

        html = missing(name)
    html = html.replace(_OWN, escape(_base(request)))
    return Response(html, status_code=status, media_type="text/html", headers=_HEADERS)


def _rendered(app: FastAPI, name: str) -> str | None:
    from ringback.doors.docs import rendering

    return _reference_page(app) if name == _API else rendering.rendered(name)


def _searched(app: FastAPI, typed: str) -> str:
    from ringback.doors.docs import finding, rendering

    return rendering.searched(typed, finding.found(_sections(app), typed))


@functools.lru_cache(maxsize=4)
def _sections(app: FastAPI) -> "tuple[Section, ...]":
    """All that is searched: the pages, those of the index first, and the reference."""
    from ringback.doors.docs import finding

    listed = [entry.name for _, entries in shelf.contents() for entry in entries]
    names = dict.fromkeys([*listed, *shelf.names()])
    texts = [*((name, shelf.served_text(name) or "") for name in names), (_API, _reference(app))]
    sections = (section for name, text in texts for section in finding.sections_of(name, text))
    return tuple(section for section in sections if (section.page, section.anchor) != (_API, INDEX))


def _dark() -> str:
    from ringback.doors.docs import rendering

    return rendering.dark()


@functools.lru_cache(maxsize=4)
def _reference_page(app: FastAPI) -> str:
    from ringback.doors.docs import rendering

    return rendering.page(_reference(app), at=_API)


@functools.lru_cache(maxsize=4)
def _reference(app: FastAPI) -> str:
    return reference(app.openapi(), shelf.contract())


async def _text(request: Request, name: str) -> str | None:
    if name == _API:
        return await asyncio.to_thread(_reference, request.app)
    text = shelf.served_text(name)
    return None if text is None else text.replace(_OWN, _base(request))


async def _short(request: Request) -> Response:
    """An index for AI readers (llmstxt.org)."""
    base = _base(request)
    lines = [
        "# Ringback",
        "",
        "> The open, self-hosted phone system for AI agents: buy numbers, text and call people, over the AgentPhone v1"
        " API, MCP or a command. On the simulated network everything can be tried without reaching a real phone.",
        "",
        f"To use this server, read {base}/skill.md and nothing else first. All pages in one: {base}/llms-full.txt.",
    ]
    for heading, entries in shelf.contents():
        lines += ["", f"## {heading}", ""]
        lines += [f"- [{entry.title}]({base}/docs/{entry.name}.md): {entry.tells}" for entry in entries]
    lines += ["", "## Optional", "", f"- [API reference]({base}/docs/{_API}.md): every operation and field"]
    return _plain("\n".join(lines) + "\n")


async def _whole(request: Request) -> Response:
    entries = [entry.name for _, entries in shelf.contents() for entry in entries]
    texts = [await _text(request, name) for name in entries]
    return _plain("\n\n".join(shelf.without_front(text) for text in texts if text is not None))


async def _skill(request: Request) -> Response:
    return _plain(await _text(request, "skill") or "")


def _base(request: Request) -> str:
    """This server's address as whoever asks has it."""
    public: str | None = request.app.state.parts.settings.public_url
    if public and urlsplit(public).netloc == request.headers.get("host"):
        return public.rstrip("/")
    return f"{request.url.scheme}://{request.headers.get('host') or urlsplit(_OWN).netloc}"


def _plain(text: str, kind: str = "text/markdown", status: int = 200) -> Response:
    return Response(text, status_code=status, media_type=f"{kind}; charset=utf-8", headers=_HEADERS)
