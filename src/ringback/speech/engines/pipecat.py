"""Hosted speech: any of pipecat's services that `speech.toml` names, each in a small pipeline of its own.

A pipeline is kept and used again, by one request at a time; there are as many as requests at once. They run on a loop in a
thread of their own, because a service keeps its connection between requests.
"""

import asyncio
import importlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from loguru import logger
from pipecat.frames.frames import (
    ControlFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStoppedFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.transcriptions.language import Language
from pipecat.workers.runner import WorkerRunner

from ringback.kit import machine
from ringback.speech import services
from ringback.speech.engines.base import Pcm
from ringback.speech.engines.resample import at_rate
from ringback.speech.protocol import Heard, LanguageNotSpoken, SpeechError, SpeechMissing
from ringback.speech.services import HEAR, SPEAK, Service

T = TypeVar("T")

# It writes what is said, and what it was given, to the standard error.
logger.disable("pipecat")

_HEAR_RATE, _SPEAK_RATE = 16_000, 24_000
_LONGEST_S = 20.0
_LATE_S = 3.0
"""How long a service that hears as it goes may take for its text after the last of the audio."""
_MORE_S = 0.3
"""How long more text is waited for after some."""
_FRAME = 2 * _HEAR_RATE // 50


class _Mark(ControlFrame):
    """Comes out behind all that was put in before it."""


class _Ear(FrameProcessor):
    """Before and behind a service: puts what comes by there into the request's queue."""

    def __init__(self, told: asyncio.Queue[Frame], direction: FrameDirection) -> None:
        super().__init__()
        self._told, self._way = told, direction

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction is self._way:
            self._told.put_nowait(frame)
        await self.push_frame(frame, direction)


class _Line:
    """A pipeline with one service in it."""

    def __init__(self, made: Any) -> None:
        self.marks_itself = isinstance(made, SegmentedSTTService)
        if self.marks_itself:
            _mark_ends(made)
        self._told: asyncio.Queue[Frame] = asyncio.Queue()
        ears = [_Ear(self._told, way) for way in (FrameDirection.UPSTREAM, FrameDirection.DOWNSTREAM)]
        self.worker = PipelineWorker(
            Pipeline([ears[0], made, ears[1]]),
            params=PipelineParams(audio_in_sample_rate=_HEAR_RATE, audio_out_sample_rate=_SPEAK_RATE),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
        )

    async def put(self, *frames: Frame) -> None:
        for frame in frames:
            await self.worker.queue_frame(frame)

    def clear(self) -> None:
        while not self._told.empty():
            self._told.get_nowait()

    async def next(self, within_s: float) -> Frame | None:
        """What comes out next; None if nothing does. Raises `SpeechError` with the service's complaint."""
        try:
            frame = await asyncio.wait_for(self._told.get(), within_s)
        except TimeoutError:
            return None
        if isinstance(frame, ErrorFrame):
            raise SpeechError(str(frame.error))
        return frame


def _mark_ends(made: Any) -> None:
    """Let a service that hears whole utterances say when it is done with one: of an empty one it says nothing."""
    hear = made.run_stt

    async def run_stt(audio: bytes) -> AsyncIterator[Frame | None]:
        async for frame in hear(audio):
            yield frame
        yield _Mark()

    made.run_stt = run_stt


class _Lines:
    """The pipelines of a service: idle ones by what they were made with."""

    def __init__(self, data: Path, what: str) -> None:
        self._data, self._what = data, what
        self._loop = asyncio.new_event_loop()
        self._idle: dict[str, list[_Line]] = {}
        self._runner: WorkerRunner | None = None
        self._running: asyncio.Task[Any] | None = None
        self._ending: set[asyncio.Future[Any]] = set()
        threading.Thread(target=self._loop.run_forever, name=f"pipecat-{what}", daemon=True).start()

    def service(self) -> Service:
        return services.read(self._data, self._what)

    def run(self, work: Coroutine[Any, Any, T], service: Service) -> T:
        """What `work` returns, done on the services' loop. Raises `SpeechError` without a secret in it."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except SpeechError as error:
            raise type(error)(f"{service.name}: {service.hidden(str(error))}"[:400]) from None

    @asynccontextmanager
    async def line(self, service: Service, settings: dict[str, Any]) -> AsyncIterator[_Line]:
        """A pipeline for one request; it is used again if that goes well."""
        key = repr((service.module, service.name, service.options, settings))
        idle = self._idle.setdefault(key, [])
        line = idle.pop() if idle else await self._made(service, settings)
        line.clear()
        try:
            yield line
        except BaseException:
            ending = asyncio.ensure_future(line.worker.cancel())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            raise
        idle.append(line)

    async def _made(self, service: Service, settings: dict[str, Any]) -> _Line:
        if self._runner is None:
            self._runner = WorkerRunner(handle_sigint=False)
            self._running = asyncio.create_task(self._runner.run(auto_end=False))
        line = _Line(_build(service, settings))
        await self._runner.add_workers(line.worker)
        return line


def _build(service: Service, settings: dict[str, Any]) -> Any:
    """The service itself. Raises `SpeechMissing` for what is not installed or not taken."""
    try:
        cls: Any = getattr(importlib.import_module(f"pipecat.services.{service.module}"), service.name, None)
    except Exception as error:
        raise SpeechMissing(f"needs more: pip install 'pipecat-ai[{service.extra}]' ({error})") from None
    if cls is None:
        raise SpeechMissing(f"there is no such class in pipecat.services.{service.module}")
    known: Callable[..., Any] = cls.Settings
    fields = getattr(cls.Settings, "__dataclass_fields__", {})
    try:
        chosen = known(
            **{name: value for name, value in settings.items() if name in fields or name in service.settings}
        )
        return cls(**service.options, settings=chosen)
    except Exception as error:
        raise SpeechMissing(f"can't be made with what {services.FILE} says: {error}") from None


class PipecatSpeaking:
    """A service that speaks."""

    def __init__(self, data: Path) -> None:
        self._lines = _Lines(data, SPEAK)

    def speak(self, text: str, *, voice: str, speed: float) -> Pcm:
        service = self._lines.service()
        settings: dict[str, Any] = {"speed": speed} if speed != 1.0 else {}
        settings |= service.settings
        if service.voices:
            settings["voice"] = voice if voice in service.voices else next(iter(service.voices))
        return self._lines.run(self._speak(service, settings, text), service)

    async def _speak(self, service: Service, settings: dict[str, Any], text: str) -> Pcm:
        async with self._lines.line(service, settings) as line:
            await line.put(TTSSpeakFrame(text))
            pieces, rate = [], _SPEAK_RATE
            while not isinstance(frame := await line.next(_LONGEST_S), TTSStoppedFrame):
                if frame is None:
                    raise SpeechError(f"no answer within {_LONGEST_S:.0f} s")
                if isinstance(frame, TTSAudioRawFrame):
                    pieces.append(frame.audio)
                    rate = frame.sample_rate
            return Pcm(b"".join(pieces), rate)


class PipecatHearing:
    """A service that hears."""

    def __init__(self, data: Path) -> None:
        self._lines = _Lines(data, HEAR)

    def hear(self, pcm: Pcm, *, language: str) -> Heard:
        service = self._lines.service()
        started = machine.monotonic()
        try:
            spoken = Language(language)
        except ValueError:
            raise LanguageNotSpoken(f"pipecat knows no language {language}") from None
        sound = at_rate(pcm, _HEAR_RATE).data
        text = self._lines.run(self._hear(service, {"language": spoken, **service.settings}, sound), service)
        return Heard(text, None, round((machine.monotonic() - started) * 1000))

    async def _hear(self, service: Service, settings: dict[str, Any], sound: bytes) -> str:
        async with self._lines.line(service, settings) as line:
            pieces = (sound[at : at + _FRAME] for at in range(0, len(sound), _FRAME))
            frames = [InputAudioRawFrame(piece, _HEAR_RATE, 1) for piece in pieces]
            await line.put(VADUserStartedSpeakingFrame(), *frames, VADUserStoppedSpeakingFrame())
            if not line.marks_itself:
                await line.put(_Mark())
            texts: list[str] = []
            within = _LONGEST_S
            while (frame := await line.next(within)) is not None:
                if isinstance(frame, _Mark):
                    if line.marks_itself:
                        break
                    within = _MORE_S if texts else _LATE_S
                elif isinstance(frame, TranscriptionFrame):
                    texts.append(frame.text.strip())
                    within = _MORE_S if within < _LONGEST_S else within
            return " ".join(text for text in texts if text)
