"""Live activity: what happened last, a row for each text and call that moves on instead of many rows."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from ringback.doors.console import view
from ringback.doors.console.ask import Ask, Refused
from ringback.doors.console.live import block
from ringback.doors.console.words import event_state, event_words

_ROWS = 14
_LOOKED_AT = 80
_MOST_KNOWN = 2_000
_known: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()
"""What doesn't change of texts and calls that were shown, by account and id."""


@dataclass(slots=True)
class Row:
    """`steps` are words with their state, oldest first."""

    title: str
    state: str
    at: str
    link: str = ""
    sub: str = ""
    body: str = ""
    steps: list[tuple[str, str]] = field(default_factory=list)


@block("activity")
async def activity(ask: Ask, rest: str = "") -> str:
    rows = await rows_of(ask)
    return view.render("parts/activity.html", rows=rows)


async def rows_of(ask: Ask) -> list[Row]:
    """The newest rows, newest first."""
    newest = (await ask.get("/v1/events", limit=1))["newest"]
    try:
        found = await ask.get("/v1/events", after=max(0, newest - _LOOKED_AT), limit=_LOOKED_AT)
    except Refused:
        found = await ask.get("/v1/events", limit=_LOOKED_AT)
    told: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()
    for event in found["data"]:
        data = event["data"]
        key = data.get("messageId") or data.get("callId") or event["id"]
        told.setdefault(key, []).append(event)
        told.move_to_end(key)
    # Only what is shown is looked up: when much happens most of it is not.
    return [await _row(ask, key, told[key]) for key in list(reversed(told))[:_ROWS]]


async def _row(ask: Ask, key: str, events: list[dict[str, Any]]) -> Row:
    row = await _begin(ask, events[0], key)
    for event in events:
        row.at = event["at"]
        step = _step(event)
        if step and (not row.steps or row.steps[-1] != step):
            row.steps.append(step)
        if event_state(event["type"]) and not event["type"].startswith("webhook."):
            row.state = event_state(event["type"])
        if event["type"] == "webhook.failed":
            row.state = "bad"
    return row


def _step(event: dict[str, Any]) -> tuple[str, str] | None:
    kind, _, what = event["type"].partition(".")
    if kind in ("message", "call"):
        if what == "received":
            return None  # the row says so
        return {"turn": "talk"}.get(what, what), event_state(event["type"])
    if kind == "webhook" and what in ("delivered", "failed", "redelivered"):
        said = {"delivered": "webhook took it", "failed": "webhook failed"}.get(what, "webhook again")
        return said, event_state(event["type"])
    return None


async def _begin(ask: Ask, event: dict[str, Any], key: str) -> Row:
    data = event["data"]
    if data.get("messageId"):
        text = await _look_up(ask, f"/v1/messages/{key}", key)
        if text is None:
            return Row("Text", "", event["at"])
        came = text["direction"] == "inbound"
        return Row(
            "Text received" if came else "Text sent",
            "",
            event["at"],
            f"/conversations/{data['conversationId']}" if data.get("conversationId") else "",
            f"{view.phone(text['from'])} → {view.phone(text['to'])}",
            text["body"],
        )
    if data.get("callId"):
        call = await _look_up(ask, f"/v1/calls/{key}", key)
        if call is None:
            return Row("Call", "", event["at"])
        sub = f"{view.phone(call['from'])} → {view.phone(call['to'])}"
        return Row("Call", "", event["at"], f"/calls/{key}", sub)
    return Row(event_words(event["type"]), event_state(event["type"]), event["at"], "", _of_data(data))


def _of_data(data: dict[str, Any]) -> str:
    if data.get("phoneNumber"):
        return view.phone(data["phoneNumber"])
    return str(data.get("name") or data.get("participant") or "")


async def _look_up(ask: Ask, path: str, key: str) -> dict[str, Any] | None:
    known = (ask.caller.account_id, key)
    found = _known.get(known)
    if found is None:
        try:
            told = await ask.get(path)
        except Refused:
            return None
        found = {
            "from": told.get("fromNumber") or told.get("from"),
            "to": told.get("toNumber") or told.get("to"),
            "body": told.get("body") or "",
            "direction": told["direction"],
        }
        _known[known] = found
        if len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    return found
