"""What the server's own receiver answers where it is asked to: rules, so that a first text gets a reply before there is code."""

import re
from dataclasses import dataclass
from typing import Any

_MARK = "You said:"
_HELLO = "This is Ringback's demo. Your program answers here once Webhooks has its address."
_LONGEST = 300
_BYE = re.compile(r"\b(good ?bye|bye|hang up|that is all|that's all)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DemoText:
    """A text to be sent from the number `number_id` to `to` (E.164)."""

    number_id: str
    to: str
    body: str


def spoken_answer(told: Any) -> dict[str, Any]:
    """The answer to a turn of a call, empty for every other webhook."""
    if not _is_message(told, "voice"):
        return {}
    said = str(told["data"].get("transcript") or "").strip()
    if _BYE.search(said):
        return {"text": "Thank you for calling. Goodbye.", "hangup": True}
    return {"text": f"{_MARK} {_cut(said)}"}


def text_answer(told: Any) -> DemoText | None:
    """The reply to a text. None for what is none, and for its own words that come back: two of them would never end."""
    if not (_is_message(told, "sms") or _is_message(told, "mms")):
        return None
    data = told["data"]
    said = str(data.get("message") or "").strip()
    if _MARK in said or not isinstance(data.get("numberId"), str) or not isinstance(data.get("from"), str):
        return None
    first = not any(
        isinstance(one, dict) and one.get("direction") == "outbound"
        for one in told.get("recentHistory") or []
    )
    body = f"{_MARK} {_cut(said) or 'nothing, but sent a picture.'}"
    return DemoText(data["numberId"], data["from"], f"{_HELLO} {body}" if first else body)


def _is_message(told: Any, channel: str) -> bool:
    return (
        isinstance(told, dict)
        and (told.get("event"), told.get("channel")) == ("agent.message", channel)
        and isinstance(told.get("data"), dict)
    )


def _cut(said: str) -> str:
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"
