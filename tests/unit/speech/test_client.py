"""In what order clauses are asked for."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ringback.speech.client import Answer, SpeechClient

pytestmark = pytest.mark.unit

TEXT = "One sentence is here. Two of them are more. Three are the most."


class Watched(SpeechClient):
    """Notes what is asked for, and when it is made."""

    def __init__(self, data: Path) -> None:
        super().__init__(data, stt="fake", tts="fake")
        self.seen: list[str] = []

    async def _ask(self, request: dict[str, Any], pcm: bytes = b"") -> Answer:
        name = str(request["text"]).split()[0]
        self.seen.append(f"asked {name}")
        await asyncio.sleep(0.001)
        self.seen.append(f"made {name}")
        return {}, name.encode()


async def test_a_clause_is_made_alone_while_the_one_before_is_spoken(tmp_path: Path) -> None:
    client = Watched(tmp_path)
    async for sound in client.speak(TEXT, voice="default"):
        client.seen.append(f"got {sound.decode()}")
        await asyncio.sleep(0.02)
    assert client.seen == [
        *("asked One", "made One", "got One"),
        *("asked Two", "made Two", "got Two"),
        *("asked Three", "made Three", "got Three"),
    ]
