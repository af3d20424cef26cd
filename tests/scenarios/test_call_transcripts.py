"""What was said, in both forms and as a stream; and recordings: who may hear them, and their end."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from ringback.flows import hold_calls
from ringback.kit.clock import real_ms
from ringback.testing import Clock, Ringback
from tests.phones import at, until
from tests.scenarios.test_calls import ANN, get, hosted, place
from tests.switchboard import HOST, Exchange

pytestmark = pytest.mark.scenario

WAV = b"RIFF" + bytes(range(256)) * 8


@pytest.fixture
def exchange(ringback: Ringback) -> Exchange:
    return Exchange(ringback)


@pytest.fixture
def call_id(ringback: Ringback, exchange: Exchange) -> str:
    """A call that was answered."""
    call: str = place(ringback, hosted(ringback)[0])["id"]
    exchange.answered(call)
    return call


class Stream:
    """A transcript's stream, line by line."""

    def __init__(self, ringback: Ringback, call_id: str) -> None:
        parts = urlsplit(ringback.base_url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        headers = {"Authorization": f"Bearer {ringback.api_key}"}
        self._connection.request("GET", f"/v1/calls/{call_id}/transcript/stream", headers=headers)
        self.answer = self._connection.getresponse()
        assert self.answer.status == 200
        assert self.answer.headers["Content-Type"].startswith("text/event-stream")

    def events(self) -> Iterator[tuple[str, Any]]:
        """Events, and `(":", comment)` for comments, until the server ends the stream."""
        name = ""
        while line := self.answer.readline().decode():
            line = line.rstrip("\n")
            if line.startswith(":"):
                yield ":", line
            elif line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                assert name, "event comes before data"
                yield name, json.loads(line.removeprefix("data: "))
                name = ""
        self._connection.close()


def test_both_forms(ringback: Ringback, exchange: Exchange, call_id: str) -> None:
    for role, text, turn in (
        ("agent", "Hello.", "g"),
        ("user", "I want", "1"),
        ("user", "a table.", "1"),
        ("agent", "One moment.", "1"),
        ("agent", "Done.", "1"),
        ("user", "Thanks.", "2"),
    ):
        exchange.say(call_id, role, text, turn)
    told = get(ringback, f"/v1/calls/{call_id}/transcript")
    assert (told["callId"], told["status"]) == (call_id, "in-progress")
    assert [(entry["transcript"], entry["response"]) for entry in told["transcripts"]] == [
        ("", "Hello."),
        ("I want a table.", "One moment. Done."),
        ("Thanks.", None),
    ]
    assert [(said["role"], said["content"]) for said in told["transcript"]][:3] == [
        ("agent", "Hello."),
        ("user", "I want"),
        ("user", "a table."),
    ]
    assert get(ringback, f"/v1/calls/{call_id}")["transcripts"] == told["transcripts"]


def test_a_stream_replays_goes_on_and_ends(ringback: Ringback, exchange: Exchange, call_id: str) -> None:
    exchange.say(call_id, "agent", "Hello\nthere.")
    events = Stream(ringback, call_id).events()
    assert next(events) == ("connected", {"callId": call_id, "status": "in-progress"})
    name, turn = next(events)
    assert (name, turn["role"], turn["content"]) == ("turn", "agent", "Hello\nthere.")
    assert at(turn["createdAt"])
    begun = time.monotonic()
    exchange.say(call_id, "user", "Hi.")
    assert next(events)[1]["content"] == "Hi."
    assert time.monotonic() - begun < 1, "as it is said, not at the next look"
    exchange.tell(call_id, "ended", at=3_000, reason="user_hangup")
    ended = {
        "callId": call_id,
        "status": "completed",
        "durationSeconds": 3,
        "disconnectionReason": "user_hangup",
    }
    assert list(events) == [("ended", ended)]
    again = list(Stream(ringback, call_id).events())
    assert [name for name, _ in again] == ["connected", "turn", "turn", "ended"]


def test_a_silent_stream_beats(
    ringback: Ringback, exchange: Exchange, call_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringback.doors.rest.endpoints.call_transcript.HEARTBEAT_S", 0.1)
    events = Stream(ringback, call_id).events()
    assert [next(events)[0] for _ in range(3)] == ["connected", ":", ":"]
    exchange.tell(call_id, "ended", reason="busy")
    assert list(events)[-1][0] == "ended"


def test_streams_end_when_the_server_stops(ringback: Ringback, call_id: str) -> None:
    stream = Stream(ringback, call_id)
    events = stream.events()
    assert next(events)[0] == "connected"
    thread = threading.Thread(target=ringback.stop)
    thread.start()
    assert list(events) == []
    thread.join()


def recorded(ringback: Ringback, exchange: Exchange, call_id: str) -> str:
    """The path and query of the call's `recordingUrl`, when it has ended."""
    exchange.record(call_id, WAV)
    exchange.tell(call_id, "ended", at=1_000, reason="user_hangup")
    call = get(ringback, f"/v1/calls/{call_id}")
    assert call["recordingAvailable"] is True
    assert call["recordingUrl"].startswith(f"{ringback.base_url}/v1/calls/{call_id}/recording?")
    return str(call["recordingUrl"].removeprefix(ringback.base_url))


def test_a_recording(ringback: Ringback, exchange: Exchange, call_id: str) -> None:
    path = f"/v1/calls/{call_id}/recording"
    assert ringback.request("GET", path).json["error"]["code"] == "RECORDING_NOT_FOUND"
    signed = recorded(ringback, exchange, call_id)
    for answer in (ringback.request("GET", path), ringback.request("GET", signed, api_key=None)):
        assert (answer.status, answer.content) == (200, WAV)
        assert answer.headers["content-type"] == "audio/wav"
        assert f"recording-{call_id}.wav" in answer.headers["content-disposition"]
    head = ringback.request("HEAD", signed, api_key=None)
    assert (head.status, head.content, head.headers["content-length"]) == (200, b"", str(len(WAV)))
    for asked, status, content in (
        ("bytes=4-7", 206, WAV[4:8]),
        ("bytes=2000-", 206, WAV[2000:]),
        ("bytes=-10", 206, WAV[-10:]),
        ("bytes=0-0,5-5", 200, WAV),
        ("bytes=99999-", 200, WAV),
        ("bytes=7-4", 200, WAV),
        ("nonsense", 200, WAV),
    ):
        answer = ringback.request("GET", path, headers={"Range": asked})
        assert (answer.status, answer.content) == (status, content), asked
    assert answer.headers["accept-ranges"] == "bytes"


def test_who_may_hear_a_recording(ringback: Ringback, exchange: Exchange, call_id: str, clock: Clock) -> None:
    signed = recorded(ringback, exchange, call_id)
    path, _, query = signed.partition("?")
    other = place(ringback, hosted(ringback)[0])["id"]
    assert ringback.request("GET", path, api_key=None).status == 401
    assert ringback.request("GET", path, api_key=ringback.new_account()).status == 404
    assert ringback.request("GET", signed, api_key="sk_live_wrong").status == 401
    for wrong in (
        query[:-1] + ("0" if query[-1] != "0" else "1"),
        query.replace("expires=1", "expires=2"),
        query.replace("expires=", "expires=x"),
        query.replace("account=acct_", "account=acct_0"),
        "signature=",
        "signature=%C3%A9",
    ):
        answer = ringback.request("GET", f"{path}?{wrong}", api_key=None)
        assert answer.status == 401, wrong
    assert ringback.request("GET", f"/v1/calls/{other}/recording?{query}", api_key=None).status == 401
    clock.advance(hours=23)
    assert ringback.request("GET", signed, api_key=None).status == 200
    clock.advance(hours=3)
    assert ringback.request("GET", signed, api_key=None).status == 401
    fresh = get(ringback, f"/v1/calls/{call_id}")["recordingUrl"].removeprefix(ringback.base_url)
    assert ringback.request("GET", fresh, api_key=None).status == 200


def test_deleting_a_recording(ringback: Ringback, exchange: Exchange, call_id: str) -> None:
    path = f"/v1/calls/{call_id}/recording"
    exchange.record(call_id, WAV)
    going_on = ringback.request("DELETE", path)
    assert (going_on.status, going_on.json["error"]["code"]) == (409, "CALL_IN_PROGRESS")
    exchange.tell(call_id, "ended", reason="user_hangup")
    file = exchange.facts.recording_path(exchange.row(call_id))
    assert file.is_file()
    assert ringback.request("DELETE", path).json == {"success": True, "id": call_id}
    assert not file.exists()
    for method in ("GET", "DELETE"):
        assert ringback.request(method, path).json["error"]["code"] == "RECORDING_NOT_FOUND"
    call = get(ringback, f"/v1/calls/{call_id}")
    assert (call["recordingAvailable"], call["recordingUrl"], call["ringback"]["recording"]) == (
        False,
        None,
        "deleted",
    )
    events = get(ringback, "/v1/events", types="recording.*")["data"]
    assert [(event["type"], event["data"].get("reason")) for event in events] == [
        ("recording.available", None),
        ("recording.deleted", "asked"),
    ]


def test_recordings_expire_by_age(ringback: Ringback, exchange: Exchange, call_id: str, clock: Clock) -> None:
    recorded(ringback, exchange, call_id)
    file = exchange.facts.recording_path(exchange.row(call_id))
    clock.advance(days=89)
    assert file.is_file()
    clock.advance(days=2)
    assert not file.exists(), "it happened on the way"
    assert exchange.row(call_id)["recording"] == "deleted"


def test_a_sub_account_takes_its_recordings_with_it(ringback: Ringback, exchange: Exchange) -> None:
    sub = ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}).json["id"]

    def ask(method: str, path: str, body: Any = None) -> Any:
        answer = ringback.request(method, path, json=body, headers={"X-Sub-Account-Id": sub})
        assert answer.status == 200, answer.json
        return answer.json

    settings = {"name": "Desk", "voiceMode": "hosted", "systemPrompt": "Be kind."}
    agent = ask("POST", "/v1/agents", settings)["id"]
    number = ask("POST", "/v1/numbers", {"agentId": agent})["id"]
    over = ask("POST", "/v1/calls", {"agentId": agent, "toNumber": ANN})["id"]
    going_on = ask("POST", "/v1/calls", {"agentId": agent, "toNumber": ANN})["id"]
    for one in (over, going_on):
        exchange.answered(one)
    signed = recorded_of(ask, exchange, over)
    ask("DELETE", f"/v1/numbers/{number}")
    assert ringback.request("DELETE", f"/v1/sub-accounts/{sub}").status == 200
    assert ringback.request("GET", signed, api_key=None).status == 404
    # The one that its host still held is recorded to its end.
    exchange.record(going_on, WAV)
    exchange.tell(going_on, "ended", reason="api_end")
    files = [exchange.facts.recording_path(exchange.row(one)) for one in (over, going_on)]
    assert all(file.is_file() for file in files)
    ringback.on_loop(ringback.server.calling.keeper.erase_recordings())
    assert not any(file.exists() for file in files)
    assert {exchange.row(one)["recording"] for one in (over, going_on)} == {"deleted"}


