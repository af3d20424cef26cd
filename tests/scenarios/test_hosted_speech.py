"""Speech by somebody's service, through the worker and pipecat: a server here speaks OpenAI's audio protocol.

https://platform.openai.com/docs/api-reference/audio: `POST /audio/speech` answers PCM of 24 kHz, `POST
/audio/transcriptions` takes a form with a WAV file and answers JSON.
"""

import asyncio
import importlib
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ringback.speech import registry, services
from ringback.speech.client import SpeechClient
from ringback.speech.protocol import SpeechError, SpeechMissing
from tests.scenarios.pages import blocks
from tests.speech import need

pytestmark = pytest.mark.scenario

KEY = "sk-not-to-be-seen-4711"
SECOND = b"\x10\x27\xf0\xd8" * 12_000
"""A second of a loud tone at 24 kHz."""


class Cloud:
    """What it was asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.under_way = self.most = 0
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        app = web.Application()
        app.router.add_post("/v1/audio/speech", self._speech)
        app.router.add_post("/v1/audio/transcriptions", self._transcription)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _speech(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.asked.append(asked)
        if request.headers["Authorization"] != f"Bearer {KEY}" or "refuse" in asked["input"]:
            return web.json_response({"error": {"message": f"no such key: {KEY}"}}, status=401)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        answer = web.StreamResponse()
        await answer.prepare(request)
        for piece in (SECOND[: len(SECOND) // 2], SECOND[len(SECOND) // 2 :]):
            await answer.write(piece)
            await asyncio.sleep(0.1)
        self.under_way -= 1
        return answer

    async def _transcription(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        with wave.open(io.BytesIO(file.file.read())) as sound:
            seconds = sound.getnframes() / sound.getframerate()
        self.asked.append({"model": form["model"], "language": form["language"], "seconds": seconds})
        return web.json_response({"text": "I would like a table for two."})


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    need("voice", "pipecat")
    cloud = Cloud()
    await cloud.open()
    yield cloud
    await cloud.close()


@pytest.fixture
async def client(
    tmp_path: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SpeechClient]:
    monkeypatch.setenv("CLOUD_KEY", KEY)
    (tmp_path / services.FILE).write_text(
        f"""
[hear]
service = "openai.stt.OpenAISTTService"
api_key = "$CLOUD_KEY"
base_url = "{cloud.url}"
settings = {{ model = "whisper-1" }}

[speak]
service = "openai.tts.OpenAITTSService"
api_key = "$CLOUD_KEY"
base_url = "{cloud.url}"
voices = {{ nova = "Nova", alloy = "Alloy" }}
settings = {{ model = "tts-1" }}
"""
    )
    async with SpeechClient(tmp_path, stt="pipecat", tts="pipecat", idle_s=0.3) as client:
        yield client


async def spoken_by(client: SpeechClient, text: str, **how: Any) -> bytes:
    return b"".join([piece async for piece in client.speak(text, **{"voice": "default", **how})])


async def test_it_speaks_and_hears(client: SpeechClient, cloud: Cloud, tmp_path: Path) -> None:
    sound = await spoken_by(client, "Hello.", voice="alloy", speed=1.5)
    assert len(sound) == pytest.approx(2 * 8_000, rel=0.02)
    await spoken_by(client, "Hello.", voice="somebody's")
    assert [(one["voice"], one.get("speed"), one["model"]) for one in cloud.asked] == [
        ("alloy", 1.5, "tts-1"),
        ("nova", None, "tts-1"),
    ]
    heard = await client.transcribe(sound, 8_000, language="de-DE")
    assert heard.text == "I would like a table for two."
    assert cloud.asked[2]["language"] == "de"
    assert cloud.asked[2]["seconds"] >= 0.95
    assert [(voice.id, voice.name) for voice in registry.voices("pipecat", tmp_path)][:2] == [
        ("nova", "Nova"),
        ("alloy", "Alloy"),
    ]


async def test_many_at_once(client: SpeechClient, cloud: Cloud) -> None:
    sounds = await asyncio.gather(*(spoken_by(client, f"Caller {number}.") for number in range(8)))
    assert {len(sound) for sound in sounds} == {len(sounds[0])}
    assert cloud.most > 2


async def test_a_refusal_is_said_without_the_key(client: SpeechClient, cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(SpeechError) as refused:
        await spoken_by(client, "refuse this")
    assert "401" in str(refused.value)
    assert KEY not in str(refused.value)
    assert await spoken_by(client, "Hello again.")
    for file in (path for path in tmp_path.rglob("*") if path.is_file() and path.suffix == ".log"):
        assert KEY not in file.read_text()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "needs"),
        ("[hear", "can't be read"),
        ("[hear]", "no table [speak]"),
        ("[speak]\nservice = 'nobody.tts.NobodyTTSService'", "no module and class"),
        ("[speak]\nservice = 'openai.tts.Nobody'", "no such class"),
        ("[speak]\nservice = 'openai.tts.OpenAITTSService'\napi_key = '$NOT_THERE'", "$NOT_THERE"),
        ("[speak]\nservice = 'openai.tts.OpenAITTSService'\nsettings = { shoe = 1 }", "can't be made"),
        (
            "[speak]\nservice = 'azure.tts.AzureTTSService'\napi_key = 'abcdefgh'",
            "pipecat-ai[azure]",
        ),
    ],
)
async def test_what_is_wrong_with_the_file(tmp_path: Path, content: str | None, said: str) -> None:
    need("voice", "pipecat")
    if content is not None:
        (tmp_path / services.FILE).write_text(content)
    async with SpeechClient(tmp_path, stt="pipecat", tts="pipecat", idle_s=0.3) as client:
        with pytest.raises(SpeechMissing) as refused:
            await spoken_by(client, "Hello.")
    assert said in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_file_on_the_page_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("voice", "pipecat")
    [block] = [block for block in blocks("docs/speech.md", "bash") if services.FILE in block]
    (tmp_path / services.FILE).write_text(block.partition("<<'END'\n")[2].partition("END\n")[0])
    for name in ("OPENAI_API_KEY", "ELEVENLABS_API_KEY"):
        monkeypatch.setenv(name, "secret-of-the-page")
    for what in (services.HEAR, services.SPEAK):
        service = services.read(tmp_path, what)
        found = importlib.import_module(f"pipecat.services.{service.module}")
        assert hasattr(found, service.name)
        assert service.options == {"api_key": "secret-of-the-page"}
        assert "secret" not in repr(service)
