"""Handsets' calls over HTTP: their own process carries them, of a network in the server and of one apart."""

import io
import json
import os
import signal
import threading
import wave
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Ringback
from tests.calling import network_apart
from tests.faults.processes import Process
from tests.speech import need

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120), pytest.mark.realtime]


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with network_apart(tmp_path_factory.mktemp("sim")) as process:
        yield process


@pytest.fixture(params=["in the server", "apart"])
def ringback_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "in the server":
        return {"speech_stt": "fake", "speech_tts": "fake"}
    return {"sim_url": request.getfixturevalue("sim").url}


class Phones:
    """Handsets and their calls, by HTTP alone."""

    def __init__(self, ringback: Ringback) -> None:
        self.ringback = ringback

    def ask(self, method: str, path: str, body: Any = None, status: int = 200, **query: object) -> Any:
        answer = self.ringback.request(method, f"/sim/v1{path}", json=body, query=query)
        assert answer.status == status, answer.json
        return answer.json

    def make(self, manner: str = "manual", **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.ask("POST", "/handsets", {"callPersonality": manner, **more})
        return made

    def call(self, phone: dict[str, Any], to: str, *script: dict[str, Any], **more: Any) -> dict[str, Any]:
        asked = {"to": to, "script": list(script), **more}
        made: dict[str, Any] = self.ask("POST", f"/handsets/{phone['id']}/calls", asked)
        return made

    def rings(self, phone: dict[str, Any]) -> dict[str, Any]:
        page = self.ask("GET", f"/handsets/{phone['id']}/calls", status=200, wait=10, limit=1)
        found: dict[str, Any] = page["data"][0]
        return found

    def over(self, call: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/calls/{call['id']}", wait=20)
        assert found["endedAt"], found
        return found


@pytest.fixture
def phones(ringback: Ringback) -> Phones:
    return Phones(ringback)


def test_a_phone_calls_another_that_is_answered_by_hand(phones: Phones) -> None:
    mine, other = phones.make(), phones.make()
    call = phones.call(mine, other["phoneNumber"], {"dtmf": "12"}, {"pauseMs": 1000}, {"hangup": True})
    assert call == {
        "id": call["id"], "handsetId": mine["id"], "direction": "out", "from": mine["phoneNumber"],
        "to": other["phoneNumber"], "status": "dialing", "reason": None, "record": True,
        "startedAt": call["startedAt"], "answeredAt": None, "endedAt": None, "durationMs": None, "words": [],
        "digits": "", "trouble": None, "live": False, "audioUrl": None,
    }  # fmt: skip
    page = phones.ask("GET", f"/handsets/{other['id']}/calls", status=200, wait=10)
    theirs = page["data"][0]
    assert (theirs["direction"], page["total"], page["hasMore"]) == ("in", 1, False)
    while theirs["status"] == "dialing":
        theirs = phones.ask("GET", f"/calls/{theirs['id']}")
    answered = phones.ask("POST", f"/calls/{theirs['id']}/answer")
    assert answered["id"] == theirs["id"]
    call, theirs = phones.over(call), phones.over(theirs)
    assert (call["status"], call["reason"]) == ("completed", "hung_up")
    assert (theirs["status"], theirs["reason"], theirs["digits"]) == ("completed", "other_hung_up", "12")
    assert call["durationMs"] > 1000


def test_a_recording_is_fetched_with_the_key(phones: Phones) -> None:
    mine, other = phones.make(), phones.make("silent")
    call = phones.call(mine, other["phoneNumber"], {"pauseMs": 500}, {"hangup": True})
    call = phones.over(call)
    assert call["audioUrl"] == f"{phones.ringback.base_url}/sim/v1/calls/{call['id']}/audio"
    path = f"/sim/v1/calls/{call['id']}/audio"
    answer = phones.ringback.request("GET", path)
    assert answer.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as recording:
        assert recording.getnchannels() == 2
        samples = array("h", recording.readframes(recording.getnframes()))
        assert set(samples) == {0}
    assert phones.ringback.request("GET", path, api_key=None).status == 401


def test_phones_speak_and_hear(phones: Phones) -> None:
    need("voice", "numpy")
    mine, other = phones.make(), phones.make("answers")
    call = phones.call(
        mine, other["phoneNumber"], {"waitForSilenceMs": 500}, {"say": "This is Ada"}, {"waitForSilenceMs": 500}, {"hangup": True}
    )  # fmt: skip
    call = phones.over(call)
    assert [(word["who"], word["text"]) for word in call["words"]] == [
        ("other", "Hello?"),
        ("handset", "This is Ada"),
        ("other", "Yes, that works for me."),
    ]


def test_what_is_refused(phones: Phones) -> None:
    mine, other = phones.make(), phones.make()
    path, to = f"/handsets/{mine['id']}/calls", other["phoneNumber"]
    for step in (
        {},
        {"say": "a", "pauseMs": 1},
        {"interruptAfterMs": 5},
        {"hangup": False},
        {"dtmf": "x"},
        {"sing": "la"},
        {"say": " "},
    ):
        refused = phones.ask("POST", path, {"to": to, "script": [step]}, status=422)
        assert refused["error"]["code"] == "VALIDATION_ERROR"
    phones.ask("POST", path, {"to": "nonsense"}, status=422)
    phones.ask("POST", path, {}, status=422)
    phones.ask("POST", "/handsets/hs_nobody/calls", {"to": to}, status=404)
    phones.ask("GET", "/handsets/hs_nobody/calls", status=404)
    for method, what in (
        ("GET", ""),
        ("GET", "/audio"),
        ("POST", "/answer"),
        ("POST", "/decline"),
        ("POST", "/hangup"),
    ):
        refused = phones.ask(method, f"/calls/hsc_nobody{what}", status=404)
        assert refused["error"]["code"] == "CALL_NOT_FOUND"
    phones.ask("POST", "/calls/hsc_nobody/dtmf", {"digits": "1"}, status=404)
    phones.ask("PATCH", f"/handsets/{mine['id']}", {"online": False})
    refused = phones.ask("POST", path, {"to": to}, status=409)
    assert refused["error"]["code"] == "HANDSET_OFFLINE"
    assert phones.ask("GET", path)["total"] == 0


def test_what_the_state_of_a_call_does_not_allow(phones: Phones) -> None:
    mine, other = phones.make(), phones.make()
    call = phones.call(mine, other["phoneNumber"], {"pauseMs": 60_000})
    theirs = phones.rings(other)
    refused = phones.ask("POST", f"/calls/{call['id']}/answer", status=409)
    assert refused["error"]["code"] == "CALL_STATE"
    phones.ask("POST", f"/calls/{call['id']}/dtmf", {"digits": "1"}, status=409)
    while phones.ask("GET", f"/calls/{theirs['id']}")["status"] == "dialing":
        pass
    phones.ask("POST", f"/calls/{theirs['id']}/decline")
    call, theirs = phones.over(call), phones.over(theirs)
    assert [(one["status"], one["reason"]) for one in (call, theirs)] == [("failed", "declined")] * 2
    assert phones.ask("POST", f"/calls/{call['id']}/hangup") == call


def test_the_stream_tells_of_calls(phones: Phones) -> None:
    mine, other = phones.make(), phones.make("busy")
    phones.over(phones.call(mine, other["phoneNumber"]))
    lines: list[str] = []

    def read() -> None:
        import urllib.request

        asked = urllib.request.Request(
            f"{phones.ringback.base_url}/sim/v1/handsets/{mine['id']}/events",
            headers={"Authorization": f"Bearer {phones.ringback.api_key}", "Last-Event-ID": "0"},
        )
        with urllib.request.urlopen(asked, timeout=10) as stream:
            while sum(line.startswith("data:") for line in lines) < 2:
                lines.append(stream.readline().decode())

    reader = threading.Thread(target=read)
    reader.start()
    reader.join(15)
    told = [json.loads(line[5:]) for line in lines if line.startswith("data:")]
    assert {line for line in lines if line.startswith("event:")} == {"event: call\n"}
    assert [(one["status"], one.get("reason")) for one in told] == [("dialing", None), ("failed", "busy")]


def test_a_dead_exchange_is_noticed_and_replaced(
    phones: Phones, ringback: Ringback, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    mine, other = phones.make(), phones.make("silent")
    call = phones.call(mine, other["phoneNumber"], {"pauseMs": 60_000})
    data = (
        Path(request.getfixturevalue("sim").log).parent
        if ringback.settings.sim_url
        else ringback.settings.data
    )
    found = json.loads((data / "voice" / "exchange.json").read_text())
    os.kill(found["pid"], signal.SIGKILL)
    call = phones.over(call)
    assert (call["status"], call["reason"]) == ("failed", "lost")
    again = phones.over(phones.call(mine, other["phoneNumber"], {"hangup": True}))
    assert (again["status"], again["reason"]) == ("completed", "hung_up")
