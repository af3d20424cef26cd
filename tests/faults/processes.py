"""`ringback serve` and `ringback sim` as processes that can be killed and started again."""

import asyncio
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from ringback.settings import PREFIX

ROOT = Path(__file__).parents[2]
RINGBACK = (sys.executable, "-c", "import sys; from ringback.entry import main; sys.exit(main())")
_URL = re.compile(r"(?:answers at|worker runs;) (http://[^\s;/]+)")
_START_S = 30.0


def environment(**settings: object) -> dict[str, str]:
    """The environment of a process: none of this shell's settings, but these."""
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    own = {f"{PREFIX}{name}".upper(): str(value) for name, value in settings.items()}
    paths = (str(ROOT), *filter(None, clean.get("PYTHONPATH", "").split(os.pathsep)))
    return clean | own | {"PYTHONPATH": os.pathsep.join(paths)}


class Process:
    """One command that serves. Its URL is known once it says that it answers; its log goes to `log`."""

    def __init__(
        self,
        folder: Path,
        *args: str,
        env: dict[str, str] | None = None,
    ) -> None:
        self.log = folder / f"{args[0]}.log"
        self.url = ""
        self.up = asyncio.Event()
        self.starts = 0
        self._folder = folder
        self._args = args
        self._command = [*RINGBACK, *args]
        self._env = env if env is not None else environment()
        self._process: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        """Start the process; `ready` waits until it answers."""
        assert self._process is None
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._env, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.starts += 1

    async def ready(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        async with asyncio.timeout(_START_S):
            line = await asyncio.to_thread(process.stdout.readline)
        found = _URL.search(line)
        if found is None:
            raise AssertionError(
                f"{self._command} said {line!r} and ended with {process.poll()}: {self.tail()}"
            )
        self.url = found[1]
        self.up.set()

    def become(self, command: Sequence[str]) -> None:
        """From the next start on, another command takes these arguments."""
        self._command = [*command, *self._args]

    async def start(self) -> None:
        self.begin()
        await self.ready()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def cpu_s(self) -> float:
        """Processor time it has used; what the clock on the wall shows depends on the neighbours."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def files(self) -> int:
        """How many files it has open."""
        assert self._process is not None
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    def limit_files(self, most_bytes: int = resource.RLIM_INFINITY) -> None:
        """No file of it may grow beyond this from now on: a full disk, which can be emptied again."""
        assert self._process is not None
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; answers the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        self.up.clear()
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(how)
        try:
            code = process.wait(_START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            if process.stdout:
                process.stdout.close()
        return code

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-2_000:]


async def until_true(look: Callable[[], Awaitable[bool]], timeout_s: float, every_s: float = 0.25) -> bool:
    """Look again and again; whether it was seen in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        if await look():
            return True
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(every_s)
