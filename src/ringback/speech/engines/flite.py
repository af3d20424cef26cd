"""Flite (a permissive licence), the system's program: a plain voice that costs next to nothing."""

import io
import subprocess
import wave

from ringback.speech.engines.base import Pcm
from ringback.speech.protocol import SpeechError

_LONGEST_S = 30


class FliteSpeaking:
    """A process for each clause, which takes it some 30 ms."""

    def speak(self, text: str, *, voice: str, speed: float) -> Pcm:
        command = [
            "flite",
            "-voice",
            voice.removeprefix("flite-"),
            "--setf",
            f"duration_stretch={1 / speed:.3f}",
        ]
        done = subprocess.run(  # noqa: S603
            [*command, "-t", text, "-o", "/dev/stdout"], capture_output=True, check=False, timeout=_LONGEST_S
        )
        if done.returncode or not done.stdout:
            raise SpeechError(f"flite failed: {done.stderr.decode(errors='replace').strip()[:200]}")
        with wave.open(io.BytesIO(done.stdout)) as made:
            return Pcm(made.readframes(made.getnframes()), made.getframerate())
