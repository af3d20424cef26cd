"""Loading an engine by its name: at its first use, once in a process."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from ringback.speech.engines.base import Hearing, Speaking
from ringback.speech.protocol import SpeechMissing
from ringback.speech.registry import STT, TTS

T = TypeVar("T")


class Engines:
    """The engines of the process that works on a data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._loaded: dict[tuple[str, str], object] = {}
        self._lock = threading.Lock()

    def hearing(self, name: str) -> Hearing:
        """The engine that hears; loads it, which may take a second. Raises `SpeechMissing`."""
        return self._get("hear", name, _HEARING.get(name), STT[name].lacks() if name in STT else None)

    def speaking(self, name: str) -> Speaking:
        """The engine that speaks; loads it, which may take a second. Raises `SpeechMissing`."""
        return self._get("speak", name, _SPEAKING.get(name), TTS[name].lacks() if name in TTS else None)

    def _get(self, does: str, name: str, load: Callable[[Path], T] | None, lacks: str | None) -> T:
        if load is None:
            raise SpeechMissing(f"no engine {name} that can {does}")
        if lacks:
            raise SpeechMissing(lacks)
        with self._lock:
            if (does, name) not in self._loaded:
                self._loaded[does, name] = load(self._data)
            return cast(T, self._loaded[does, name])


def _fake_hearing(data: Path) -> Hearing:
    from ringback.speech.engines.fake import FakeHearing

    return FakeHearing()


def _fake_speaking(data: Path) -> Speaking:
    from ringback.speech.engines.fake import FakeSpeaking

    return FakeSpeaking()


def _pipecat_hearing(data: Path) -> Hearing:
    from ringback.speech.engines.pipecat import PipecatHearing

    return PipecatHearing(data)


def _pipecat_speaking(data: Path) -> Speaking:
    from ringback.speech.engines.pipecat import PipecatSpeaking

    return PipecatSpeaking(data)


def _moonshine(data: Path) -> Hearing:
    from ringback.speech.engines.moonshine import MoonshineHearing

    return MoonshineHearing()


def _whisper(data: Path) -> Hearing:
    from ringback.speech.engines.whisper import WhisperHearing

    return WhisperHearing(data)


def _piper(data: Path) -> Speaking:
    from ringback.speech.engines.piper import PiperSpeaking

    return PiperSpeaking(data)


def _flite(data: Path) -> Speaking:
    from ringback.speech.engines.flite import FliteSpeaking

    return FliteSpeaking()


_HEARING: dict[str, Callable[[Path], Hearing]] = {
    "moonshine": _moonshine,
    "whisper": _whisper,
    "pipecat": _pipecat_hearing,
    "fake": _fake_hearing,
}
_SPEAKING: dict[str, Callable[[Path], Speaking]] = {
    "piper": _piper,
    "flite": _flite,
    "pipecat": _pipecat_speaking,
    "fake": _fake_speaking,
}
