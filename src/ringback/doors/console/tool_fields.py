"""The tools of an agent as a form has them: the fields of one after another, which are the API's `customTools`.

Headers often hold a key, so what was stored is never shown again: a value of dots stands for it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ringback.kit import json_text

KEPT: Final = "••••••"
FIRST: Final = "tool.was"
"""The field with which the next tool begins: the name that it had."""
_DEFAULT_METHOD = "POST"
_SAID: Final[dict[str, bool | None]] = {"": None, "true": True, "false": False}


@dataclass(slots=True)
class ToolFields:
    """One tool as it is typed. `faults` are by the name of the field."""

    was: str = ""
    name: str = ""
    description: str = ""
    url: str = ""
    method: str = _DEFAULT_METHOD
    headers: str = ""
    parameters: str = ""
    timeout: str = ""
    says: str = ""
    message: str = ""
    faults: dict[str, str] = field(default_factory=dict)
    new: bool = False


NAMES: Final = {
    "name": "name",
    "description": "description",
    "url": "url",
    "method": "method",
    "headers": "headers",
    "parameters": "parameters",
    "timeoutMs": "timeout",
    "speakDuringExecution": "says",
    "executionMessage": "message",
}
"""The form's names of what the API calls otherwise."""


def shown(tools: Sequence[Mapping[str, Any]] | None) -> list[ToolFields]:
    """What the API has, to be typed on."""
    return [_shown(tool) for tool in tools or []]


def _shown(tool: Mapping[str, Any]) -> ToolFields:
    timeout, speaks = tool.get("timeoutMs"), tool.get("speakDuringExecution")
    parameters = tool.get("parameters")
    return ToolFields(
        was=tool["name"],
        name=tool["name"],
        description=tool["description"],
        url=tool["url"],
        method=tool.get("method") or _DEFAULT_METHOD,
        headers="\n".join(
            f"{name}: {KEPT if value else ''}" for name, value in (tool.get("headers") or {}).items()
        ),
        parameters="" if parameters is None else json.dumps(parameters, indent=2, ensure_ascii=False),
        timeout="" if timeout is None else f"{timeout / 1000:g}",
        says={None: "", True: "true", False: "false"}[speaks],
        message=tool.get("executionMessage") or "",
    )


def typed(fields: Sequence[tuple[str, str]]) -> list[ToolFields]:
    """The tools in a form's fields."""
    found: list[ToolFields] = []
    for name, value in fields:
        if name == FIRST:
            found.append(ToolFields(was=value, new=not value))
        elif found and name.startswith("tool.") and name[5:] in NAMES.values():
            setattr(found[-1], name[5:], value)
    return found


def body(
    tools: Sequence[ToolFields], stored: Sequence[Mapping[str, Any]] | None
) -> list[dict[str, Any]] | None:
    """As the API takes them; what can't be read is noted in `faults`. `stored` is what dots stand for."""
    before = {tool["name"]: tool.get("headers") or {} for tool in stored or []}
    return [_one(tool, before.get(tool.was, {})) for tool in tools] or None


def _one(tool: ToolFields, kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "url": tool.url,
        "method": tool.method,
        "headers": _headers(tool, kept),
        "parameters": _parameters(tool),
        "timeoutMs": _timeout_ms(tool),
        "speakDuringExecution": _SAID.get(tool.says),
        "executionMessage": tool.message or None,
    }


def _headers(tool: ToolFields, kept: Mapping[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for line in filter(None, map(str.strip, tool.headers.splitlines())):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not name:
            tool.faults["headers"] = f"takes a header a line, such as X-Shop: 7, not {line[:40]}"
        elif value != KEPT:
            found[name] = value or None
        elif name in kept:
            found[name] = kept[name]
        else:
            tool.faults["headers"] = f"needs the value of {name[:40]}: none is kept under this name"
    return found or None


def _parameters(tool: ToolFields) -> Any:
    try:
        found = json_text.loads(tool.parameters) if tool.parameters else None
    except ValueError as error:
        tool.faults["parameters"] = f"takes a JSON schema: {error}"
        return None
    if found is not None and not isinstance(found, dict):
        tool.faults["parameters"] = 'takes a JSON object such as {"type": "object", "properties": {}}'
    return found


def _timeout_ms(tool: ToolFields) -> int | None:
    try:
        return round(float(tool.timeout) * 1000) if tool.timeout else None
    except (ValueError, OverflowError):
        tool.faults["timeout"] = "takes seconds, 1 to 120"
        return None


_NAME_TAKES: Final = "takes 1 to 64 letters, digits, _ and -"


def note(tools: Sequence[ToolFields], faults: Mapping[str, str]) -> None:
    """Put what the API said of `customTools.2.url` to the tool and field that it means."""
    for where, message in faults.items():
        path = where.split(".")
        if path[0] == "customTools" and len(path) > 1 and path[1].isdecimal() and int(path[1]) < len(tools):
            name = NAMES.get(path[2], "name") if len(path) > 2 else "name"
            named = name == "name" and tools[int(path[1])].name
            tools[int(path[1])].faults.setdefault(name, _NAME_TAKES if named else message)