def recorded_of(ask: Callable[[str, str], Any], exchange: Exchange, call_id: str) -> str:
    exchange.record(call_id, WAV)
    exchange.tell(call_id, "ended", at=1_000, reason="user_hangup")
    url = urlsplit(ask("GET", f"/v1/calls/{call_id}")["recordingUrl"])
    return f"{url.path}?{url.query}"


def test_what_a_lost_call_recorded_is_known(ringback: Ringback, exchange: Exchange, call_id: str) -> None:
    """Its host died with its children, and no other took it over."""
    path = exchange.facts.recording_path(exchange.row(call_id))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(44 + 2 * 32_000))
    long_ago = real_ms() - 3_600_000
    ringback.on_loop(exchange.store.write(lambda tx: hold_calls.say_alive(tx, HOST, until=long_ago)))
    ringback.on_loop(ringback.server.calling.keeper.end_lost())
    call = get(ringback, f"/v1/calls/{call_id}")
    assert (call["disconnectionReason"], call["recordingAvailable"]) == ("worker_lost", True)
    assert call["ringback"]["recordingMs"] == 2_000
    assert ringback.request("DELETE", f"/v1/calls/{call_id}/recording").status == 200
    assert not path.exists()


@pytest.mark.parametrize(
    ("asked", "recorded"),
    [
        ({}, True),
        ({"disableRecording": True}, False),
        ({"ringback": {"record": False}}, False),
        ({"disableRecording": True, "ringback": {"record": True}}, False),
    ],
)
def test_whether_a_call_is_recorded(
    ringback: Ringback, exchange: Exchange, asked: dict[str, Any], recorded: bool
) -> None:
    plan = exchange.answered(place(ringback, hosted(ringback)[0], **asked)["id"])
    assert plan["record"] is recorded
    assert (plan["recording_path"] is not None) is recorded


