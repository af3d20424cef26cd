"""The speech worker, `python -m ringback.speech.worker`: the process that holds the models of a data folder.

It is apart so that models are loaded once for all who speak and hear, and because Piper's engine is under the GPL and the
rest isn't. Started by whoever first needs it (`client`), it says it is ready by leaving its starter: the started process
ends with 0 when the socket listens, be it its own or another worker's. It ends when nobody has been connected for a while.
"""

import argparse
import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from ringback.kit.private_sockets import private_folder, socket_path
from ringback.speech.engines.base import Pcm
from ringback.speech.engines.loading import Engines
from ringback.speech.engines.resample import at_rate
from ringback.speech.registry import HOSTED
from ringback.speech.wire import MAX_LINE, BadFrame, frame, read_frame, refusal

SOCKET = "speech.sock"
LOCK = "speech.lock"
LOG = "speech.log"
IDLE_S = 60.0
"""How long it stays with nobody connected."""
_DISMISSED_S = 0.5
"""And how long once it was dismissed."""
_WARM_TEXT, _WARM_PCM = "Yes.", Pcm(bytes(6_400), 8_000)
SPEAKERS = 2
"""Clauses made at a time."""
HOSTED_AT_ONCE = 32
"""Requests to somebody else's machines at a time, which this one only waits for."""

Answer = tuple[dict[str, Any], bytes]


