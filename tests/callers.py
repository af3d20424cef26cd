"""What tests of live calls share: handsets that call, and what is known of a call afterwards."""

import io
import time
import wave
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ringback.testing import WebhookInbox


class Asked(Protocol):
    """A server that can be asked."""

    def request(self, method: str, path: str, /, *, json: Any = None, query: Any = None) -> Any: ...


FAKE: dict[str, Any] = {"speech_stt": "fake", "speech_tts": "fake"}
"""Settings for speech without models: tones that carry their text."""


def desk(ringback: Asked, inbox: WebhookInbox | None = None, /, **settings: Any) -> tuple[str, str, str]:
    """An agent with a number, whose webhook is the inbox; answers the agent's id, the number and its id."""
    agent = ringback.request("POST", "/v1/agents", json={"name": "Desk", **settings}).json
    number = ringback.request("POST", "/v1/numbers", json={"agentId": agent["id"]}).json
    if inbox is not None:
        hook = ringback.request("POST", f"/v1/agents/{agent['id']}/webhook", json={"url": inbox.url})
        inbox.secret = hook.json["secret"]
    return agent["id"], number["phoneNumber"], number["id"]


def dial(ringback: Asked, handset_id: str, to: str, *script: dict[str, Any]) -> str:
    """A handset calls; answers the id of its call."""
    asked = {"to": to, "script": list(script)}
    return str(ringback.request("POST", f"/sim/v1/handsets/{handset_id}/calls", json=asked).json["id"])


def far_end(ringback: Asked, call_id: str, wait_s: float = 30.0) -> Any:
    """A handset's call as its own end has it, once it is over."""
    return ringback.request("GET", f"/sim/v1/calls/{call_id}", query={"wait": wait_s}).json


def words_of(call: Any, side: str) -> str:
    """All that the handset (`handset`) or the agent (`other`) said in a handset's call."""
    return " ".join(word["text"] for word in call["words"] if word["who"] == side)


def place(ringback: Asked, agent_id: str, to: str, /, **more: Any) -> str:
    """An agent calls; answers the id of its call."""
    asked = {"agentId": agent_id, "toNumber": to, **more}
    return str(ringback.request("POST", "/v1/calls", json=asked).json["id"])


def wait_for_end(ringback: Asked, call_id: str, timeout_s: int = 60) -> Any:
    """A call, once it is over."""
    query = {"wait": "true", "timeout": timeout_s}
    return ringback.request("GET", f"/v1/calls/{call_id}", query=query).json


def call_of(ringback: Asked, number_id: str, timeout_s: float = 30.0, *, ended: bool = True) -> Any:
    """The newest call of a number, once there is one, and once it is over."""
    return wait_until(lambda: _newest(ringback, number_id, ended=ended), f"no call of {number_id}", timeout_s)


def _newest(ringback: Asked, number_id: str, *, ended: bool) -> Any:
    page = ringback.request("GET", f"/v1/numbers/{number_id}/calls", query={"limit": 1}).json
    found = page["data"][0] if page["data"] else None
    if found is None or (ended and found["endedAt"] is None):
        return None
    return ringback.request("GET", f"/v1/calls/{found['id']}").json


def wait_until(look: Callable[[], Any], why: str, timeout_s: float = 10.0) -> Any:
    """What `look` finds, once it is something."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{why} within {timeout_s:g} s")


def turns(ringback: Asked, call_id: str) -> list[tuple[str, str]]:
    """Who said what."""
    found = ringback.request("GET", f"/v1/calls/{call_id}/transcript").json["transcript"]
    return [(one["role"], one["content"]) for one in found]


def recording(ringback: Asked, call_id: str) -> "tuple[array[int], array[int]]":
    """What the other end said and what the agent said, 8,000 samples a second."""
    answer = ringback.request("GET", f"/v1/calls/{call_id}/recording")
    assert answer.status == 200
    return sides_of(answer.content)


def sides_of(data: bytes) -> "tuple[array[int], array[int]]":
    """Left and right of a stereo WAV file."""
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8_000)
        both = array("h", file.readframes(file.getnframes()))
    return both[0::2], both[1::2]


def alike(heard: str, said: str, *, most_lost: float = 0.34) -> bool:
    """Whether `heard` is what was `said`, but for some words: a frame that is late on a busy machine costs one."""
    wanted, found = said.lower().split(), heard.lower().split()
    lost = 0
    for word in wanted:
        if word in found:
            found.remove(word)
        else:
            lost += 1
    return lost + len(found) <= most_lost * len(wanted)


def children(data: Path) -> list[int]:
    """The process ids of media children of a data folder."""
    return processes(data, "ringback.voice.child")


def processes(data: Path, *modules: str) -> list[int]:
    """The ids of the processes of a data folder that run these modules."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(data).encode() in command and any(module.encode() in command for module in modules):
                found.append(int(entry.name))
    return found