class TestNotRecordedBySetting:
    @pytest.fixture
    def ringback_settings(self) -> dict[str, Any]:
        return {"record_calls": False}

    def test_recording_is_off_and_on_by_request(self, ringback: Ringback, exchange: Exchange) -> None:
        agent, number = hosted(ringback)
        assert exchange.answered(place(ringback, agent)["id"])["record"] is False
        assert exchange.answered(place(ringback, agent, ringback={"record": True})["id"])["record"] is True
        plan = exchange.ring(number["phoneNumber"], ANN)
        assert plan["record"] is False
        exchange.record(plan["call_id"], WAV)
        assert get(ringback, f"/v1/calls/{plan['call_id']}")["recordingAvailable"] is False


def test_calls_that_nobody_holds_end_with_the_truth(
    ringback: Ringback, exchange: Exchange, call_id: str
) -> None:
    keeper = ringback.server.calling.keeper
    ringback.on_loop(keeper.end_lost())
    assert get(ringback, f"/v1/calls/{call_id}")["status"] == "in-progress"
    ringback.on_loop(exchange.store.write(lambda tx: hold_calls.leave(tx, HOST)))
    ringback.on_loop(keeper.end_lost())
    call = until(lambda: (found := get(ringback, f"/v1/calls/{call_id}"))["endedAt"] and found)
    assert (call["status"], call["disconnectionReason"]) == ("failed", "worker_lost")
    assert call["ringback"]["endingSide"] == "ringback"


def test_after_an_outage_of_the_store_hosts_get_their_grace_again(
    ringback: Ringback, exchange: Exchange, call_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could say that he lives, and what was said meanwhile is still on its way."""
    keeper = ringback.server.calling.keeper
    ringback.on_loop(keeper.end_lost())
    ringback.on_loop(exchange.store.write(lambda tx: hold_calls.leave(tx, HOST)))
    begun = real_ms()
    for away_ms, status in ((150_000, "in-progress"), (160_000, "in-progress"), (190_001, "failed")):
        # Looks are never far apart but for the outage.
        monkeypatch.setattr("ringback.calls.jobs.real_ms", lambda at=begun + away_ms: at)
        keeper._looked = keeper._looked if away_ms == 150_000 else begun + away_ms - 5_000
        ringback.on_loop(keeper.end_lost())
        assert get(ringback, f"/v1/calls/{call_id}")["status"] == status, away_ms
