"""A scenario's file: YAML of what a phone does in a call and of what must hold then (`docs/scenarios.md`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Match = Literal["same", "alike", "begins", "contains", "any"]
Phone = Literal["manual", "busy", "declines", "no-answer", "unreachable"]
VERSION: Literal[1] = 1


class ScenarioError(Exception):
    """A file that is no scenario, a call that can't be one, or a server on which it can't be played; one line."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Turn(_Part):
    """What one side says. `match` is how near to it what is said must be: `same` for an agent, `alike` for a caller.

    `startMs` and `endMs` are when it was said in the call that was saved; they are not judged.
    """

    agent: str | None = None
    caller: str | None = None
    match: Match | None = None
    startMs: int | None = None  # noqa: N815
    endMs: int | None = None  # noqa: N815

    @model_validator(mode="after")
    def _of_one_side(self) -> "Turn":
        if (self.agent is None) == (self.caller is None):
            raise ValueError("expected either agent: ... or caller: ...")
        return self

    @property
    def role(self) -> str:
        return "agent" if self.agent is not None else "caller"

    @property
    def text(self) -> str:
        return self.agent if self.agent is not None else self.caller or ""

    @property
    def how(self) -> Match:
        return self.match or ("same" if self.role == "agent" else "alike")


class Expect(_Part):
    """What must hold. What is left out is not judged; `replyMs` and `seconds` are the most that it may be."""

    status: str | None = None
    reason: str | None = None
    side: str | None = None
    brain: str | None = None
    seconds: Annotated[float, Field(gt=0, le=7_200)] | None = None
    replyMs: Annotated[int, Field(gt=0)] | None = None  # noqa: N815
    turns: list[Turn] | None = None


class Scenario(_Part):
    """`number` is called by a phone, or `agent` calls one; `steps` are what that phone does once the call is answered."""

    version: Literal[1]
    call: str | None = None
    direction: Literal["inbound", "outbound"]
    agent: str | None = None
    number: str | None = None
    phone: str | None = None
    answers: Phone = "manual"
    ask: dict[str, Any] = {}
    steps: list[dict[str, Any]] = []
    expect: Expect


def read(path: Path) -> Scenario:
    """The scenario of a file. Raises `ScenarioError`."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(f"{path} can't be read: {error.strerror}") from None
    except RecursionError:
        raise ScenarioError(f"{path} is nested too deep for a scenario") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise ScenarioError(f"{path} is no scenario: save one with `ringback scenario save`")
    try:
        return Scenario.model_validate(found)
    except ValidationError as error:
        raise ScenarioError(f"{path}: {_first(error.errors())}") from None


def _first(errors: Sequence[Any]) -> str:
    where = ".".join(map(str, errors[0]["loc"]))
    told = errors[0]["msg"].removeprefix("Value error, ")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {told}{more}"


def written(scenario: Scenario) -> str:
    """The text of a scenario's file."""
    found = scenario.model_dump(exclude_none=True, exclude_defaults=False)
    kept = {name: value for name, value in found.items() if value not in ({}, [])}
    if scenario.direction == "inbound":
        kept.pop("answers")
    text: str = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=110)
    return text