class Lane:
    """Work of one kind, so many at a time: what is urgent first, else in the order it came."""

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = threads
        self._waiting: asyncio.PriorityQueue[tuple[int, int, asyncio.Future[None]]] = asyncio.PriorityQueue()
        self._count = 0

    async def run(self, work: Any, *args: Any, urgent: bool) -> Answer:
        """What `work(*args)` returns, done by a thread. Cancelled before its turn, it is never done."""
        if not self._free:
            turn = asyncio.get_running_loop().create_future()
            self._count += 1
            self._waiting.put_nowait((0 if urgent else 1, self._count, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._pass_on()
                raise
        else:
            self._free -= 1
        done = asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        # A thread can't be stopped: its turn lasts until it is done, whoever still waits for it.
        done.add_done_callback(lambda _: self._pass_on())
        answer: Answer = await asyncio.shield(done)
        return answer

    def _pass_on(self) -> None:
        while not self._waiting.empty():
            turn = self._waiting.get_nowait()[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Worker:
    """Serves those who connect until nobody has been there for `idle_s`."""

    def __init__(self, data: Path, *, idle_s: float = IDLE_S) -> None:
        self._engines = Engines(data)
        self._idle_s = idle_s
        self._lanes = {
            "speak": Lane(SPEAKERS, "speak"),
            "hear": Lane(1, "hear"),
            "hosted": Lane(HOSTED_AT_ONCE, "hosted"),
        }
        self._warm: set[tuple[Any, ...]] = set()
        self._connected = 0
        self._changed = asyncio.Event()

    async def serve(self, listening: socket.socket) -> None:
        server = await asyncio.start_unix_server(self._meet, sock=listening, limit=MAX_LINE)
        async with server:
            while True:
                self._changed.clear()
                try:
                    await asyncio.wait_for(self._changed.wait(), None if self._connected else self._idle_s)
                except TimeoutError:
                    return

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connected += 1
        self._changed.set()
        tasks: dict[Any, asyncio.Task[None]] = {}
        try:
            while (got := await read_frame(reader)) is not None:
                header, pcm = got
                id_ = header.get("id")
                if header.get("op") == "cancel":
                    if id_ in tasks:
                        tasks[id_].cancel()
                    continue
                if header.get("op") == "dismiss":
                    # For good: whoever comes later starts another.
                    self._idle_s = min(self._idle_s, _DISMISSED_S)
                    return
                tasks[id_] = asyncio.create_task(self._answer(header, pcm, writer))
                tasks[id_].add_done_callback(partial(_forget, tasks, id_))
        except (BadFrame, ConnectionError) as error:
            print(f"a connection ends: {error}", file=sys.stderr)  # noqa: T201
        finally:
            for task in list(tasks.values()):
                task.cancel()
            writer.close()
            self._connected -= 1
            self._changed.set()

    async def _answer(self, header: dict[str, Any], pcm: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            answer, sound = await self._do(header, pcm)
        except Exception as error:
            answer, sound = refusal(error), b""
        writer.write(frame({"id": header.get("id"), **answer}, sound))
        with contextlib.suppress(ConnectionError):
            await writer.drain()

    async def _do(self, header: dict[str, Any], pcm: bytes) -> Answer:
        match header.get("op"):
            case "speak":
                return await self._lane(header).run(self._speak, header, urgent=bool(header.get("first")))
            case "hear":
                return await self._lane(header).run(self._hear, header, pcm, urgent=False)
            case "warm":
                return await self._lane(header).run(self._warm_up, header, urgent=False)
            case "ping":
                return {"pid": os.getpid()}, b""
            case other:
                raise ValueError(f"op: {other!r} is none of speak, hear, warm, cancel, ping, dismiss")

    def _lane(self, header: dict[str, Any]) -> Lane:
        if header.get("engine") == HOSTED.name:
            return self._lanes["hosted"]
        return self._lanes[header["does"] if header["op"] == "warm" else header["op"]]

    def _speak(self, header: dict[str, Any]) -> Answer:
        engine = self._engines.speaking(str(header["engine"]))
        made = engine.speak(str(header["text"]), voice=str(header["voice"]), speed=float(header["speed"]))
        return {}, at_rate(made, int(header["rate"])).data

    def _hear(self, header: dict[str, Any], pcm: bytes) -> Answer:
        engine = self._engines.hearing(str(header["engine"]))
        heard = engine.hear(Pcm(pcm, int(header["rate"])), language=str(header["language"]))
        return {"text": heard.text, "confidence": heard.confidence, "ms": heard.ms}, b""

    def _warm_up(self, header: dict[str, Any]) -> Answer:
        """Use an engine once for nothing, since the first time takes long; somebody else's machine is not asked."""
        name, speaks = str(header["engine"]), header["does"] == "speak"
        chosen = str(header["voice"] if speaks else header["language"])
        if (speaks, name, chosen) in self._warm:
            return {}, b""
        if speaks:
            speaking = self._engines.speaking(name)
            if name != HOSTED.name:
                speaking.speak(_WARM_TEXT, voice=chosen, speed=1.0)
        else:
            hearing = self._engines.hearing(name)
            if name != HOSTED.name:
                hearing.hear(_WARM_PCM, language=chosen)
        self._warm.add((speaks, name, chosen))
        return {}, b""


def _forget(tasks: dict[Any, asyncio.Task[None]], id_: Any, done: asyncio.Task[None]) -> None:
    if tasks.get(id_) is done:
        del tasks[id_]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m ringback.speech.worker", description="The speech worker."
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--idle-s", type=float, default=IDLE_S)
    asked = parser.parse_args()
    folder = private_folder(asked.data)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # another is there, or starts
    listening = _listen(socket_path(asked.data, SOCKET))
    _leave_starter(folder / LOG)
    os.pwrite(lock, f"{os.getpid():<20}".encode(), 0)
    # The socket's file stays: whoever finds it dead starts another worker, which takes its place.
    asyncio.run(Worker(asked.data, idle_s=asked.idle_s).serve(listening))
    os._exit(0)  # the engines' threads may hang in their own exit


def kill(data: Path) -> None:
    """End a worker that hangs. Does nothing where there is none."""
    with contextlib.suppress(OSError, ValueError):
        lock = os.open(private_folder(data) / LOCK, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.kill(int(os.pread(lock, 20, 0)), signal.SIGKILL)
        finally:
            os.close(lock)


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    path.chmod(0o600)
    listening.listen(64)
    return listening


def _leave_starter(log: Path) -> None:
    """Go on in the background with a session of its own; the process that was started ends, which says: ready."""
    if os.fork():
        os._exit(0)
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream, target in ((0, quiet), (1, told), (2, told)):
        os.dup2(target, stream)


if __name__ == "__main__":
    main()
