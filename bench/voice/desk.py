"""One server with an agent, its number and a webhook that answers at once; and handsets that call it."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from bench.server import ROOT
from bench.voice import sounds

_TICKS = os.sysconf("SC_CLK_TCK")
KINDS = {
    "voice.child": "child",
    "stamped child": "child",
    "ringback.exchange": "exchange",
    "stamped exchange": "exchange",
    "speech.worker": "speech worker",
    "stamped serve": "server",
}
Step = dict[str, Any]
T = TypeVar("T")


class Webhook:
    """Answers each turn at once, with the next of `answers`, and the last again and again; keeps connections."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self._answers = list(answers)
        self.heard: list[str] = []
        """What each turn's caller is said to have said."""
        ready = threading.Event()
        self.port = 0
        self._loop = asyncio.new_event_loop()

        async def serve() -> None:
            server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await asyncio.Event().wait()

        threading.Thread(target=lambda: self._loop.run_until_complete(serve()), daemon=True).start()
        ready.wait()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
                told = json.loads(await reader.readexactly(length) or b"{}")
                answer: dict[str, Any] = {}
                if told.get("event") == "agent.message":
                    self.heard.append(told["data"]["transcript"])
                    answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                body = json.dumps(answer).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                    % len(body)
                    + body
                )
        writer.close()


class Desk:
    """`ringback serve` in a fresh folder. `agent` are settings of its agent."""

    def __init__(
        self,
        webhook: Webhook,
        *,
        stt: str = "moonshine",
        tts: str = "piper",
        stamps: bool = False,
        **agent: Any,
    ) -> None:
        self.webhook = webhook
        self.folder = Path(tempfile.mkdtemp(prefix="ringback-bench-"))
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")}
        paths = [str(ROOT), *filter(None, [clean.get("PYTHONPATH")])]
        env = clean | {
            "PYTHONPATH": os.pathsep.join(paths),
            "RINGBACK_SPEECH_STT": stt,
            "RINGBACK_SPEECH_TTS": tts,
        }
        if stamps:
            env["BENCH_STAMPS"] = str(self.folder)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "bench.voice.stamped",
                "serve",
                "serve",
                "--port",
                "0",
                "--log-level",
                "error",
            ],
            cwd=self.folder,
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]
        self.key = (self.folder / "ringback-data" / "first-key").read_text().strip()
        self.agent = self.ask("POST", "/v1/agents", {"name": "Desk", **agent})["id"]
        number = self.ask("POST", "/v1/numbers", {"agentId": self.agent})
        self.number, self.number_id = number["phoneNumber"], number["id"]
        url = f"http://127.0.0.1:{webhook.port}/"
        self.ask("POST", f"/v1/agents/{self.agent}/webhook", {"url": url})
        self._phones: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        subprocess.run(["rm", "-rf", str(self.folder)], check=False)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(self.fetch(method, path, body))

    def fetch(self, method: str, path: str, body: Any = None) -> bytes:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=90) as answer:
            found: bytes = answer.read()
            return found

    def dial(self, *script: Step, phone: int = 0) -> str:
        """A handset calls the agent; the id of its call."""
        while len(self._phones) <= phone:
            self._phones.append(self.ask("POST", "/sim/v1/handsets", {})["id"])
        asked = {"to": self.number, "script": list(script)}
        return str(self.ask("POST", f"/sim/v1/handsets/{self._phones[phone]}/calls", asked)["id"])

    def wait(self, call: str, longest_s: float = 1_200) -> Any:
        """A handset's call once it is over."""
        until = time.monotonic() + longest_s
        while time.monotonic() < until:
            found = self.ask("GET", f"/sim/v1/calls/{call}?wait=30")
            if found["status"] in ("completed", "failed"):
                return found
        raise SystemExit(f"the call {call} lasts longer than {longest_s:.0f} s")

    def recording(self, call: str) -> tuple[Any, Any]:
        """What a handset said, and what it heard."""
        return sounds.sides(self.fetch("GET", f"/sim/v1/calls/{call}/audio"))

    def call_of(self) -> Any:
        """The newest call of the number, as its agent has it."""
        newest = self.ask("GET", f"/v1/numbers/{self.number_id}/calls?limit=1")["data"][0]
        return self.ask("GET", f"/v1/calls/{newest['id']}")

    def stamps(self) -> list[tuple[str, float]]:
        """What was noted until now, in its order."""
        found: list[tuple[str, float]] = []
        for path in self.folder.glob("*.jsonl"):
            found += [tuple(json.loads(line)) for line in path.read_text().splitlines()]
        return sorted(found, key=lambda one: one[1])

    def processes(self) -> dict[str, list[int]]:
        """Those of this server, by what they are."""
        found: dict[str, list[int]] = {kind: [] for kind in ("server", "child", "exchange", "speech worker")}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if not entry.name.isdigit() or os.readlink(entry / "cwd") != str(self.folder):
                    continue
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                for mark, kind in KINDS.items():
                    if mark in command:
                        found[kind].append(int(entry.name))
                        break
        return found

    def cpu_s(self) -> dict[str, float]:
        """Processor time so far, by what the processes are."""
        return {kind: sum(map(_cpu_s, pids)) for kind, pids in self.processes().items()}

    def memory_mb(self) -> dict[str, float]:
        """What they have allocated themselves."""
        return {kind: sum(map(_anonymous_mb, pids)) for kind, pids in self.processes().items()}


def _cpu_s(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    return 0.0


def _anonymous_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) / 1024
    return 0.0


def conversation(texts: Sequence[str], *, silence_ms: int = 900, before_ms: int = 4_000) -> list[Step]:
    """A script that says each, and waits for what the agent says to it."""
    script: list[Step] = [{"pauseMs": before_ms}]
    for text in texts:
        script += [{"say": text}, {"waitForSilenceMs": silence_ms}]
    return [*script, {"hangup": True}]


def pieces(texts: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """So many at a time."""
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


def load() -> str:
    """How busy the machine is with others, for the head of a table."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
