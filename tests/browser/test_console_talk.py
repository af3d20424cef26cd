"""Talking with an agent from its page: what the browser's microphone says is in the words beside, and so is the answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Ringback
from tests.browser.conftest import speak_into
from tests.callers import FAKE
from tests.console.looking import link_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PLAIN = """
// Tones are what a browser suppresses as noise: here the microphone is left as it is.
const media = navigator.mediaDevices;
const open = media.getUserMedia.bind(media);
const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
media.getUserMedia = ({ audio }) => open({ audio: { ...audio, ...plain } });
"""


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    return FAKE


def test_a_microphone_is_heard_and_answered(
    ringback: Ringback, browse: Callable[[Path], Any], tmp_path: Path
) -> None:
    speak_into(tmp_path / "microphone.wav", "what are your hours", before_s=1.0, after_s=8.0)
    asked = {"name": "Desk", "voiceMode": "hosted", "systemPrompt": "Be brief."}
    agent = ringback.request("POST", "/v1/agents", json=asked).json["id"]
    page = browse(tmp_path / "microphone.wav")
    page.set_default_timeout(60_000)
    page.add_init_script(PLAIN)
    page.goto(ringback.base_url + link_of(ringback))
    page.goto(f"{ringback.base_url}/console/agents/{agent}")
    page.get_by_role("button", name="Talk with it").click()
    page.locator("#talk-words .bubble.out", has_text="hours").first.wait_for()
    page.locator("#talk-words .bubble:not(.out)").first.wait_for()
    page.get_by_role("button", name="Hang up").click()
    page.get_by_text("The call is over.").wait_for()
    page.get_by_role("link", name="See the call").click()
    page.get_by_text("What happened").wait_for()
