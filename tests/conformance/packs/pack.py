"""One of the vendor's tool packs, unchanged, in a process of its own environment."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.npm.sdk import JUDGES

HERE = Path(__file__).parent
NAMES = ("langchain", "crewai", "openai_agents")
_QUIET = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool `said`; where it raised, `raised` is the error's class and `said` its text."""

    said: str
    raised: str | None = None

    @property
    def value(self) -> Any:
        """What it said, read as JSON."""
        assert self.raised is None, self
        return json.loads(self.said)


class Process:
    """Has loaded the frameworks that were asked for so far."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [JUDGES / "bin" / "python", HERE / "bridge.py"],
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | _QUIET,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **asked: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"it ended with {self._process.wait(5)}; its words are on standard error"
        return json.loads(line)

    def end(self) -> None:
        self._process.communicate(timeout=60)


class Pack:
    """The tools of one pack, pointed at one server."""

    def __init__(self, process: Process, name: str, base_url: str, key: str | None) -> None:
        self.name = name
        self._process = process
        self._at = {"pack": name, "base_url": base_url, "key": key}

    def tools(self) -> list[str]:
        """The names of its tools, without `agentphone_`."""
        found: list[str] = json.loads(self._process.ask(**self._at, tool=None)["said"])
        return found

    def use(self, tool: str, **given: Any) -> Outcome:
        """Use a tool as the framework does."""
        return Outcome(**self._process.ask(**self._at, tool=tool, given=given))

    def run(self, program: str) -> Outcome:
        """Run a program in which RINGBACK_URL and RINGBACK_API_KEY hold address and key."""
        return Outcome(**self._process.ask(**self._at, program=program))

    def failure(self, error: str, text: str) -> Outcome:
        """How this framework shows what the SDK raises: OpenAI's tells its model, the others raise it."""
        if self.name == "openai_agents":
            return Outcome(f"An error occurred while running the tool. Please try again. Error: {text}")
        return Outcome(text, raised=error)
