"""Events: the newest first, by type, and live while nothing is filtered."""

from typing import Any

from starlette.responses import Response

from ringback.doors.console import view
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.desk import Look
from ringback.doors.console.live import block
from ringback.events.catalogue import CATALOGUE

_PAGE = 50
_ANSWERED = 1_000
"""The most that the API answers at once."""
_SCANNED = 10_000
_LOOKS = 8
"""How often a filter looks for one page, through more events each time that it found few."""


@block("events")
async def events(ask: Ask, rest: str = "") -> str:
    """The newest."""
    rows, before = await _before(ask, None, "")
    return _render(rows, before, "")


def _render(rows: list[dict[str, Any]], before: int, types: str) -> str:
    return view.render("parts/events.html", rows=rows, before=before, types=types)


async def _before(ask: Ask, seq: int | None, types: str) -> tuple[list[dict[str, Any]], int]:
    """A page of events before a sequence (None: the newest), newest first, and where the next page ends; 0 at the oldest."""
    if seq is None:
        seq = (await ask.get("/v1/events", limit=1))["newest"] + 1
    stride = _PAGE
    found: list[dict[str, Any]] = []
    for _ in range(_LOOKS):
        after = max(0, seq - 1 - stride)
        try:
            page = await ask.get("/v1/events", after=after, types=types, limit=min(stride, _ANSWERED))
        except Refused:
            # Older ones are forgotten: what is kept begins somewhere in this stride.
            page, after = await ask.get("/v1/events", types=types, limit=_ANSWERED), 0
        if len(page["data"]) == _ANSWERED and stride > _ANSWERED:
            stride = _ANSWERED
            continue
        found = [event for event in page["data"] if event["seq"] < seq] + found
        seq = after + 1
        if len(found) >= _PAGE or after == 0:
            break
        stride = min(stride * 4, _SCANNED)
    newest = found[-_PAGE:]
    more = len(found) > len(newest) or seq > 1
    return newest[::-1], (newest[0]["seq"] if len(found) > _PAGE else seq) if more else 0


async def show(look: Look) -> Response:
    types = look.query.get("types", "")
    before = look.query.get("before", "")
    seq = int(before) if before.isdecimal() and len(before) < 16 else None
    rows, older = await _before(look.ask, seq, types)
    plain = not types and seq is None
    kinds = sorted({name.partition(".")[0] for name in CATALOGUE})
    return look.page(
        "pages/events.html",
        title="Events",
        at="events",
        live="events" if plain else "",
        events=_render(rows, older, types),
        types=types,
        kinds=[("", "All"), *((f"{kind}.*", kind.replace("_", " ").capitalize()) for kind in kinds)],
        plain=plain,
    )


ROUTES = (("GET", "/events", show),)
