"""Moonshine tiny (MIT), English: 27 million parameters inside the wheel of `moonshine-voice` 0.0.73."""

import re
import threading

import numpy as np
from moonshine_voice import ModelArch, Transcriber, get_model_path

from ringback.kit import machine
from ringback.speech.engines.base import Pcm
from ringback.speech.engines.resample import at_rate
from ringback.speech.protocol import Heard, LanguageNotSpoken

RATE = 16_000
_AFTER_S = 0.5
"""Silence that is put behind an utterance: without it more words at its end are misread."""
_LONGEST_S = 25.0
"""The model reads so much as a whole; what is longer is cut by the library's own detector of voice."""
_WHOLE = {"vad_threshold": "0.0"}
"""That detector looks at half a second together and finds nothing in a "No." or a "Stop.". Whoever asks has found a voice
already."""
_NOTHING = {"", "you"}
"""What the model reads in a sound that holds no words."""
_LETTER = re.compile(r"[a-z0-9]")


class MoonshineHearing:
    """One handle behind one lock: the memory of its results is the handle's, so two threads would mix theirs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._whole = _load(_WHOLE)
        self._cutting: Transcriber | None = None

    def hear(self, pcm: Pcm, *, language: str) -> Heard:
        if not language.lower().startswith("en"):
            raise LanguageNotSpoken(f"moonshine understands English, not {language}")
        started = machine.monotonic()
        samples = np.frombuffer(at_rate(pcm, RATE).data, dtype="<i2").astype(np.float32) / 32_768
        silence = np.zeros(int(RATE * _AFTER_S), dtype=np.float32)
        with self._lock:
            found = self._handle(len(samples) / RATE).transcribe_without_streaming(
                np.concatenate([samples, silence]).tolist(), RATE
            )
        text = " ".join(line.text.strip() for line in found.lines).strip()
        return Heard(text if _is_said(text) else "", None, round((machine.monotonic() - started) * 1000))

    def _handle(self, length_s: float) -> Transcriber:
        if length_s <= _LONGEST_S:
            return self._whole
        if self._cutting is None:
            self._cutting = _load(None)
        return self._cutting


def _load(options: dict[str, str] | None) -> Transcriber:
    return Transcriber(str(get_model_path("tiny-en")), ModelArch.TINY, options=options)


def _is_said(text: str) -> bool:
    plain = text.lower().strip(" .,!?")
    return plain not in _NOTHING and _LETTER.search(plain) is not None
