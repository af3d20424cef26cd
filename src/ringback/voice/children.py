"""Media children as their host sees them: started, found again, listened to, and known to be dead."""

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import structlog

from ringback.kit import machine
from ringback.kit.numpy_threads import one_thread
from ringback.kit.private_sockets import private_folder, socket_path
from ringback.voice.protocol import (
    DEAD_S,
    MAX_CALLS,
    MAX_LINE,
    ORPHAN_S,
    PING_S,
    BadLine,
    Message,
    line_of,
    pages_path,
    read_message,
)

_log = structlog.get_logger("ringback.voice")
PREFIX = "media-"
_START_S = 30.0
_LOOK_S = 0.05
LOGS = 5
"""Logs of children that are gone, the newest: one of them may tell why a call was lost."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How children are started: for what data folder, with what speech, and whether they may call this machine's own
    addresses. `orphan_s` is how long they go on without a host."""

    data: Path
    stt: str = "auto"
    tts: str = "auto"
    loopback: bool = False
    log_level: str = "info"
    orphan_s: float = ORPHAN_S


class Child:
    """A connection to a child that said hello. `on_event` gets its events, `on_death` is called once, when it is gone."""

    def __init__(
        self,
        name: str,
        host: str,
        *,
        on_event: Callable[["Child", Message], None],
        on_death: Callable[["Child"], None],
    ) -> None:
        self.name = name
        self.pid = 0
        self.calls: set[str] = set()
        self.late_ms = 0.0
        self.draining = False
        self.process: subprocess.Popen[bytes] | None = None
        """Known if this process started it."""
        self._host = host
        self._on_event, self._on_death = on_event, on_death
        self._writer: asyncio.StreamWriter | None = None
        self._heard = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._hello: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    @property
    def room(self) -> int:
        """How many calls more it can hold."""
        return 0 if self.draining or self._writer is None else MAX_CALLS - len(self.calls)

    async def meet(self, path: Path) -> None:
        """Connect to a child that listens at `path`. Raises `OSError`."""
        async with asyncio.timeout(DEAD_S):
            reader, self._writer = await asyncio.open_unix_connection(path, limit=MAX_LINE)
            self._heard = machine.monotonic()
            self._tasks.append(asyncio.create_task(self._read(reader)))
            self.send({"op": "hello", "host": self._host})
            told = await self._hello
        self.pid, self.calls = int(told["pid"]), set(told["calls"])
        self._tasks.append(asyncio.create_task(self._watch()))

    def send(self, message: Message) -> None:
        """Say something; what a dead child is told is lost."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(line_of(message))

    async def leave(self) -> None:
        """Let go of it, without a word of its death."""
        self._on_death = lambda child: None
        self._close()

    async def reap(self, within_s: float) -> None:
        """Wait until its process is gone; kill it when that takes too long."""
        if self.process is None:
            return
        try:
            await asyncio.to_thread(self.process.wait, within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while (message := await read_message(reader)) is not None:
                self._heard = machine.monotonic()
                match message.get("op"):
                    case None | "ask":
                        self._on_event(self, message)
                    case "pong":
                        self.late_ms = float(message["late_ms"])
                    case "hello" if not self._hello.done():
                        self._hello.set_result(message)
        except BadLine as error:
            _log.warning("a media child is hung up on", child=self.name, reason=str(error))
        self._die("it closed the connection")

    async def _watch(self) -> None:
        """Ask each second whether it lives; one that keeps silent is dead, and made sure of."""
        while True:
            await asyncio.sleep(PING_S)
            if machine.monotonic() - self._heard > DEAD_S:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
                self._die(f"it said nothing for {DEAD_S:g} s")
                return
            self.send({"op": "ping"})

    def _die(self, why: str) -> None:
        if self._writer is None:
            return
        if self.calls or not self.draining:
            _log.warning("a media child is gone", child=self.name, calls=len(self.calls), reason=why)
        self._close()
        self._on_death(self)

    def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()


class CannotStart(Exception):
    """A child can't be started; the message says why."""


async def spawn(settings: Settings) -> tuple[str, Path, "subprocess.Popen[bytes]"]:
    """Start a child and wait until it listens; answers its name, its socket and its process. Raises `CannotStart`."""
    name = f"{PREFIX}{secrets.token_hex(4)}"
    path = socket_path(settings.data, f"{name}.sock")
    log = private_folder(settings.data) / f"{name}.log"
    process = _start(settings, name, log)
    until = machine.monotonic() + _START_S
    try:
        while not path.exists():
            if process.poll() is not None or machine.monotonic() > until:
                raise CannotStart(f"a media child can't be started: {_last_line(log)}")
            await asyncio.sleep(_LOOK_S)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return name, path, process


def _start(settings: Settings, name: str, log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "ringback.voice.child", "--data", str(settings.data), "--name", name]
    command += ["--stt", settings.stt, "--tts", settings.tts, "--log-level", settings.log_level]
    command += ["--orphan-s", str(settings.orphan_s)]
    if settings.loopback:
        command.append("--loopback")
    told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        # In a session of its own: it outlives its server by some seconds, and a terminal's Ctrl-C is not for it.
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            start_new_session=True,
            env=one_thread(),
        )
    finally:
        os.close(told)


def sockets(data: Path) -> list[Path]:
    """Where children of a data folder listen, or have listened."""
    folder = socket_path(data, PREFIX).parent
    return sorted(folder.glob(f"{PREFIX}*.sock"))


def clear(data: Path, living: Collection[str]) -> None:
    """Remove what children left of whom none but the `living` are there, not even one that starts just now."""
    folder = socket_path(data, PREFIX).parent
    for path in (*folder.glob(f"{PREFIX}*.sock"), *folder.glob(f"{PREFIX}*.pages")):
        if path.stem not in living:
            path.unlink(missing_ok=True)
    prune_logs(data, living)


def clear_one(data: Path, name: str) -> None:
    """Remove where a child listened that is gone."""
    for path in (socket_path(data, f"{name}.sock"), pages_path(data, name)):
        path.unlink(missing_ok=True)


def prune_logs(data: Path, living: Collection[str]) -> None:
    """Keep the newest logs of children that are gone, and those of the `living`."""
    logs = [path for path in private_folder(data).glob(f"{PREFIX}*.log") if path.stem not in living]
    for path in sorted(logs, key=_changed)[:-LOGS]:
        path.unlink(missing_ok=True)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
