"""Speaking and hearing through the speech worker, which is started when it isn't there and again when it dies."""

import asyncio
import contextlib
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, Self

from ringback.kit import machine
from ringback.kit.numpy_threads import one_thread
from ringback.kit.private_sockets import FOLDER, socket_path
from ringback.speech import registry
from ringback.speech.protocol import Heard, SpeechError, SpeechLost
from ringback.speech.spoken import clauses, spoken
from ringback.speech.wire import KINDS, MAX_LINE, BadFrame, frame, read_frame
from ringback.speech.worker import IDLE_S, LOG, SOCKET, kill

_START_S = 15.0
_ANSWER_S = 60.0
_PING_S = 0.5
_DEAD_S = 2.5
"""A worker that owes an answer and says nothing for so long, not even to a ping, hangs: it is killed."""
_TRIES = 3
"""How often a request is made when the worker dies of it or beside it."""
_MAY_SAY_WHY = f"{FOLDER}/{LOG} in the data folder may say why"


Answer = tuple[dict[str, Any], bytes]
"""What came back: the header without its id, and audio."""


class _Died(Exception):
    """The connection ended before the answer came."""


class Connection:
    """One connection to a worker, with what is asked over it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, kill: Callable[[], None]
    ) -> None:
        self._writer = writer
        self._kill = kill
        self._read_at = self._pinged_at = machine.monotonic()
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._reading = asyncio.create_task(self._read(reader))

    @property
    def alive(self) -> bool:
        return not self._reading.done() and not self._writer.is_closing()

    async def close(self) -> None:
        """End it; what is asked over it gets no answer."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def ask(self, request: dict[str, Any], pcm: bytes) -> Answer:
        """The answer to one request. Raises `_Died` when the connection ends before, `SpeechLost` after a long wait."""
        id_ = next(self._ids)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = answer
        try:
            self._writer.write(frame({"id": id_, **request}, pcm))
            async with asyncio.timeout(_ANSWER_S):
                await self._until(answer)
            return answer.result()
        except ConnectionError:
            raise _Died from None
        except (asyncio.CancelledError, TimeoutError) as error:
            if self.alive:
                self._writer.write(frame({"id": id_, "op": "cancel"}))
            if isinstance(error, TimeoutError):
                raise SpeechLost(f"the speech worker gave no answer in {_ANSWER_S:.0f} s") from None
            raise
        finally:
            del self._waiting[id_]
            answer.cancel()

    async def _until(self, answer: "asyncio.Future[Answer]") -> None:
        """Wait for an answer while the worker shows that it lives. Its threads may be busy; its loop never is."""
        asked_at = machine.monotonic()
        while not (await asyncio.wait([answer], timeout=_PING_S))[0]:
            now = machine.monotonic()
            if now - max(self._read_at, asked_at) > _DEAD_S and self.alive:
                self._kill()
                raise _Died
            if now - self._pinged_at >= _PING_S:
                self._pinged_at = now
                self._writer.write(frame({"id": 0, "op": "ping"}))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while (got := await read_frame(reader)) is not None:
                self._read_at = machine.monotonic()
                header, pcm = got
                waiting = self._waiting.get(header.pop("id", 0))
                if waiting is not None and not waiting.done():
                    waiting.set_result((header, pcm))
        except (BadFrame, ConnectionError):
            pass
        finally:
            self._writer.close()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(_Died())


