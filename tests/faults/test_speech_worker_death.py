"""The speech worker killed at any moment: what was asked of it is answered all the same."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringback.speech.client import SpeechClient
from ringback.speech.protocol import SpeechLost
from tests.speech import need

pytestmark = [pytest.mark.fault, pytest.mark.realtime]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[SpeechClient]:
    need("voice", "numpy")
    async with SpeechClient(tmp_path, stt="fake", tts="fake", idle_s=0.3) as client:
        yield client


@pytest.mark.parametrize("after_s", [0.0, 0.005, 0.02, 0.05])
async def test_requests_under_way_are_made_again(client: SpeechClient, after_s: float) -> None:
    texts = [f"This is caller {number}. And this is more of it." for number in range(12)]

    async def one(text: str) -> str:
        pcm = b"".join([piece async for piece in client.speak(text, voice="default")])
        return (await client.transcribe(pcm, 8_000)).text

    first = await client.ping()
    work = asyncio.gather(*(one(text) for text in texts))
    await asyncio.sleep(after_s)
    os.kill(first, signal.SIGKILL)
    assert await work == texts
    assert await client.ping() != first


async def test_death_between_two_clauses_leaves_no_gap(client: SpeechClient) -> None:
    text = "The first. " + " ".join(f"Sentence number {number} follows." for number in range(6))
    pieces = []
    async for piece in client.speak(text, voice="default"):
        pieces.append(piece)
        if len(pieces) in (1, 4):
            os.kill(await client.ping(), signal.SIGKILL)
    assert (await client.transcribe(b"".join(pieces), 8_000)).text == text


async def test_a_worker_that_hangs_is_killed_and_replaced(client: SpeechClient) -> None:
    first = await client.ping()
    os.kill(first, signal.SIGSTOP)
    begun = time.monotonic()
    pcm = b"".join([piece async for piece in client.speak("Still here.", voice="default")])
    assert time.monotonic() - begun < 12, (
        "a caller doesn't wait for long, though a busy machine starts a process slowly"
    )
    assert (await client.transcribe(pcm, 8_000)).text == "Still here."
    assert await client.ping() != first
    assert not Path(f"/proc/{first}/exe").exists(), "it is killed, not left behind"


async def test_a_worker_that_works_for_long_is_left_alone(client: SpeechClient) -> None:
    """Reading a long sound keeps a thread busy, and the worker answers pings meanwhile."""
    first = await client.ping()
    words = "number " * 120
    pcm = b"".join([piece async for piece in client.speak(words, voice="default")])
    heard = await asyncio.gather(*(client.transcribe(pcm, 8_000) for _ in range(40)))
    assert {one.text for one in heard} == {words.strip()}
    assert await client.ping() == first


async def test_what_kills_every_worker_is_given_up(client: SpeechClient) -> None:
    async def kill_all() -> None:
        while True:
            os.kill(await other.ping(), signal.SIGKILL)
            await asyncio.sleep(0.01)

    async with SpeechClient(client._data, stt="fake", tts="fake", idle_s=0.3) as other:
        killing = asyncio.create_task(kill_all())
        try:
            with pytest.raises(
                SpeechLost, match=r"died 3 times; voice/speech\.log in the data folder may say why"
            ):
                async for _ in client.speak("word " * 2_000, voice="default"):
                    pass
        finally:
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
