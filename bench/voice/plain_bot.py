"""The smallest plain pipecat bot, with the same engines and the same settings of turns, fed with the frames of a call.

It has no telephone line: 20 ms frames of 8 kHz go straight into its transport, and what it writes, paced by a deadline as
a line would, is what its caller hears. Speech is recognised and made in threads of this process.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from loguru import logger
from pipecat.audio.turn.smart_turn.base_smart_turn import SmartTurnParams
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import (
    EndFrame,
    InputAudioRawFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.settings import STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.turns.user_start.vad_user_turn_start_strategy import VADUserTurnStartStrategy
from pipecat.turns.user_stop.turn_analyzer_user_turn_stop_strategy import (
    TurnAnalyzerUserTurnStopStrategy,
)
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

from ringback.speech.engines.base import Pcm
from ringback.speech.engines.moonshine import MoonshineHearing
from ringback.speech.engines.piper import JOE, PiperSpeaking
from ringback.speech.engines.resample import at_rate

RATE, FRAME_S = 8_000, 0.02
_AFTER_S = 4.0


class Clock:
    """When the call began, by the loop's clock."""

    start = 0.0


class Input(BaseInputTransport):
    """Pushes the caller's frames, each at its time."""

    def __init__(self, params: TransportParams, pcm: bytes, clock: Clock, over: asyncio.Event) -> None:
        super().__init__(params)
        self._pcm, self._clock_, self._over_ = pcm, clock, over
        self._feeding: Any = None

    async def start(self, frame: Any) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._feeding = asyncio.create_task(self._feed())

    async def _feed(self) -> None:
        loop = asyncio.get_running_loop()
        self._clock_.start = loop.time()
        size = round(RATE * FRAME_S) * 2
        for number, at in enumerate(range(0, len(self._pcm), size), 1):
            await asyncio.sleep(max(0.0, self._clock_.start + number * FRAME_S - loop.time()))
            await self.push_audio_frame(InputAudioRawFrame(self._pcm[at : at + size], RATE, 1))
        self._over_.set()

    async def cleanup(self) -> None:
        if self._feeding is not None:
            self._feeding.cancel()
        ended: Any = super()
        await ended.cleanup()


class Output(BaseOutputTransport):
    """Plays each frame at its time, and keeps what was heard when."""

    def __init__(self, params: TransportParams, clock: Clock) -> None:
        super().__init__(params)
        self._clock_ = clock
        self._due = 0.0
        self.heard: list[tuple[float, bytes]] = []

    async def start(self, frame: Any) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: Any) -> bool:
        loop = asyncio.get_running_loop()
        self._due = max(self._due, loop.time())
        await asyncio.sleep(max(0.0, self._due - loop.time()))
        self.heard.append((self._due - self._clock_.start, frame.audio))
        self._due += len(frame.audio) / (2 * RATE)
        return True


class Hearing(SegmentedSTTService):
    wants_wav_segments = False

    def __init__(self, engine: MoonshineHearing) -> None:
        super().__init__(
            sample_rate=RATE, trailing_silence_secs=0, settings=STTSettings(model="tiny", language="en")
        )
        self._engine = engine

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Any, None]:
        heard = await asyncio.to_thread(self._engine.hear, Pcm(audio, RATE), language="en")
        if heard.text:
            yield TranscriptionFrame(heard.text, "caller", time_now_iso8601())


class Speaking(TTSService):
    def __init__(self, engine: PiperSpeaking) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            sample_rate=RATE,
            settings=TTSSettings(model=None, voice="joe", language=None),
        )
        self._engine = engine

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Any, None]:
        def speak() -> bytes:
            return at_rate(self._engine.speak(text, voice=JOE, speed=1.0), RATE).data

        async def sound() -> AsyncGenerator[bytes, None]:
            yield await asyncio.to_thread(speak)

        async for frame in self._stream_audio_frames_from_iterator(
            sound(), in_sample_rate=RATE, context_id=context_id
        ):
            yield frame


class Brain(FrameProcessor):
    """Answers every turn with the same words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    async def process_frame(self, frame: Any, direction: Any) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            for said in (LLMFullResponseStartFrame(), LLMTextFrame(self._text), LLMFullResponseEndFrame()):
                await self.push_frame(said)
        else:
            await self.push_frame(frame, direction)


async def _call(pcm: bytes, text: str, hearing: MoonshineHearing, speaking: PiperSpeaking) -> Any:
    clock, over = Clock(), asyncio.Event()
    params = TransportParams(
        audio_in_enabled=True,
        audio_out_enabled=True,
        audio_in_sample_rate=RATE,
        audio_out_sample_rate=RATE,
        audio_out_10ms_chunks=2,
        audio_out_end_silence_secs=0,
    )
    output = Output(params, clock)
    context = LLMContextAggregatorPair(
        LLMContext(),
        user_params=LLMUserAggregatorParams(
            vad_analyzer=SileroVADAnalyzer(
                sample_rate=RATE,
                params=VADParams(confidence=0.7, start_secs=0.1, stop_secs=0.2, min_volume=0.3),
            ),
            user_turn_strategies=UserTurnStrategies(
                start=[VADUserTurnStartStrategy()],
                stop=[
                    TurnAnalyzerUserTurnStopStrategy(
                        turn_analyzer=LocalSmartTurnAnalyzerV3(params=SmartTurnParams(stop_secs=1.5))
                    )
                ],
            ),
        ),
    )
    worker = PipelineWorker(
        Pipeline(
            [
                Input(params, pcm, clock, over),
                Hearing(hearing),
                context.user(),
                Brain(text),
                Speaking(speaking),
                output,
                context.assistant(),
            ]
        ),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
        idle_timeout_secs=None,
        enable_rtvi=False,
        enable_turn_tracking=False,
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await over.wait()
    await worker.queue_frame(EndFrame())
    await asyncio.wait([running], timeout=_AFTER_S)
    running.cancel()
    left = np.frombuffer(pcm, "<i2").astype(np.float64)
    right = np.zeros(len(left))
    for at_s, sound in output.heard:
        at, samples = round(at_s * RATE), np.frombuffer(sound, "<i2")
        right[at : at + len(samples)] = samples[: max(0, len(right) - at)]
    return left, right


def answer(calls: Sequence[bytes], text: str) -> list[tuple[Any, Any]]:
    """What callers said and heard, of each call, whose frames are given as PCM."""
    logger.remove()

    async def all_of_them() -> list[tuple[Any, Any]]:
        hearing, speaking = MoonshineHearing(), PiperSpeaking(Path())
        speaking.speak(text, voice=JOE, speed=1.0)
        hearing.hear(Pcm(bytes(RATE), RATE), language="en")
        return [await _call(pcm, text, hearing, speaking) for pcm in calls]

    return asyncio.run(all_of_them())