class SpeechClient:
    """A `Synthesiser` and a `Recogniser` over the worker of a data folder. Many requests may be under way at once.

    `rate` is that of the audio that `speak` yields. Nothing is started before the first request.
    """

    def __init__(
        self,
        data: Path,
        *,
        stt: str = registry.AUTO,
        tts: str = registry.AUTO,
        rate: int = 8_000,
        idle_s: float = IDLE_S,
    ) -> None:
        self.rate = rate
        self._data = data
        self._stt, self._tts = stt, tts
        self._idle_s = idle_s
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave the worker; requests under way end with `SpeechLost`."""
        if self._connection is not None:
            await self._connection.close()

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[bytes]:
        """As `Synthesiser.speak`: a piece for each clause, while the next one is made."""
        chosen = registry.voice_named(voice, self._tts, self._data)
        asked = {
            "op": "speak",
            "engine": chosen.engine,
            "voice": chosen.id,
            "speed": min(max(speed, 0.5), 2.0),
            "rate": self.rate,
        }
        said = text if chosen.engine == "fake" else spoken(text, language=chosen.language)
        ahead: asyncio.Task[Answer] | None = None
        try:
            for number, clause in enumerate(clauses(said)):
                # Not before the one ahead is made: made side by side, the first would take as long as both.
                made = await ahead if ahead is not None else None
                request = {**asked, "text": clause, "first": number == 0}
                ahead = asyncio.create_task(self._ask(request))
                if made is not None:
                    yield made[1]
            if ahead is not None:
                yield (await ahead)[1]
        finally:
            if ahead is not None:
                ahead.cancel()

    def careful(self) -> "CarefulEars":
        """A recogniser that takes its time, if that makes fewer mistakes."""
        return CarefulEars(self)

    async def transcribe(
        self, pcm: bytes, rate: int, *, language: str = "en-US", careful: bool = False
    ) -> Heard:
        """As `Recogniser.transcribe`."""
        engine = registry.hearing_engine(self._stt, language, careful=careful).name
        header, _ = await self._ask({"op": "hear", "engine": engine, "rate": rate, "language": language}, pcm)
        return Heard(str(header["text"]), header["confidence"], int(header["ms"]))

    async def warm(self, *, voice: str, language: str = "en-US", careful: bool = False) -> None:
        """Have everything loaded that speaks in this voice and hears this language; quick where it is. Raises
        `SpeechError`."""
        chosen = registry.voice_named(voice, self._tts, self._data)
        hears = registry.hearing_engine(self._stt, language, careful=careful).name
        speaks = {"op": "warm", "does": "speak", "engine": chosen.engine, "voice": chosen.id}
        await asyncio.gather(
            self._ask(speaks),
            self._ask({"op": "warm", "does": "hear", "engine": hears, "language": language}),
        )

    async def ping(self) -> int:
        """The worker's process id; starts it if it isn't there."""
        return int((await self._ask({"op": "ping"}))[0]["pid"])

    async def _ask(self, request: dict[str, Any], pcm: bytes = b"") -> Answer:
        """The answer to a request. Nothing that a worker does leaves a trace, so it may be asked again."""
        for _ in range(_TRIES):
            try:
                header, sound = await (await self._connected()).ask(request, pcm)
            except _Died:
                continue
            if "error" in header:
                raise KINDS.get(header.get("kind", ""), SpeechError)(str(header["error"]))
            return header, sound
        raise SpeechLost(f"the speech worker died {_TRIES} times; {_MAY_SAY_WHY}")

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._connection is None or not self._connection.alive:
                if self._connection is not None:
                    await self._connection.close()
                self._connection = Connection(*await self._reach(), kill=partial(kill, self._data))
            return self._connection

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            path = socket_path(self._data, SOCKET)
        except OSError as error:
            raise SpeechLost(f"the speech worker has no place for its socket: {error.strerror}") from None
        deadline = machine.monotonic() + _START_S
        while True:
            with contextlib.suppress(OSError):
                return await asyncio.open_unix_connection(path, limit=MAX_LINE)
            if machine.monotonic() > deadline:
                raise SpeechLost(f"the speech worker can't be started; {_MAY_SAY_WHY}")
            await self._start()

    async def _start(self) -> None:
        """Start a worker and wait until one listens; where another is just starting or ending, a moment."""
        module = ("-m", "ringback.speech.worker")
        command = [sys.executable, *module, "--data", str(self._data), "--idle-s", str(self._idle_s)]

        def run() -> subprocess.CompletedProcess[bytes]:
            return subprocess.run(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                check=False,
                env=one_thread(),
            )

        # A loop in a thread, or uvloop, may not hear of a child's end.
        started = await asyncio.to_thread(run)
        if started.returncode:
            last = started.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            # Whoever's call fails for it reads this, and where the folder is is nobody's business.
            last = last.replace(str(self._data), "the data folder")
            raise SpeechLost(f"the speech worker can't be started: {last}")
        await asyncio.sleep(0.02)


async def dismiss(data: Path) -> None:
    """Let the worker of a data folder end as soon as nobody is connected to it. Does nothing where there is none."""
    if not (data / FOLDER).is_dir() or not (path := socket_path(data, SOCKET)).exists():
        return
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PING_S):
            _, writer = await asyncio.open_unix_connection(path)
            writer.write(frame({"op": "dismiss"}))
            await writer.drain()
            writer.close()
            await writer.wait_closed()


class CarefulEars:
    """A `Recogniser`: the client's, with the engine that mishears least."""

    def __init__(self, client: SpeechClient) -> None:
        self._client = client

    async def transcribe(self, pcm: bytes, rate: int, *, language: str = "en-US") -> Heard:
        """As `Recogniser.transcribe`."""
        return await self._client.transcribe(pcm, rate, language=language, careful=True)
