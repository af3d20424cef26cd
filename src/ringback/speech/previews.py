"""Each voice says hello once; what it said is kept in the data folder."""

import asyncio
import io
import wave
from pathlib import Path

from ringback.kit.faults import NotFound
from ringback.kit.private_sockets import private_folder
from ringback.speech import registry
from ringback.speech.client import SpeechClient

RATE = 16_000
TEXT = "Hello! This is how I sound. How can I help you today?"
FOLDER = "previews"


class VoiceNotFound(NotFound):
    """No configured voice has that id."""

    code = "VOICE_NOT_FOUND"


class Previews:
    """The previews of the voices of a data folder, each made when it is first asked for."""

    def __init__(self, data: Path, tts: str) -> None:
        self._data = data
        self._tts = tts
        self._making = asyncio.Lock()

    async def wav(self, voice_id: str) -> bytes:
        """A WAV of some seconds. Raises `VoiceNotFound`, `SpeechError`."""
        if all(voice.id != voice_id for voice in registry.voices(self._tts, self._data)):
            raise VoiceNotFound(
                f"no configured voice is called {voice_id!r}: GET /v1/agents/voices lists them"
            )
        path = private_folder(self._data) / FOLDER / f"{voice_id}.wav"
        async with self._making:
            if not path.exists():
                made = await self._make(voice_id)
                path.parent.mkdir(mode=0o700, exist_ok=True)
                fresh = path.with_suffix(".part")
                fresh.write_bytes(made)
                fresh.replace(path)
        return path.read_bytes()

    async def _make(self, voice_id: str) -> bytes:
        async with SpeechClient(self._data, tts=self._tts, rate=RATE) as speech:
            pcm = b"".join([piece async for piece in speech.speak(TEXT, voice=voice_id)])
        made = io.BytesIO()
        with wave.open(made, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(pcm)
        return made.getvalue()
