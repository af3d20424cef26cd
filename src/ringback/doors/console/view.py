"""Rendering: the templates, how they say numbers and times, and addresses of files by their content."""

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ringback.doors.console.joining import join
from ringback.doors.console.words import ending_words, event_state, event_words, side_words, state_of
from ringback.kit.clock import real_ms

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
ICONS: Final = STATIC / "vendor" / "lucide"
SCRIPTS: Final = STATIC / "js"
zone: ContextVar[tzinfo] = ContextVar("zone", default=UTC)
"""Where who looks at the page is."""
clock_ms: ContextVar[Callable[[], int]] = ContextVar("clock_ms", default=real_ms)
"""What time it is: the server's clock, which may have been moved."""
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
}
_TODAY_MS = 20 * 3_600_000
_SQUEEZED = (".css", ".js", ".svg")


def zone_of(name: str | None) -> tzinfo:
    """The time zone that a browser names, UTC where nobody knows it."""
    if not name or len(name) > 64:
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a name that nobody has is a KeyError
        return UTC


class File:
    """A static file: its bytes, also compressed where that helps, and the hash of its content."""

    def __init__(self, content: bytes, suffix: str) -> None:
        self.content = content
        self.type = _TYPES[suffix]
        self.squeezed = gzip.compress(content, 9, mtime=0) if suffix in _SQUEEZED else None
        self.hash = hashlib.sha256(content).hexdigest()[:12]


@cache
def files() -> Mapping[str, File]:
    """The static files by their name under `static/`. The style sheets are one, as are the modules that every page has, and
    icons stand in the pages."""
    found = {
        path.relative_to(STATIC).as_posix(): File(path.read_bytes(), path.suffix)
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in _TYPES and path.suffix != ".css" and not {ICONS, SCRIPTS} & {*path.parents}
    }
    scripts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(SCRIPTS.glob("*.js"))}
    for name, text in join(scripts, "console").items():
        found[f"js/{name}.js"] = File(text.encode(), ".js")
    sheets = b"".join(path.read_bytes() for path in sorted((STATIC / "css").glob("*.css")))
    font = found["fonts/inter.woff2"]
    found["console.css"] = File(sheets.replace(b"inter.woff2", f"inter.woff2?v={font.hash}".encode()), ".css")
    return found


def address(name: str) -> str:
    """Where a browser gets a static file. Modules that name one another do so without the hash, and are asked for anew."""
    return f"/console/static/{name}?v={files()[name].hash}"


@cache
def icon(name: str, label: str = "", kind: str = "") -> Markup:
    """A lucide icon; without a label it is decoration. `kind` is a further class."""
    drawing = (ICONS / f"{name}.svg").read_text(encoding="utf-8")
    inner = drawing[drawing.index(">", drawing.index("<svg")) + 1 : drawing.rindex("</svg>")]
    told = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon {}" viewBox="0 0 24 24" {}>{}</svg>').format(
        kind,
        told,
        Markup(" ".join(inner.split())),  # noqa: S704  a file of ours
    )


@cache
def environment() -> Environment:
    """Templates that escape everything and stumble over every name they don't know."""
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.filters |= {
        "phone": phone,
        "hour": hour,
        "day": day,
        "date": date_of,
        "moment": moment,
        "seconds": seconds,
        "lasting": lasting,
        "at_second": at_second,
        "number": number,
        "pretty": pretty,
        "event": event_words,
        "event_state": event_state,
        "state": state_of,
        "ending": ending_words,
        "side": side_words,
        "initial": initial,
        "block_id": id_of,
    }
    found.globals |= {"icon": icon, "static": address, "when": when}
    return found


def render(template: str, **context: Any) -> str:
    return environment().get_template(template).render(context)


def in_place(element_id: str, html: str) -> str:
    """A further piece of an answer, which takes the place of the element of this id."""
    return f'<hx-partial hx-target="#{element_id}" hx-swap="outerHTML">{html}</hx-partial>'


# How things are said (docs/console.md, "Words").


def phone(e164: str | None) -> str:
    """(415) 555-0101; what is no North American number stays as it is."""
    if not e164:
        return "unknown"
    if len(e164) == 12 and e164.startswith("+1"):
        return f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}"
    return e164


def _local(iso: str) -> datetime:
    return datetime.fromisoformat(iso).astimezone(zone.get())


def millis(iso: str) -> int:
    """A time of the API in milliseconds."""
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


def hour(iso: str) -> str:
    return _local(iso).strftime("%H:%M")


def day(iso: str) -> str:
    return _local(iso).strftime("%-d %b")


def date_of(day: str) -> str:
    """A day such as 2026-11-26, whose zone is the API's."""
    return datetime.fromisoformat(day).strftime("%-d %b")


def moment(iso: str) -> str:
    return _local(iso).strftime("%-d %b %Y %H:%M:%S %Z")


def when(iso: str | None, *, exact: bool = False) -> Markup:
    """The time of today, else the day with it; the full time on hover."""
    if not iso:
        return Markup('<span class="muted">never</span>')
    at = _local(iso)
    recent = abs(clock_ms.get()() - millis(iso)) < _TODAY_MS
    text = at.strftime("%H:%M:%S" if exact else "%H:%M")
    if not recent:
        text = f"{at.strftime('%-d %b')} {text}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(iso, moment(iso), text)


def at_second(ms: int | None) -> str:
    """Where in a call: 0:07."""
    return "" if ms is None else lasting(ms / 1000)


def seconds(ms: float | None) -> str:
    """Milliseconds as people read them: 640 ms, 1.9 s."""
    if ms is None:
        return "–"
    return f"{ms:,.0f} ms" if ms < 10_000 else f"{ms / 1000:,.1f} s"


def lasting(duration_s: float | None) -> str:
    if duration_s is None:
        return "–"
    minutes, rest = divmod(int(duration_s), 60)
    return f"{minutes}:{rest:02}"


def number(value: float) -> str:
    return f"{value:,}"


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def id_of(name: str) -> str:
    """The id of a live block's element, by the block's name."""
    return "live-" + "".join(letter if letter.isalnum() else "-" for letter in name)


def initial(name: str) -> str:
    return next((letter.upper() for letter in name if letter.isalnum()), "#")
