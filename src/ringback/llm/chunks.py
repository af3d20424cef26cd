"""An answer put together from the chunks of a chat completion, or from one that came whole."""

from collections.abc import Iterator, Mapping
from typing import Any

from ringback.kit import json_text
from ringback.llm.protocol import ModelFailed, ToolCall

DONE = "[DONE]"
_MAX_ARGUMENTS = 65_536


class Answer:
    """What came so far. `ended` says that the model has said that this is all."""

    def __init__(self) -> None:
        self.ended = False
        self.begun = False
        self._calls: list[dict[str, str]] = []
        self._places: dict[int, int] = {}

    def take(self, data: str) -> Iterator[str]:
        """The text in an event. Raises `ModelFailed` for an error that the endpoint tells of in its stream."""
        if data.strip() == DONE:
            self.ended = True
            return
        try:
            found = json_text.loads(data)
        except ValueError:
            raise ModelFailed("the model's answer was not understood", detail=data[:200]) from None
        yield from self.take_whole(found, "delta")

    def take_whole(self, found: Any, part: str = "message") -> Iterator[str]:
        """The text in a JSON object, `part` of whose first choice is what was said."""
        if not isinstance(found, dict):
            raise ModelFailed("the model's answer was not understood", detail=str(found)[:200])
        if found.get("error"):
            raise ModelFailed("the model broke off with an error", detail=told(found))
        choices = found.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return  # such as the chunk with the count of tokens
        choice = choices[0]
        said = choice.get(part)
        if isinstance(said, dict):
            for call in said.get("tool_calls") or ():
                if isinstance(call, dict):
                    self._add(call)
            text = said.get("content")
            if isinstance(text, str) and text:
                self.begun = True
                yield text
        if choice.get("finish_reason"):
            self.ended = True

    def calls(self) -> list[ToolCall]:
        """The tools that it asks for."""
        return [
            ToolCall(call["id"] or f"call_{place}", call["name"], call["arguments"])
            for place, call in enumerate(self._calls)
            if call["name"]
        ]

    def _add(self, delta: Mapping[str, Any]) -> None:
        """A part of a tool call. Parts of one share an index; servers that give none send a new id with each call."""
        index, named = delta.get("index"), delta.get("id")
        if isinstance(index, int):
            if index not in self._places:
                self._places[index] = len(self._calls)
                self._calls.append({"id": "", "name": "", "arguments": ""})
            call = self._calls[self._places[index]]
        elif not self._calls or (named and named != self._calls[-1]["id"]):
            call = {"id": "", "name": "", "arguments": ""}
            self._calls.append(call)
        else:
            call = self._calls[-1]
        self.begun = True
        if isinstance(named, str) and named:
            call["id"] = named
        function = delta.get("function")
        if isinstance(function, dict):
            if isinstance(function.get("name"), str):
                call["name"] = call["name"] or function["name"]
            if isinstance(function.get("arguments"), str):
                call["arguments"] += function["arguments"]
        if len(call["arguments"]) > _MAX_ARGUMENTS:
            raise ModelFailed("the model wrote a tool call without an end")


def told(body: Any) -> str:
    """What an endpoint says of an error, cut short."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        error = error.get("message")
    return str(error or body)[:200]
