"""Programs that are measured: started in a folder of their own, their processor time counted whole, stopped again."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.server import ROOT

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1024**2
_START_S, _STOP_S = 60.0, 20.0


class Program:
    """A program and all that it starts: they are one session of processes."""

    def __init__(self, command: Sequence[str | Path], folder: Path, **env: str) -> None:
        self.log = folder / f"{Path(command[0]).name}.out"
        self._known: dict[int, float] = {}
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                cwd=folder,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def cpu_s(self) -> float:
        """User and system time so far of all its processes, with those that were seen before they ended."""
        for pid, fields in self._processes():
            self._known[pid] = sum(int(value) for value in fields[11:13]) / _TICKS
        return sum(self._known.values())

    def rss_mb(self) -> float:
        return sum(int(fields[21]) for _, fields in self._processes()) * _PAGE_MB

    def stop(self) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            for pid, _ in self._processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_S)

    def wait_for(self, port: int) -> None:
        """Until it takes connections on `port`."""
        until = time.monotonic() + _START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    said = self.log.read_text(errors="replace")[-1000:]
                    raise SystemExit(
                        f"{self._process.args!r} doesn't answer on port {port}:\n{said}"
                    ) from None
                time.sleep(0.1)

    def _processes(self) -> Iterator[tuple[int, list[str]]]:
        """What the kernel tells of each (proc_pid_stat(5), from the third field on)."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self._process.pid:
                    yield int(stat.parent.name), fields


class Counter:
    """A process of ours that counts what comes to it: `python -m MODULE`, whose port is the first line that it prints."""

    def __init__(self, module: str, *arguments: str) -> None:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self.port = int(self._out.readline())

    def ask(self) -> dict[str, Any]:
        """Its counts: `count`, and when the `last` came (UNIX seconds)."""
        print("?", file=self._in, flush=True)
        counts: dict[str, Any] = json.loads(self._out.readline())
        return counts

    def stop(self) -> None:
        self._in.close()
        self._process.wait(10)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ringback-peer-", ignore_cleanup_errors=True) as path:
        yield Path(path)
