"""The two models that tell when somebody speaks and is done: Silero for voices, Smart Turn for turns (pipecat's wheel).

Each is loaded once in a process and shared by its calls; what a call remembers is its own. pipecat is imported here alone,
when the first call needs it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from ringback.voice.legs.base import RATE
from ringback.voice.talk.ears import Voice

_START_S, _STOP_S = 0.1, 0.2
_CONFIDENCE, _MIN_VOLUME = 0.7, 0.3
_SETTLES = 20
"""Windows of 32 ms of dead silence after which Silero's memory holds nothing of what was before."""
_LONGEST_S = 8
"""Smart Turn looks at the last eight seconds."""


class Silero:
    """A `VoiceDetector` for one call, at 8 kHz: a quarter of a millisecond for each 32 ms of sound.

    Dead silence, such as of a line on which nothing is sent while the other end listens, costs nothing after some 600 ms.
    """

    start_ms, stop_ms = round(_START_S * 1000), round(_STOP_S * 1000)

    def __init__(self) -> None:
        from pipecat.audio.vad.silero import SileroVADAnalyzer
        from pipecat.audio.vad.vad_analyzer import VADAnalyzer, VADParams

        analyzer: Any = SileroVADAnalyzer.__new__(SileroVADAnalyzer)
        params = VADParams(
            confidence=_CONFIDENCE, start_secs=_START_S, stop_secs=_STOP_S, min_volume=_MIN_VOLUME
        )
        VADAnalyzer.__init__(analyzer, sample_rate=RATE, params=params)
        analyzer._model = _silero_model()
        analyzer._windows_since_reset = analyzer._low_confidence_windows = 0
        analyzer.set_sample_rate(RATE)
        self._analyzer = analyzer
        self._confidence: Callable[[bytes], float] = analyzer.voice_confidence
        analyzer.voice_confidence = self._look
        self._silent = 0

    def feed(self, pcm: bytes) -> Voice:
        # `analyze_audio` does this in a thread of its own, which takes longer than the model does.
        state = self._analyzer._run_analyzer(pcm)
        return Voice(state.value)

    def _look(self, window: bytes) -> float:
        self._silent = self._silent + 1 if window.count(0) == len(window) else 0
        return 0.0 if self._silent > _SETTLES else self._confidence(window)


def _silero_model() -> Any:
    """The model with a memory of its own and the session of all."""
    from pipecat.audio.vad.silero import SileroOnnxModel

    model: Any = SileroOnnxModel.__new__(SileroOnnxModel)
    model.session = _silero_session()
    model.sample_rates = [8_000, 16_000]
    model.reset_states()
    return model


@cache
def _silero_session() -> Any:
    from pipecat.audio.vad.silero import SileroVADAnalyzer

    return SileroVADAnalyzer(sample_rate=RATE)._model.session


class SmartTurn:
    """A `TurnJudge` for all calls of a process; one look takes some 45 ms of a thread."""

    def __init__(self) -> None:
        from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3

        self._analyzer: Any = LocalSmartTurnAnalyzerV3(sample_rate=RATE)
        self._analyzer.set_sample_rate(RATE)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="smart-turn")

    async def is_complete(self, pcm: bytes) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._look, pcm)

    def _look(self, pcm: bytes) -> bool:
        import numpy

        sound = numpy.frombuffer(pcm, numpy.int16).astype(numpy.float32) / 32_768
        if not len(sound):
            return True
        return bool(self._analyzer._predict_endpoint(sound[-_LONGEST_S * RATE :])["prediction"])


def lacks() -> str | None:
    """What is missing for calls, in words; None if nothing is. Imports nothing."""
    from importlib.util import find_spec

    missing = [
        name for name in ("pipecat", "onnxruntime", "numpy", "soxr", "websockets") if find_spec(name) is None
    ]
    if not missing:
        return None
    return f"calls need {' and '.join(missing)}: .venv/bin/uv pip install '.[voice]'"
