"""Short results: what is null is left out, and a list that would be long ends where the next page begins."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

MOST = 20_000
"""Characters of a list; a model has to read them all."""
MOST_TEXT = 4_000
"""Characters of one text or object in a list."""


def brief(row: Mapping[str, Any], *names: str, most: int = MOST_TEXT) -> dict[str, Any]:
    """The named fields of a row, or all, that say something, each up to `most` characters."""
    chosen = names or row.keys()
    return {name: _short(row[name], most) for name in chosen if row.get(name) not in (None, [], {})}


def _short(value: Any, most: int) -> Any:
    told = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
    if isinstance(told, str) and len(told) > most:
        return f"{told[:most]}... ({len(told)} characters)"
    return value


def listed(
    name: str,
    rows: Iterable[Mapping[str, Any]],
    *,
    more: bool,
    next_: Callable[[Sequence[Mapping[str, Any]]], dict[str, Any]],
    total: int | None = None,
    room: int = MOST,
) -> dict[str, Any]:
    """A page: rows as long as there is room (characters, but one row at least), and in `next` the arguments that give the following one.

    `next_` makes these of the rows that are shown.
    """
    shown: list[Mapping[str, Any]] = []
    cut = False
    for row in rows:
        room -= len(json.dumps(row, ensure_ascii=False))
        if shown and room < 0:
            cut = True
            break
        shown.append(row)
    told: dict[str, Any] = {name: shown}
    if total is not None:
        told["total"] = total
    if more or cut:
        told["next"] = next_(shown)
    return told


def cursor_page(
    rows: Sequence[Mapping[str, Any]], *, more: bool, after: str | None, room: int = MOST
) -> dict[str, Any]:
    """A page of messages, newest first. With `after` they are the oldest after it, so going on means a newer `after`."""
    if after is None:
        return listed("messages", rows, more=more, next_=lambda shown: {"before": shown[-1]["id"]}, room=room)
    page = listed("messages", rows[::-1], more=more, next_=lambda shown: {"after": shown[-1]["id"]})
    return page | {"messages": page["messages"][::-1]}


def rest_page(name: str, rows: Sequence[Mapping[str, Any]], offset: int) -> dict[str, Any]:
    """A page of a list that is at hand whole."""
    return listed(name, rows[offset:], more=False, next_=lambda shown: {"offset": offset + len(shown)})


def offset_page(
    name: str, answer: Mapping[str, Any], rows: list[dict[str, Any]], offset: int
) -> dict[str, Any]:
    """A page of a list that is walked by offset."""
    return listed(
        name,
        rows,
        more=bool(answer.get("hasMore")),
        total=answer.get("total"),
        next_=lambda shown: {"offset": offset + len(shown)},
    )
