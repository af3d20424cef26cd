"""A request must come in in time and an answer must be taken; what the server takes its time over may last.

All limits are a fraction of a second here, and nothing is measured but the order in which things happen.
"""

import logging
import time
from collections.abc import Iterator

import pytest

from ringback.doors.http.limits import Limits
from ringback.testing import Handsets, Ringback
from tests.faults.raw import HOST, Door, Wire, another_door, until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]

SHORT = Limits(
    head_timeout_s=0.3, request_timeout_s=0.3, answer_timeout_s=0.5, idle_timeout_s=0.3, linger_s=0.3
)
NEVER_S = 600.0
POST = b"POST /v1/agents HTTP/1.1\r\n" + HOST


@pytest.fixture
def key(ringback: Ringback) -> bytes:
    return f"Authorization: Bearer {ringback.api_key}\r\nContent-Type: application/json\r\n".encode()


@pytest.fixture
def door(ringback: Ringback) -> Iterator[Door]:
    """Its other listener takes little at once, so that an answer soon waits for its reader."""
    with another_door(ringback, SHORT, send_buffer=16_384) as door:
        yield door


@pytest.fixture(autouse=True)
def _quiet(ringback: Ringback, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    loud = [record for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in loud] == []


def test_a_head_that_drips(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nA: ")
        assert wire.drip()
        wire.answer().check_refusal(408, "REQUEST_TIMEOUT")
        assert wire.rest() == b""


def test_a_head_that_stops(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\n")
        wire.answer().check_refusal(408, "REQUEST_TIMEOUT")


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 5000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5000\r\n"]
)
def test_a_body_that_drips(ringback: Ringback, door: Door, key: bytes, framing: bytes) -> None:
    with Wire(door.port) as wire:
        wire.send(POST, key, framing, b'{"name": "')
        assert wire.drip()
        wire.answer().check_refusal(408, "REQUEST_TIMEOUT")
        assert wire.rest() == b""
    assert ringback.request("GET", "/v1/agents").json["total"] == 0


def test_chunks_of_one_byte(door: Door, key: bytes) -> None:
    with Wire(door.port) as wire:
        wire.send(POST, key, b"Transfer-Encoding: chunked\r\n\r\n")
        assert wire.drip(b"1\r\n \r\n")
        wire.answer().check_refusal(408, "REQUEST_TIMEOUT")


def test_the_second_request_of_a_connection_is_watched_too(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.get("/healthz")
        assert wire.answer().status == 200
        wire.send(b"GET /hea")
        wire.answer().check_refusal(408, "REQUEST_TIMEOUT")
    with Wire(door.port) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\n", HOST, b"\r\nGET /hea")
        assert wire.answer().status == 200
        wire.answer().check_refusal(408, "REQUEST_TIMEOUT")


def test_nobody_says_anything(door: Door) -> None:
    with Wire(door.port) as silent, Wire(door.port) as idle, Wire(door.port) as lines:
        idle.get("/healthz")
        assert idle.answer().status == 200
        assert lines.drip(b"\r\n")
        assert silent.rest() == b""
        assert idle.rest() == b""
        assert lines.rest() == b""
    until(lambda: door.connections == 0)


def test_idle_after_empty_lines(door: Door) -> None:
    """What says nothing keeps nothing open."""
    with Wire(door.port) as wire:
        wire.get("/healthz")
        assert wire.answer().status == 200
        assert wire.drip(b"\r\n")


def test_a_slow_but_honest_client(ringback: Ringback, key: bytes) -> None:
    """Pieces with pauses that are longer than some limits, within each of its own."""
    patient = Limits(
        head_timeout_s=NEVER_S,
        request_timeout_s=NEVER_S,
        answer_timeout_s=0.1,
        idle_timeout_s=NEVER_S,
        linger_s=0.1,
    )
    body = b'{"name": "Ada"}'
    raw = POST + key + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with another_door(ringback, patient) as door, Wire(door.port) as wire:
        for start in range(0, len(raw), 40):
            wire.send(raw[start : start + 40])
            time.sleep(0.1)
        assert wire.answer().status == 200


def test_a_long_poll_lives_longer_than_all_limits(
    ringback: Ringback, door: Door, key: bytes, handset: Handsets
) -> None:
    phone = handset()
    with Wire(door.port) as wire:
        wire.get(f"/sim/v1/handsets/{phone.id}/messages?wait=2", key)
        assert wire.answer().json["data"] == []
        wire.get("/healthz")
        assert wire.answer().status == 200


def test_a_stream_lives_longer_than_all_limits(
    ringback: Ringback, door: Door, key: bytes, handset: Handsets
) -> None:
    phone = handset()
    number = ringback.request("POST", "/v1/numbers", json={}).json
    with Wire(door.port) as wire:
        wire.get(f"/sim/v1/handsets/{phone.id}/events", key)
        time.sleep(2)
        phone.text(number["phoneNumber"], "late")
        heard = b""
        while b"late" not in heard:
            got = wire.socket.recv(65_536)
            assert got, heard
            heard += got


@pytest.fixture
def large(ringback: Ringback) -> int:
    """Agents whose list is an answer of some megabytes; its size."""
    for n in range(20):
        agent = {"name": f"large {n}", "systemPrompt": "x" * 100_000}
        assert ringback.request("POST", "/v1/agents", json=agent).status == 200
    return len(ringback.request("GET", "/v1/agents").content)


def test_a_client_that_never_reads(door: Door, key: bytes, large: int) -> None:
    """It gets no more than one answer ready for it, and is dropped."""
    with Wire(door.port, receive_buffer=4_096) as wire:
        wire.send((b"GET /v1/agents HTTP/1.1\r\n" + HOST + key + b"\r\n") * 20)
        most, end = 0, time.monotonic() + 30
        while time.monotonic() < end:
            most = max(most, door.unsent())
            if most and not door.connections:
                break
            time.sleep(0.005)
        assert door.connections == 0
        assert most < 2 * large
        assert len(wire.rest()) < 2 * large


def test_a_client_that_never_reads_its_last_answer(door: Door, key: bytes, large: int) -> None:
    """The connection is to close, and would wait for ever to be rid of what it holds."""
    with Wire(door.port, receive_buffer=4_096) as wire:
        wire.get("/v1/agents", key, b"Connection: close\r\n")
        until(lambda: door.unsent() > 0)
        until(lambda: door.connections == 0)


def test_a_client_that_reads_slowly(door: Door, key: bytes, large: int) -> None:
    """It takes longer than an answer may lie still, and gets all of it, since it goes on."""
    with Wire(door.port, receive_buffer=65_536) as wire:
        wire.get("/v1/agents", key, b"Connection: close\r\n")
        got = 0
        while piece := wire.socket.recv(65_536):
            got += len(piece)
            time.sleep(0.05)
        assert got > large


def test_a_refused_client_that_goes_on_sending(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.send(b"nonsense\r\n\r\n")
        wire.answer().check_refusal(400, "BAD_REQUEST")
        assert wire.rest() == b""
        assert wire.send_until_cut(b"x" * 1_000, every_s=0.01)
    until(lambda: door.connections == 0)


def test_a_refused_body_that_is_sent_for_ever(door: Door, key: bytes) -> None:
    with Wire(door.port) as wire:
        wire.send(POST, key, b"Content-Length: 2000000000\r\n\r\n")
        assert wire.answer().status == 413
        assert wire.send_until_cut(b"x" * 100_000, every_s=0)
    until(lambda: door.connections == 0)


def test_full_of_idle_connections(ringback: Ringback, caplog: pytest.LogCaptureFixture) -> None:
    """The longest idle make room."""
    limits = Limits(max_connections=20, head_timeout_s=NEVER_S, idle_timeout_s=NEVER_S)
    with another_door(ringback, limits) as door:
        idle = [Wire(door.port) for _ in range(20)]
        for wire in idle:
            wire.get("/healthz")
            assert wire.answer().status == 200
        for _ in range(50):
            with Wire(door.port) as wire:
                wire.get("/healthz")
                assert wire.answer().status == 200
        assert idle[0].rest() == b""
        newest = idle[-1]
        newest.get("/healthz")
        assert newest.answer().status == 200
        for wire in idle:
            wire.close()
    caplog.clear()


def test_full_of_connections_at_work(
    ringback: Ringback, handset: Handsets, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody's work is ended for another's; who comes now is told to come again."""
    key = f"Authorization: Bearer {ringback.api_key}\r\n".encode()
    phone = handset()
    limits = Limits(max_connections=10, linger_s=0.3)
    with another_door(ringback, limits) as door:
        waiting = [Wire(door.port) for _ in range(10)]
        for wire in waiting:
            wire.get(f"/sim/v1/handsets/{phone.id}/messages?wait=60", key)
        until(lambda: len(door.web.server_state.tasks) == 10)
        for _ in range(3):
            with Wire(door.port) as late:
                late.get("/healthz")
                refused = late.answer()
                refused.check_refusal(503, "TOO_MANY_CONNECTIONS")
                assert refused.headers["retry-after"] == "1"
        number = ringback.request("POST", "/v1/numbers", json={}).json
        ringback.request(
            "POST", "/v1/messages", json={"number_id": number["id"], "to_number": phone.number, "body": "hi"}
        )
        for wire in waiting:
            assert [text["body"] for text in wire.answer().json["data"]] == ["hi"]
        until(lambda: is_answered(door))
        for wire in waiting:
            wire.close()
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1
    assert "all connections are taken" in told[0].getMessage()
    caplog.clear()


def is_answered(door: Door) -> bool:
    with Wire(door.port) as wire:
        wire.get("/healthz")
        return wire.answer().status == 200


def test_more_than_can_be_told(
    ringback: Ringback, handset: Handsets, caplog: pytest.LogCaptureFixture
) -> None:
    """Beyond the limit and some more, connections are cut, so that there is a bound to the files they take."""
    key = f"Authorization: Bearer {ringback.api_key}\r\n".encode()
    phone = handset()
    with another_door(ringback, Limits(max_connections=10, linger_s=NEVER_S)) as door:
        waiting = [Wire(door.port) for _ in range(10)]
        for wire in waiting:
            wire.get(f"/sim/v1/handsets/{phone.id}/messages?wait=60", key)
        until(lambda: len(door.web.server_state.tasks) == 10)
        crowd = [Wire(door.port) for _ in range(200)]
        heard = [wire.rest() for wire in crowd]
        assert door.connections == 74
        assert sum(b"TOO_MANY_CONNECTIONS" in said for said in heard) == 64
        assert heard.count(b"") == 136
        for wire in (*crowd, *waiting):
            wire.close()
    caplog.clear()
