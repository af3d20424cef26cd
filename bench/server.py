"""A server process pinned to one core, what it costs, and a few requests to it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SERVER_CORE, LOAD_CORE = 0, 1
NUMBERS = 50
_TICKS = os.sysconf("SC_CLK_TCK")


def cores() -> bool:
    """Whether there are two cores to pin to."""
    return hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1


class Server:
    """`ringback serve`, or a variant of it, over a fresh folder (or one that is given)."""

    def __init__(
        self,
        variant: str = "real",
        *,
        data: Path | None = None,
        database: str | None = None,
        pinned: bool = True,
    ) -> None:
        self.database = database
        self.folder = data or Path(tempfile.mkdtemp(prefix="ringback-bench-"))
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")}
        paths = [str(ROOT), *filter(None, [clean.get("PYTHONPATH")])]
        env = clean | {"PYTHONPATH": os.pathsep.join(paths), "RINGBACK_NUMBER_LIMIT": str(NUMBERS)}
        if database:
            env["RINGBACK_DATABASE_URL"] = database
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.variants", variant, "serve", "--port", "0", "--log-level", "error"],
            cwd=self.folder,
            env=env,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}) if pinned and cores() else None,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]
        self.request("GET", "/healthz", key=False)
        self.start_s = time.perf_counter() - began
        self.host, _, port = self.url.removeprefix("http://").partition(":")
        self.port = int(port)
        self.key = (self.folder / "ringback-data" / "first-key").read_text().strip()
        self.numbers: list[str] = []

    def request(self, method: str, path: str, body: Any = None, *, key: bool = True) -> Any:
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.key}"} if key else {}
        )
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)

    def furnish(self) -> None:
        """An agent with the numbers that the load sends from."""
        agent = self.request("POST", "/v1/agents", {"name": "bench"})
        for _ in range(NUMBERS):
            bought = self.request("POST", "/v1/numbers", {"agentId": agent["id"]})
            self.numbers.append(bought["id"])

    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mb(self) -> tuple[float, float]:
        """PSS and RSS."""
        sizes = self._sizes_mb()
        return sizes["Pss"], sizes["Rss"]

    def own_memory_mb(self) -> tuple[float, float]:
        """What it has allocated itself (PSS moves with the neighbours who map the same files), and RSS."""
        sizes = self._sizes_mb()
        return sizes["Anonymous"], sizes["Rss"]

    def _sizes_mb(self) -> dict[str, float]:
        lines = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text().splitlines()[1:]
        return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}

    def rest(self, longest_s: float = 120) -> None:
        """Wait until it works on nothing any more."""
        until, before = time.monotonic() + longest_s, self.cpu_s()
        while time.monotonic() < until:
            time.sleep(0.4)
            now = self.cpu_s()
            if now - before < 0.03:
                return
            before = now

    def stop(self, *, keep: bool = False) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
