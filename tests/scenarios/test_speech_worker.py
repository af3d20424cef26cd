"""The speech worker: started by whoever needs it, shared, and gone when nobody does."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringback.kit.private_sockets import socket_path
from ringback.speech.client import SpeechClient, dismiss
from ringback.speech.protocol import SpeechError, SpeechMissing
from ringback.speech.wire import frame, read_frame
from tests.speech import need

pytestmark = [pytest.mark.scenario, pytest.mark.realtime]

TEXT = "Hello there. This is the second sentence, and the last one follows. Good bye!"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[SpeechClient]:
    need("voice", "numpy")
    async with SpeechClient(tmp_path, stt="fake", tts="fake", idle_s=0.3) as client:
        yield client


async def spoken_by(client: SpeechClient, text: str) -> list[bytes]:
    return [piece async for piece in client.speak(text, voice="default")]


async def gone(pid: int) -> bool:
    """Whether the process ends within five seconds."""
    for _ in range(250):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        stat_file = Path(f"/proc/{pid}/stat")
        if stat_file.exists() and stat_file.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        await asyncio.sleep(0.02)
    return False


async def test_what_is_spoken_is_heard(client: SpeechClient) -> None:
    pieces = await spoken_by(client, TEXT)
    assert len(pieces) > 1
    heard = await client.transcribe(b"".join(pieces), client.rate)
    assert (heard.text, heard.confidence) == (TEXT, 1.0)


async def test_many_at_once_on_one_connection(client: SpeechClient) -> None:
    texts = [f"This is caller {number}." for number in range(20)]
    spoken = await asyncio.gather(*(spoken_by(client, text) for text in texts))
    heard = await asyncio.gather(*(client.transcribe(b"".join(pieces), 8_000) for pieces in spoken))
    assert [one.text for one in heard] == texts


async def test_all_of_a_data_folder_share_one_worker(tmp_path: Path) -> None:
    need("voice", "numpy")
    clients = [SpeechClient(tmp_path, stt="fake", tts="fake", idle_s=0.3) for _ in range(6)]
    pids = await asyncio.gather(*(client.ping() for client in clients))
    assert len(set(pids)) == 1
    path = socket_path(tmp_path, "speech.sock")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for client in clients:
        await client.close()
    assert await gone(pids[0]), "it ends when its last user is gone"


async def test_it_stays_while_somebody_is_connected(client: SpeechClient) -> None:
    pid = await client.ping()
    await asyncio.sleep(0.8)
    assert await client.ping() == pid


async def test_one_that_is_dismissed_ends_when_nobody_is_connected(tmp_path: Path) -> None:
    need("voice", "numpy")
    await dismiss(tmp_path)
    assert list(tmp_path.iterdir()) == [], "there is none, and none is started"
    async with SpeechClient(tmp_path, stt="fake", tts="fake") as client:
        pid = await client.ping()
        await dismiss(tmp_path)
        await asyncio.sleep(1)
        assert await client.ping() == pid
    assert await gone(pid)


async def test_warm_engines_have_been_used_once(client: SpeechClient) -> None:
    await client.warm(voice="default")
    await client.warm(voice="default", careful=True)
    assert len(await spoken_by(client, "Hello.")) == 1
    broken = SpeechClient(client._data, stt="whisper", tts="fake")
    with pytest.raises(SpeechMissing, match=r"install '\.\[speech-plus\]'"):
        await broken.warm(voice="default")


async def test_a_data_folder_deeper_than_a_socket_may_be(tmp_path: Path) -> None:
    async with SpeechClient(tmp_path / ("d" * 100), idle_s=0.3) as client:
        assert await client.ping() > 0


async def test_one_who_stops_listening_takes_nothing_more(client: SpeechClient) -> None:
    async for _ in client.speak("One. " * 500, voice="default"):
        break
    heard = await client.transcribe(b"".join(await spoken_by(client, "Next.")), 8_000)
    assert heard.text == "Next."


async def test_refusals_name_what_is_wrong(client: SpeechClient) -> None:
    await client.ping()
    reader, writer = await asyncio.open_unix_connection(socket_path(client._data, "speech.sock"))
    for request, told in (
        ({"op": "sing"}, "op: 'sing' is none of speak, hear, warm, cancel, ping, dismiss"),
        ({"op": "hear", "engine": "ear", "rate": 8000, "language": "en-US"}, "no engine ear that can hear"),
    ):
        writer.write(frame({"id": 1, **request}))
        answer = await read_frame(reader)
        assert answer is not None
        assert answer[0]["error"] == told
    writer.write(b"this is no JSON\n")
    assert await read_frame(reader) is None
    writer.close()
    assert await client.ping() > 0, "the others go on"


async def test_an_engine_that_is_not_installed_names_its_extra(tmp_path: Path) -> None:
    client = SpeechClient(tmp_path, stt="whisper")
    with pytest.raises(SpeechMissing, match=r"install '\.\[speech-plus\]'"):
        await client.transcribe(b"\0" * 3_200, 8_000)


async def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "voice").write_text("a file where the folder should be")
    with pytest.raises(SpeechError, match="no place for its socket"):
        await SpeechClient(tmp_path).ping()
