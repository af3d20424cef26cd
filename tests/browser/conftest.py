"""A Chromium with a microphone that plays a file."""

import shutil
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Ringback
from tests.browser.watching import Console
from tests.speech import need

CHROMIUM = "chromium"
_FLAGS = (
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--no-sandbox",
)


def speak_into(path: Path, text: str, *, before_s: float = 0.0, after_s: float = 30.0) -> None:
    """A file for the microphone, which says `text` in tones; it begins when a page opens the microphone, and goes round."""
    import numpy as np
    import soxr

    from ringback.speech.engines.fake import FakeSpeaking

    said = np.frombuffer(FakeSpeaking().speak(text, voice="default", speed=1.0).data, "<i2")
    sound = soxr.resample(said.astype(np.float32), 8_000, 48_000)
    silence = np.zeros(round(48_000 * before_s)), np.zeros(round(48_000 * after_s))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(np.concatenate([silence[0], sound, silence[1]]).astype("<i2").tobytes())


@pytest.fixture
def browse() -> Iterator[Callable[[Path], Any]]:
    """`browse(microphone)` answers a page of Playwright's, in a Chromium of its own."""
    path = shutil.which(CHROMIUM)
    if path is None:
        pytest.skip("chromium is missing: apt-get install chromium")
    need("voice", "playwright", "pipecat", "numpy", "websockets")
    from playwright.sync_api import sync_playwright

    broken: list[str] = []
    with ExitStack() as open_things:
        play = open_things.enter_context(sync_playwright())

        def keep(said: Any) -> None:
            """What a page tried although its rules forbid it, as Chromium tells it."""
            if "Content Security Policy" in said.text:
                broken.append(said.text)

        def browse(microphone: Path) -> Any:
            flags = [*_FLAGS, f"--use-file-for-fake-audio-capture={microphone}"]
            browser = play.chromium.launch(executable_path=path, args=flags)
            open_things.callback(browser.close)
            page = browser.new_page()
            page.on("console", keep)
            return page

        yield browse
        assert broken == []


@pytest.fixture
def chromium() -> Iterator[Any]:
    """A browser of Playwright's, where nobody is signed in; its microphone beeps."""
    path = shutil.which(CHROMIUM)
    if path is None:
        pytest.skip("chromium is missing: apt-get install chromium")
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is of the group dev")
    with sync.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def console(ringback: Ringback, chromium: Any) -> Iterator[Console]:
    """A page of somebody who is signed in; what went wrong on it is judged at the end."""
    context = chromium.new_context(viewport={"width": 1360, "height": 880})
    opened = Console(ringback, context.new_page())
    yield opened
    opened.check()
