"""What a model may do in a call besides speaking: the agent's own tools over HTTP, and those that every agent has."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import structlog

from ringback.kit import json_text
from ringback.kit.http import OutgoingHttp, RequestFailed
from ringback.kit.machine import entropy
from ringback.llm.protocol import Tool, ToolCall

_log = structlog.get_logger("ringback.voice")
END, TRANSFER, DIGITS, SEND, READ = "end_call", "transfer_call", "press_digits", "send_text", "read_texts"
TEXTS = (SEND, READ)
ENDS = (END, TRANSFER)
KEYS = "0123456789*#ABCDw"
_METHODS: dict[str, Literal["GET", "POST"]] = {"GET": "GET", "POST": "POST"}
_MOST_KEYS = 64
_TIMEOUT_MS = 10_000
_KEPT = 16_384
"""How much of a tool's answer the model is told, in bytes."""
ONE_MOMENT = "One moment, please."

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Asks the server for something in this call, once; answers what came of it, or `{"error": ...}`."""
Press = Callable[[str], Awaitable[None]]


def _object(**properties: tuple[str, str]) -> dict[str, Any]:
    fields = {name: {"type": kind, "description": what} for name, (kind, what) in properties.items()}
    return {"type": "object", "properties": fields}


_SAY = ("string", "What to say before; leave it out if you have just said it.")
_OWN = {
    END: Tool(END, "Hang up. Use it when the conversation is over, after a goodbye.", _object(say=_SAY)),
    TRANSFER: Tool(
        TRANSFER, "Connect the caller with a person; you leave the call. It may fail.", _object(say=_SAY)
    ),
    DIGITS: Tool(
        DIGITS,
        "Press keys of the phone, such as in a menu that answers by itself.",
        _object(digits=("string", "Keys in their order: 0 to 9, *, #; w is half a second's pause."))
        | {"required": ["digits"]},
    ),
    SEND: Tool(
        SEND,
        "Send a text message (SMS) to the other party of this call, such as an address or a link. It can't be taken back.",
        _object(text=("string", "The whole text, at most 1600 characters.")) | {"required": ["text"]},
    ),
    READ: Tool(
        READ,
        "Read the newest text messages between you and the other party of this call, oldest first.",
        _object(limit=("integer", "How many, 1 to 50; 10 without.")),
    ),
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tools work on: the call's id, the client for the agent's own, and the ways to the line and to the server."""

    call_id: str
    http: OutgoingHttp
    press: Press
    ask: Ask


class Toolbox:
    """The tools of one call. `own` are the agent's, as the API has them; one of the name of ours takes its place."""

    def __init__(
        self, own: list[dict[str, Any]], around: Surroundings, *, texts: bool, can_transfer: bool
    ) -> None:
        self._around = around
        self._own = {tool["name"]: tool for tool in own}
        offered = [
            name for name in _OWN if (texts or name not in TEXTS) and (can_transfer or name != TRANSFER)
        ]
        self._built_in = {name for name in offered if name not in self._own}
        self.offered = [_OWN[name] for name in offered if name in self._built_in]
        self.offered += [_tool(tool) for tool in self._own.values()]

    def ends(self, call: ToolCall) -> bool:
        """Whether after this call of a tool the agent has no more to say."""
        return call.name in ENDS and call.name in self._built_in

    def presses(self, call: ToolCall) -> bool:
        """Whether it makes sounds of its own, for which the agent must be silent."""
        return call.name == DIGITS and call.name in self._built_in

    def spoken(self, call: ToolCall) -> str | None:
        """What the caller is told while it runs."""
        tool = self._own.get(call.name)
        if tool is None or tool.get("speak_during_execution") is False:
            return None
        message = tool.get("execution_message")
        if message:
            return str(message)
        return ONE_MOMENT if tool.get("speak_during_execution") else None

    async def run(self, call: ToolCall) -> str:
        """What the model is told of a call of a tool, which may be that it went wrong."""
        arguments = arguments_of(call)
        if arguments is None:
            return _error("the arguments are no JSON object")
        if call.name in self._own:
            return await self._post(self._own[call.name], call, arguments)
        if call.name not in self._built_in:
            return _error(f"there is no tool {call.name[:64]}")
        if call.name == DIGITS:
            return await self._press(arguments)
        return json.dumps(await self._around.ask(call.name, arguments), ensure_ascii=False)

    async def _press(self, arguments: Mapping[str, Any]) -> str:
        keys = str(arguments.get("digits", "")).upper().replace("W", "w").replace(" ", "").replace("-", "")
        if not keys or len(keys) > _MOST_KEYS or set(keys) - set(KEYS):
            return _error(f"digits must be 1 to {_MOST_KEYS} of {KEYS}")
        await self._around.press(keys)
        return json.dumps({"pressed": keys})

    async def _post(self, tool: Mapping[str, Any], call: ToolCall, arguments: Mapping[str, Any]) -> str:
        """Ask an endpoint of the agent's: its arguments are the JSON body of a POST, the query of a GET."""
        url, body, method = tool["url"], b"", _METHODS[tool.get("method") or "POST"]
        headers = {
            "Content-Type": "application/json",
            "X-Ringback-Call-Id": self._around.call_id,
            "Idempotency-Key": entropy(16).hex(),
            **{name: value for name, value in (tool.get("headers") or {}).items() if value is not None},
        }
        if method == "GET":
            url = _with_query(url, arguments)
        else:
            body = json.dumps(arguments, ensure_ascii=False).encode()
        timeout_s = (tool.get("timeout_ms") or _TIMEOUT_MS) / 1000
        try:
            answer = await self._around.http.post(
                url, body, headers, timeout_s=timeout_s, keep_bytes=_KEPT, repeatable=True, method=method
            )
        except RequestFailed as error:
            why = error.message
        except ValueError:
            why = "one of the tool's headers can't be sent"
        else:
            if 200 <= answer.status < 300:
                return answer.body or '{"ok": true}'
            why = f"the tool's endpoint answered {answer.status}"
        _log.warning("a tool failed", call=self._around.call_id, tool=call.name, reason=why)
        return _error(why)


def arguments_of(call: ToolCall) -> dict[str, Any] | None:
    """What a tool is called with; None where that is no JSON object."""
    try:
        found = json_text.loads(call.arguments or "{}")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _tool(tool: Mapping[str, Any]) -> Tool:
    parameters = dict(tool.get("parameters") or {})
    if "type" not in parameters:
        # Some leave the frame away and list the properties.
        properties = parameters.pop("properties", None)
        parameters = {"type": "object", "properties": properties if properties is not None else parameters}
    return Tool(tool["name"], tool["description"], parameters)


def _with_query(url: str, arguments: Mapping[str, Any]) -> str:
    told = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in arguments.items()
    }
    if not told:
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(told)}"


def _error(why: str) -> str:
    return json.dumps({"error": why}, ensure_ascii=False)
