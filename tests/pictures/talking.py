"""A call on the wall: a phone that rings, and then the microphone of the browser that draws it speaking."""

import io
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from playwright.sync_api import Page

from ringback.testing.server import Ringback
from tests.pictures.world import ask, brain

NAMES = ("ringing", "talking")
_SAID = "Hi, I want to move my appointment to Thursday."
_GREETING = "This is the front desk. You asked for another day?"
_RATE = 48_000
_BEFORE_S, _AFTER_S = 6.0, 30.0


def flags(microphone: Path) -> list[str]:
    """How a Chromium is started whose microphone plays this file."""
    return [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        f"--use-file-for-fake-audio-capture={microphone}",
    ]


def speak_into(microphone: Path, ringback: Ringback) -> None:
    """Fill the file with a phone's voice, whichever engine it has."""
    one, other = (ask(ringback, "POST", "/sim/v1/handsets", {"callPersonality": "silent"}) for _ in range(2))
    script = {"to": other["phoneNumber"], "script": [{"say": _SAID}, {"hangup": True}]}
    call = ask(ringback, "POST", f"/sim/v1/handsets/{one['id']}/calls", script)
    ask(ringback, "GET", f"/sim/v1/calls/{call['id']}?wait=60")
    heard = ringback.request("GET", f"/sim/v1/calls/{call['id']}/audio").content
    with wave.open(io.BytesIO(heard)) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    said = soxr.resample(both[0::2].astype(np.float32), file.getframerate(), _RATE)
    silence = (np.zeros(round(_RATE * length)) for length in (_BEFORE_S, _AFTER_S))
    with wave.open(str(microphone), "wb") as file:
        file.setparams((1, 2, _RATE, 0, "NONE", ""))
        file.writeframes(np.concatenate([next(silence), said, next(silence)]).astype("<i2").tobytes())
    for handset in (one, other):
        ask(ringback, "DELETE", f"/sim/v1/handsets/{handset['id']}")


def draw(ringback: Ringback, agent_id: str, page: Page, take: Callable[[str], Any]) -> None:
    """Call a phone, `take("ringing")`, answer it on the page, talk, and `take("talking")`."""
    phone = next(one for one in ask(ringback, "GET", "/sim/v1/handsets")["data"] if one["name"] == "Ada")
    ask(ringback, "PATCH", f"/sim/v1/handsets/{phone['id']}", {"callPersonality": "manual"})
    with brain() as hook:
        ask(ringback, "POST", f"/v1/agents/{agent_id}/webhook", {"url": hook})
        page.goto(f"{ringback.base_url}/console/phones")
        asked = {"agentId": agent_id, "toNumber": phone["phoneNumber"], "initialGreeting": _GREETING}
        call = ask(ringback, "POST", "/v1/calls", asked)
        answer = page.get_by_role("button", name="Answer")
        answer.wait_for()
        page.wait_for_timeout(600)
        take("ringing")
        answer.click()
        page.locator(".incall .bubble.out").first.wait_for(timeout=60_000)
        page.locator(".incall .bubble:not(.out)").nth(1).wait_for(timeout=60_000)
        page.wait_for_timeout(4_000)  # what is left of the answer
        take("talking")
        page.get_by_role("button", name="Hang up").click()
        ask(ringback, "GET", f"/v1/calls/{call['id']}?wait=true&timeout=60")
        time.sleep(0.5)
