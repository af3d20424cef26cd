"""A page as a script: its blocks run in their order beside one server, and what it shows is what is said."""

import contextlib
import io
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ringback.running import Running, write
from ringback.settings import Settings
from ringback.testing import Ringback
from tests.scenarios.pages import DONE_BEFORE, PORT, ROOT, Block, path_without_venv

RUNS = frozenset({"bash", "python", "json", "text", "toml"})
"""Kinds of blocks that a script runs (`bash`, `python`), holds against what was said (`json`, `text`), or takes for
settings (`toml`)."""
_END = "--- this block has ended ---"
_PATIENCE_S = 60
_TOKEN = "the-command-line-of-this-test"
_SETTLED = """sleep() {
  curl -s "$RINGBACK_URL/sim/v1/clock" -H "Authorization: Bearer $RINGBACK_API_KEY" \\
    -H "Content-Type: application/json" -d '{"advanceSeconds": 0}' > /dev/null
}
"""
"""Where a reader's commands wait a second, a test's wait until nothing is under way any more; `_WAITS` in Python."""
_WAITS = ("time.sleep(1)", "until_settled()")
_MASKS = [
    (r"\b([a-z]{2,4})_[0-9a-hjkmnp-tv-z]{26}\b", r"<\1>"),
    (r"\b(sk_live|whsec)_[\w.-]+", r"<\1>"),
    (r"\+\d{8,15}\b", "<number>"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", "<time>"),
    (r"\b\d{4}-\d\d-\d\d\b", "<day>"),
    (r"\b\d\d:\d\d:\d\d\b", "<hour>"),
    (r"(?<=127\.0\.0\.1):\d{2,5}\b", ":<port>"),
]


class Script:
    """Runs blocks as a reader would: bash in one terminal, Python in one interpreter, both in one folder."""

    def __init__(self, folder: Path, env: dict[str, str], ringback: Ringback) -> None:
        def until_settled() -> None:
            ringback.api.call("POST", "/sim/v1/clock", {"advanceSeconds": 0})

        self._port = ringback.server.settings.port
        self.names: dict[str, Any] = {"__name__": "page", until_settled.__name__: until_settled}
        """What the Python blocks have defined."""
        self._folder = folder
        self.said = ""
        """What the last block said."""
        self._errors = (folder / ".errors").open("w+", encoding="utf-8")
        self._bash = subprocess.Popen(
            ["bash", "-e"],
            cwd=folder,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._type(_SETTLED, "sleep")

    def play(self, blocks: Sequence[Block]) -> None:
        """Run blocks in their order. A refusal that the page doesn't show is a mistake of the page."""
        for block, following in zip(blocks, [*blocks[1:], None][: len(blocks)], strict=True):
            self.run(block)
            shown = following is not None and following.language in ("json", "text")
            if block.language in ("bash", "python") and not shown:
                assert '"error":{' not in self.said.replace(" ", ""), f"{block.page}:{block.line} {self.said}"

    def run(self, block: Block) -> None:
        """Run a block, or hold it against what the one before it said."""
        where = f"{block.page}:{block.line}"
        code = block.code.replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{self._port}")
        if block.file is not None:
            (self._folder / block.file).write_text(code, encoding="utf-8")
        elif block.language == "python":
            self.said = self._interpret(code, where)
        elif block.language == "bash":
            self.said = self._type(code, where)
        elif block.language == "json":
            assert shape(json.loads(self.said)) == shape(json.loads(block.code)), (
                f"{where} shows something else"
            )
        elif block.language == "toml":
            Settings(**tomllib.loads(block.code))  # refuses what is none
        else:
            assert block.language == "text", f"{where}: nothing runs or checks {block.language!r}"
            assert masked(self.said) == masked(block.code), f"{where} shows something else"

    def _interpret(self, code: str, where: str) -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(code.replace(*_WAITS), where, "exec"), self.names)
        return said.getvalue()

    def _type(self, code: str, where: str) -> str:
        lines = [line for line in code.splitlines() if line not in DONE_BEFORE]
        typed = "\n".join(lines)
        assert self._bash.stdin is not None
        # In braces, so that a command that reads takes nothing of what is typed next.
        # Curl ends no line, so the end begins one.
        self._bash.stdin.write(f"{{\n:\n{typed}\n}} </dev/null\nprintf '\\n%s\\n' '{_END}'\n")
        self._bash.stdin.flush()
        # Whatever goes on beside the terminal says a line when it is ready.
        wanted = 1 if typed.rstrip().endswith(" &") else 0
        said: list[str] = []
        ended = False
        while not ended or len(said) < wanted:
            line = self._next_line()
            assert line, f"{where} ended badly:\n{''.join(said)}{self._told()}"
            if line.rstrip("\n") == _END:
                ended = True
            elif line.strip():
                said.append(line)
        return "".join(said)

    def _read(self) -> None:
        assert self._bash.stdout is not None
        for line in self._bash.stdout:
            self._lines.put(line)

    def _next_line(self) -> str:
        """What is said next; nothing when the terminal is gone, though what was started in it may live on, or silent."""
        for _ in range(_PATIENCE_S * 10):
            with contextlib.suppress(queue.Empty):
                return self._lines.get(timeout=0.1)
            if self._bash.poll() is not None:
                break
        return ""

    def _told(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    def close(self) -> None:
        """End the terminal and all that was started in it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._reader.join()
        with self._bash, self._errors:
            pass
        for value in self.names.values():
            if type(value).__module__.startswith("agentphone") and hasattr(value, "close"):
                value.close()


@contextlib.contextmanager
def beside(ringback: Ringback, folder: Path) -> Iterator[Script]:
    """A script in a folder like a fresh clone's, whose server is this one, also for the command line."""
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "ringback-data").symlink_to(ringback.settings.data)
    write(ringback.settings.data, Running(ringback.base_url, _TOKEN, os.getpid()))
    ringback.server.keys.local_token = _TOKEN
    own = {"RINGBACK_URL": ringback.base_url, "RINGBACK_API_KEY": ringback.api_key}
    foreign = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RINGBACK_", "PYTEST_", "VIRTUAL_ENV"))
    }
    script = Script(folder, foreign | own | {"PATH": path_without_venv()}, ringback)
    with contextlib.closing(script), _working(folder, own):
        yield script


@contextlib.contextmanager
def _working(folder: Path, env: dict[str, str]) -> Iterator[None]:
    """The interpreter of the Python blocks is this one: its folder and its environment are theirs meanwhile."""
    before = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def masked(text: str) -> list[str]:
    """Lines without what differs from run to run."""
    for pattern, name in _MASKS:
        text = re.sub(pattern, name, text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def shape(value: Any) -> Any:
    """A JSON value without what differs from run to run: of numbers their kind, of texts what is left when masked."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if isinstance(value, str):
        return masked(value)
    return type(value).__name__ if isinstance(value, int | float) and not isinstance(value, bool) else value
