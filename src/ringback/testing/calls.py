"""Calls of phones on the simulated network."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ringback.testing.api import Api

Step = str | Mapping[str, Any]
"""One step of a script: words to say, or a step as `/sim/v1` has it, such as `{"waitForSilenceMs": 700}`."""
_LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Words:
    """What one side said. `who` is `handset` or `other`; times are ms since the answer, as the phone has them."""

    who: str
    text: str
    start_ms: int
    end_ms: int


class Call:
    """A call of a phone. What it tells is as it was when the call was last looked at: `look()`, `wait()`."""

    def __init__(self, api: Api, wire: dict[str, Any]) -> None:
        self._api = api
        self.id: str = wire["id"]
        self._path = f"/sim/v1/calls/{self.id}"
        self._wire = wire

    def __repr__(self) -> str:
        return f"<Call {self.id} {self.status} {self.reason or ''}>"

    @property
    def status(self) -> str:
        """`dialing`, `ringing`, `in-progress`, `completed` or `failed`."""
        return str(self._wire["status"])

    @property
    def reason(self) -> str | None:
        """Why it ended; None while it has not."""
        found: str | None = self._wire["reason"]
        return found

    @property
    def from_(self) -> str:
        return str(self._wire["from"])

    @property
    def to(self) -> str:
        return str(self._wire["to"])

    @property
    def words(self) -> list[Words]:
        """What both sides said, in order."""
        return [Words(one["who"], one["text"], one["startMs"], one["endMs"]) for one in self._wire["words"]]

    @property
    def heard(self) -> str:
        """All that the phone heard, as one text."""
        return " ".join(one.text for one in self.words if one.who == "other")

    @property
    def keys(self) -> str:
        """The keys that the other end pressed."""
        return str(self._wire["digits"])

    def look(self) -> "Call":
        """Ask how the call is now."""
        self._wire = self._api.call("GET", self._path)
        return self

    def wait(self, timeout: float = 60.0) -> "Call":
        """Wait until the call has ended and all that was heard was read. Fails after `timeout` seconds of real time."""
        end = time.monotonic() + timeout
        while self._wire["endedAt"] is None:
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"the call is still {self.status} after {timeout:g} s; {self._told()}")
            wait = round(min(left, _LONGEST_WAIT_S), 3)
            self._wire = self._api.call("GET", self._path, query={"wait": wait})
        return self

    def answer(self, *script: Step) -> None:
        """Answer a call that rings, and do this."""
        self._do("answer", {"script": steps(script)})

    def decline(self) -> None:
        """Decline a call that rings."""
        self._do("decline")

    def hang_up(self) -> None:
        """End the call."""
        self._do("hangup")

    def press(self, keys: str) -> None:
        """Press keys, one after another."""
        self._do("dtmf", {"digits": keys})

    def recording(self) -> bytes:
        """A WAV file: left what the phone said, right what it heard. Only once the call has ended."""
        return self._api.request("GET", f"{self._path}/audio").content

    def _do(self, what: str, body: Any = None) -> None:
        self._wire = self._api.call("POST", f"{self._path}/{what}", body)

    def _told(self) -> str:
        said = [f"\n    {one.who}: {one.text!r}" for one in self.words]
        return f"this was said:{''.join(said)}" if said else "nothing was said"


def steps(script: Sequence[Step]) -> list[dict[str, Any]]:
    """A script as the wire has it."""
    return [{"say": step} if isinstance(step, str) else dict(step) for step in script]
