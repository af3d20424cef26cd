"""Pages as tests read them: their blocks of code, and a served Ringback to run these beside."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PORT = "8642"
DONE_BEFORE = ("make run", ".venv/bin/uv pip install agentphone")
"""Lines of a page that a reader runs once and that are done before a test begins: a server runs, the SDK is there."""
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code; `line` is where its code begins on the page."""

    page: str
    language: str
    code: str
    line: int

    @property
    def is_test(self) -> bool:
        """Whether these are tests for the reader's pytest."""
        return self.language == "python" and re.search(r"^def test_", self.code, re.MULTILINE) is not None

    @property
    def file(self) -> str | None:
        """The file that a reader is to save it as: a Python block says so in its first line."""
        named = re.match(r"# (\w+\.py)\n", self.code)
        return named[1] if named and self.language == "python" else None


def read(page: str) -> list[Block]:
    """All blocks of a page, in their order. Fails for one that is not closed or not at the margin."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [
        Block(page, match[1], match[2], text.count("\n", 0, match.start()) + 2)
        for match in _BLOCK.finditer(text)
    ]
    fences = re.findall(r"^\s*(?:```|~~~)", text, re.MULTILINE)
    assert len(fences) == 2 * len(found), f"{page}: a block of code is not closed, or is indented"
    return found


def blocks(page: str, language: str) -> list[str]:
    """The code of a page's blocks in one language, in their order."""
    return [block.code for block in read(page) if block.language == language]


class Desk:
    """A folder like a fresh clone's, with a server that runs in it; a page's port stands for the server's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        """What the server told at its start."""
        # Installed and shown things are the repository's own; what a run leaves behind stays in the folder.
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / "examples").symlink_to(ROOT / "examples")
        self.port = _free_port()
        self.env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RINGBACK_", "PYTEST_", "VIRTUAL_ENV"))
        } | {"RINGBACK_URL": f"http://127.0.0.1:{self.port}", "PATH": path_without_venv()}

    def here(self, code: str) -> str:
        """The code with this server's port."""
        return code.replace(f":{PORT}", f":{self.port}")

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command that goes on until it is stopped."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=heed_interrupts,
        )

    def run(self, *command: str) -> str:
        """What a command said; it must end well, and without a word on standard error."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=120, check=False
        )
        said = f"{done.stdout}\n--- standard error:\n{done.stderr}"
        assert done.returncode == 0, said
        assert "Error" not in done.stderr, said
        return done.stdout

    def shell(self, *parts: str) -> str:
        """What pasted blocks say, one after the other in one terminal."""
        return self.run("bash", "-ec", self.here("\n".join(parts)))

    def python(self, code: str) -> str:
        return self.run(".venv/bin/python", "-W", "error", "-c", self.here(code))


@contextmanager
def served(folder: Path) -> Iterator[Desk]:
    """A desk whose server has told what it tells at the first start."""
    desk = Desk(folder)
    with stopping(desk.start(".venv/bin/ringback", "serve", "--port", str(desk.port))) as process:
        desk.said = lines_to(process, "Next")
        yield desk


def heed_interrupts() -> None:
    """A shell's background job ignores Ctrl-C, and so would all that its tests start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def stopping(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    with process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def lines_to(process: subprocess.Popen[str], beginning: str) -> list[str]:
    """What the process says, up to the first line that begins so."""
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line.rstrip("\n"))
        if line.startswith(beginning):
            return said
    raise AssertionError(f"it ended before a line that begins with {beginning}: {said}")


def run_as_tests(folder: Path, tests: list[str]) -> str:
    """Run blocks as a user's test modules, in a pytest of their own; its summary."""
    for index, code in enumerate(tests):
        (folder / f"test_block_{index}.py").write_text(code, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:asyncio",
        "-W",
        "error",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def path_without_venv() -> str:
    """The search path of somebody who has not activated the environment."""
    own = os.path.join(sys.prefix, "bin")
    return os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != own)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
