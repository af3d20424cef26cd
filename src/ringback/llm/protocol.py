"""What is asked of a language model, and what comes back."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Message = Mapping[str, Any]
"""One message of a chat, as chat completions have it: `role`, `content`, and what goes with tools."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is: `url` is the API's base, such as `https://api.openai.com/v1`, `model` its name there.

    `silence_s` is how long it may say nothing before it counts as stalled.
    """

    url: str
    model: str
    key: str | None = None
    silence_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that the model may ask for. `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool. `arguments` is JSON as the model wrote it, which may be none."""

    id: str
    name: str
    arguments: str


class ModelFailed(Exception):
    """The model gave no whole answer.

    `message` may be shown to anybody; `detail` is for the operator, and says what the endpoint said. `lasting` is
    whether the next request will fail in the same way: the key is wrong, or there is no such model.
    """

    def __init__(self, message: str, *, detail: str | None = None, lasting: bool = False) -> None:
        super().__init__(message)
        self.message, self.detail, self.lasting = message, detail, lasting


class ChatModel(Protocol):
    """A model to talk with."""

    def answer(
        self, messages: Sequence[Message], tools: Sequence[Tool] = ()
    ) -> AsyncGenerator[str | ToolCall, None]:
        """The answer as it comes: pieces of text, and after them the tools that it asks for. Closing it hangs up.

        Raises `ModelFailed`.
        """
        ...
