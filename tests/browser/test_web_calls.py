"""The example page in a real Chromium: what its microphone says is in the transcript, and what the agent says is played."""

import base64
import os
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Ringback
from tests.browser.conftest import speak_into
from tests.callers import FAKE, alike, turns, wait_for_end, wait_until
from tests.scenarios.test_examples import EXAMPLES, said_by

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.realtime]

LISTEN = """() => {
  // What goes to the speakers is kept as well: 16-bit samples, at the rate of the page.
  window.played = [];
  window.rate = 0;
  // Tones are what a browser suppresses as noise: here the microphone is left as it is.
  const media = navigator.mediaDevices;
  const open = media.getUserMedia.bind(media);
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  media.getUserMedia = ({ audio }) => open({ audio: { ...audio, ...plain } });
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...more) {
    if (to === this.context.destination && !(this instanceof ScriptProcessorNode)) {
      const tap = this.context.createScriptProcessor(4096, 1, 1);
      window.rate = this.context.sampleRate;
      tap.onaudioprocess = ({ inputBuffer }) => {
        for (const sample of inputBuffer.getChannelData(0)) window.played.push(Math.round(sample * 32767));
      };
      connect.call(this, tap);
      connect.call(tap, to);
    }
    return connect.call(this, to, ...more);
  };
}"""
PLAYED = """() => {
  const bytes = new Uint8Array(Int16Array.from(window.played).buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}"""


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    return FAKE


@contextmanager
def example(ringback: Ringback) -> Iterator[str]:
    """`examples/web_call.py` as a user runs it; its address."""
    env = {**os.environ, "RINGBACK_URL": ringback.base_url, "RINGBACK_API_KEY": ringback.api_key, "PORT": "0"}
    command = [sys.executable, "-W", "error", str(EXAMPLES / "web_call.py")]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield said_by(process, "Open ")
        finally:
            process.terminate()


class Visit:
    """A visitor of the page: what the browser complained of is in `complaints`, whom it asked in `hosts`."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2].split(":")[0]))
        page.add_init_script(f"({LISTEN})()")
        page.goto(address)

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def press(self) -> None:
        self.page.click("#talk")

    def wait_for_state(self, text: str, timeout_s: float = 30) -> None:
        self.page.wait_for_function(
            "text => document.getElementById('state').textContent === text",
            arg=text,
            timeout=timeout_s * 1000,
        )

    def heard(self) -> str:
        """The words that were played."""
        import numpy as np
        import soxr

        from ringback.speech.engines.base import Pcm
        from ringback.speech.engines.fake import FakeHearing

        samples = np.frombuffer(base64.b64decode(self.page.evaluate(PLAYED)), "<i2")
        rate = self.page.evaluate("window.rate")
        if not len(samples):
            return ""
        sound = soxr.resample(samples.astype(np.float32), rate, 8_000).clip(-32768, 32767).astype("<i2")
        return FakeHearing().hear(Pcm(sound.tobytes(), 8_000), language="en-US").text

    def wait_to_hear(self, text: str, timeout_s: float = 30) -> None:
        end = time.monotonic() + timeout_s
        while text not in (heard := self.heard()):
            assert time.monotonic() < end, f"{text!r} was not heard, but {heard!r}"
            self.page.wait_for_timeout(200)


def newest_call(ringback: Ringback) -> Any:
    found = ringback.request("GET", "/v1/calls", query={"type": "web", "limit": 1}).json["data"]
    return found[0] if found else None


def test_a_visitor_talks_with_the_agent(
    ringback: Ringback, browse: Callable[[Path], Any], tmp_path: Path
) -> None:
    microphone = tmp_path / "microphone.wav"
    speak_into(microphone, "my name is Ada Lovelace", before_s=8)
    with example(ringback) as address:
        visit = Visit(browse(microphone), address)
        # The first call waits for its worker, and the microphone for nobody.
        visit.press()
        visit.wait_for_state("Talk")
        visit.press()
        visit.wait_for_state("The call is over")
        visit.page.evaluate("window.played = []")
        visit.press()
        visit.wait_for_state("Talk")
        call = newest_call(ringback)
        visit.wait_to_hear("do for you?")
        wait_until(
            lambda: [one for one in turns(ringback, call["id"]) if one[0] == "user"], "nobody spoke", 30
        )
        said = [text for role, text in turns(ringback, call["id"]) if role == "user"]
        assert alike(said[0], "my name is Ada Lovelace")
        answer = wait_until(
            lambda: [text for role, text in turns(ringback, call["id"]) if role == "agent"][1:],
            "no answer",
            30,
        )
        visit.wait_to_hear(answer[0].split()[-1])
        assert loudest(visit) > 1_000
        visit.press()
        visit.wait_for_state("The call is over")
        seen = wait_for_end(ringback, call["id"])
        assert (seen["status"], seen["disconnectionReason"]) == ("completed", "user_hangup")
        assert seen["ringback"]["endingDetail"] is None
        assert visit.complaints == []
        assert visit.hosts == {"127.0.0.1"}, "no request leaves the machine"


def loudest(visit: Visit) -> int:
    samples = array("h", base64.b64decode(visit.page.evaluate(PLAYED)))
    return max(map(abs, samples))


def test_a_tab_that_is_closed_hangs_up(
    ringback: Ringback, browse: Callable[[Path], Any], tmp_path: Path
) -> None:
    microphone = tmp_path / "microphone.wav"
    speak_into(microphone, "nothing", before_s=60)
    with example(ringback) as address:
        visit = Visit(browse(microphone), address)
        visit.press()
        visit.wait_for_state("Talk")
        call = newest_call(ringback)
        visit.page.close()
        left = time.monotonic()
        seen = wait_for_end(ringback, call["id"])
        assert time.monotonic() - left < 4
        assert (seen["disconnectionReason"], seen["ringback"]["endingDetail"]) == ("user_hangup", None)
