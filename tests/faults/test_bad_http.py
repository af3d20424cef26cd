"""What is no HTTP, or too much of it, gets our envelope and the end of the connection; nothing of it gets into the log."""

import logging
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from ringback.doors.http.limits import Limits
from ringback.testing import Ringback
from tests.faults.raw import HOST, LONG_S, Wire, another_door

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]

POST = b"POST /v1/agents HTTP/1.1\r\n" + HOST
GET = b"GET /healthz HTTP/1.1\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
BAD = {
    "TLS on this port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2.0": b"GET /healthz HTTP/2.0\r\n" + HOST + b"\r\n",
    "HTTP/1.2": b"GET /healthz HTTP/1.2\r\n" + HOST + b"\r\n",
    "HTTP/0.9": b"GET /healthz HTTP/0.9\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "bytes": bytes(range(256)) * 4,
    "nothing but NUL": b"\x00" * 100,
    "a method that is none": b"BREW /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method in small letters": b"get /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "line feeds alone": b"GET /healthz HTTP/1.1\nHost: localhost\n\n",
    "a line feed alone": GET + b"Host: localhost\n\r\n",
    "carriage returns alone": b"GET /healthz HTTP/1.1\rHost: localhost\r\r",
    "a folded header": GET + HOST + b"A: b\r\n c\r\n\r\n",
    "a space before the colon": GET + b"Host : localhost\r\n\r\n",
    "no colon": GET + b"Host\r\n\r\n",
    "no name": GET + HOST + b": x\r\n\r\n",
    "NUL in a header": GET + HOST + b"A: a\x00b\r\n\r\n",
    "a control character in a header": GET + HOST + b"A: a\x01b\r\n\r\n",
    "a carriage return in a header": GET + HOST + b"A: a\rb\r\n\r\n",
    "UTF-8 in a path": "GET /é HTTP/1.1\r\n".encode() + HOST + b"\r\n",
    "a control character in a path": b"GET /a\x01b HTTP/1.1\r\n" + HOST + b"\r\n",
    "a path without a slash": b"GET healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a query alone": b"GET ?a=b HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT localhost:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT with a path": b"CONNECT /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "another scheme": b"GET ftp://localhost/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a user in the target": b"GET http://user:word@localhost/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a star": b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths that differ": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}",
    "a length below nothing": POST + b"Content-Length: -1\r\n\r\n",
    "a length that no number holds": POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "an empty length": POST + b"Content-Length: \r\n\r\n",
    "chunks twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunks inside": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "another encoding": POST + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "nearly chunks": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks in two headers": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    "a chunk of no number": CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n",
    "a chunk that is longer": CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n",
    "a chunk that no number holds": CHUNKED + b"fffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "chunks with line feeds": CHUNKED + b"3\nabc\n0\n\n",
}  # fmt: skip
TOO_MUCH = {
    "a long path": (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "URI_TOO_LONG"),
    "a path a little too long": (b"GET /" + b"x" * 8_192 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "URI_TOO_LONG"),
    "a path without end": (b"GET /" + b"x" * 1_000_000, 414, "URI_TOO_LONG"),
    "a long query": (b"GET /?a=" + b"x" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "URI_TOO_LONG"),
    "a long header": (GET + HOST + b"A: " + b"x" * 40_000 + b"\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
    "a long name": (GET + HOST + b"x" * 40_000 + b": a\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
    "a header without end": (GET + HOST + b"A: " + b"x" * 3_000_000, 431, "HEADERS_TOO_LARGE"),
    "ten thousand headers": (GET + HOST + b"A: b\r\n" * 10_000 + b"\r\n", 431, "HEADERS_TOO_LARGE"),
    "a hundred and one headers": (GET + HOST + b"A: b\r\n" * 100 + b"\r\n", 431, "HEADERS_TOO_LARGE"),
    "empty lines without end": (b"\r\n" * 500_000, 431, "HEADERS_TOO_LARGE"),
    "trailers without end": (CHUNKED + b"2\r\n{}\r\n0\r\nA: " + b"x" * 1_000_000, 431, "HEADERS_TOO_LARGE"),
    "a chunk's note without end": (CHUNKED + b"2;a=" + b"x" * 1_000_000, 431, "HEADERS_TOO_LARGE"),
}  # fmt: skip


@pytest.fixture
def port(ringback: Ringback) -> int:
    found = urlsplit(ringback.base_url).port
    assert found is not None
    return found


@pytest.fixture
def key(ringback: Ringback) -> bytes:
    return f"Authorization: Bearer {ringback.api_key}\r\n".encode()


@pytest.fixture(autouse=True)
def _quiet(ringback: Ringback, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that a stranger sends is worth a warning, still less a traceback; and afterwards all is as it was."""
    yield
    loud = [record for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in loud] == []
    assert ringback.request("GET", "/v1/agents").json["total"] == 0


def send_all(wire: Wire, raw: bytes) -> None:
    """Send what the server will hardly read to its end."""
    try:
        wire.send(raw)
    except ConnectionError:
        pass


def test_no_http(port: int) -> None:
    for what, raw in BAD.items():
        with Wire(port) as wire:
            send_all(wire, raw)
            wire.answer().check_refusal(400, "BAD_REQUEST", of=what)
            assert wire.rest() == b"", what


def test_too_much(port: int) -> None:
    for what, (raw, status, code) in TOO_MUCH.items():
        with Wire(port) as wire:
            send_all(wire, raw)
            wire.answer().check_refusal(status, code, of=what)
            assert wire.rest() == b"", what


def test_in_pieces(port: int, key: bytes) -> None:
    """However the network cuts it: right stays right, and wrong stays wrong."""
    get = b"GET /v1/agents HTTP/1.1\r\n" + HOST + key + b"A: " + b"x" * 3_000 + b"\r\n\r\n"
    with Wire(port) as wire:
        for piece in (1, 7, 4_000):
            for start in range(0, len(get), piece):
                wire.send(get[start : start + piece])
            assert wire.answer().status == 200
        for start in range(0, 40_000, 4_000):
            send_all(wire, (GET + b"A: " + b"x" * 40_000)[start : start + 4_000])
        wire.answer().check_refusal(431, "HEADERS_TOO_LARGE")


def test_as_much_as_may_be(port: int, key: bytes) -> None:
    with Wire(port) as wire:
        wire.get("/healthz?" + "a=b&" * 2_045)
        assert wire.answer().status == 200
        wire.get("/healthz", *[b"A: b\r\n"] * 99)
        assert wire.answer().status == 200
        wire.get("/v1/agents", key, b"A: " + b"x" * 32_000 + b"\r\n")
        assert wire.answer().status == 200


def test_a_target_with_a_host(port: int) -> None:
    """The target's host counts, and the header's doesn't (RFC 9112, 3.2.2)."""
    for target, host, status in (
        (b"http://localhost/healthz", b"evil.example", 200),
        (b"HTTP://127.0.0.1:1/healthz?a=b", b"localhost", 200),
        (b"http://evil.example/healthz", b"localhost", 403),
        (b"http://evil.example", b"localhost", 403),
        (b"http://evil.example?a=http://localhost/", b"localhost", 403),
    ):
        with Wire(port) as wire:
            wire.send(b"GET ", target, b" HTTP/1.1\r\nHost: ", host, b"\r\n\r\n")
            assert wire.answer().status == status, target


def test_offers_of_another_protocol_are_passed_over(port: int, key: bytes) -> None:
    """Java's client offers HTTP/2 with its first request, and its body must not get lost over that."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
    body = b'{"name": ""}'
    post = POST + key + offer + b"Content-Type: application/json\r\nContent-Length: 12\r\n\r\n"
    with Wire(port) as wire:
        wire.send(post, body, b"GET /healthz HTTP/1.1\r\n", HOST, offer, b"\r\n")
        assert wire.answer().json["error"]["details"][0]["field"] == "name"
        assert wire.answer().json == {"status": "ok"}
        wire.send(post)
        wire.send(body)
        assert wire.answer().json["error"]["details"][0]["field"] == "name"
        wire.send(GET, HOST, b"Connection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert wire.answer().headers["connection"] == "close"
        assert wire.rest() == b""


def test_trailers_are_no_headers(port: int, key: bytes) -> None:
    body = b'c\r\n{"name": ""}\r\n0\r\nAuthorization: Bearer nobody\r\nHost: evil.example\r\n\r\n'
    with Wire(port) as wire:
        wire.send(POST, key, b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", body)
        assert wire.answer().status == 422


def test_many_at_once_are_answered_in_order(port: int, key: bytes) -> None:
    with Wire(port) as wire:
        wire.send(*[b"GET /v1/agents?limit=%d HTTP/1.1\r\n%s%s\r\n" % (n, HOST, key) for n in range(31)])
        assert [wire.answer().status for _ in range(31)] == [422, *[200] * 30]


def test_right_requests_before_a_wrong_one_are_answered_first(port: int, key: bytes) -> None:
    right = b"GET /v1/agents HTTP/1.1\r\n" + HOST + key + b"\r\n"
    wrong = [(raw, 400, "BAD_REQUEST") for raw in BAD.values()]
    for raw, status, code in (*wrong, *TOO_MUCH.values()):
        with Wire(port) as wire:
            send_all(wire, right * 5 + raw)
            assert [wire.answer().status for _ in range(5)] == [200] * 5, raw[:200]
            wire.answer().check_refusal(status, code, of=str(raw[:200]))
            assert wire.rest() == b"", raw[:200]


def test_too_many_at_once(port: int) -> None:
    with Wire(port) as wire:
        wire.send((GET + HOST + b"\r\n") * 100)
        answers = [wire.answer() for _ in range(34)]
        assert {answer.status for answer in answers[:33]} == {200}
        answers[33].check_refusal(400, "BAD_REQUEST")


def test_what_is_no_request_has_no_effect(port: int, key: bytes) -> None:
    """The head is whole before its framing is known to be wrong: nothing may have begun by then."""
    begin = b"POST /v1/numbers HTTP/1.1\r\n" + HOST + key + b"Content-Type: application/json\r\n"
    with Wire(port) as wire:
        wire.send(begin, b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
        wire.answer().check_refusal(400, "BAD_REQUEST")
    with Wire(port) as wire:
        wire.get("/v1/numbers", key)
        assert wire.answer().json["total"] == 0


def test_a_body_over_the_limit_is_refused_while_it_is_sent(port: int, key: bytes) -> None:
    """The client sends five times as much as is read, and hears the answer all the same."""
    for length in (b"Content-Length: 9000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n500000\r\n"):
        with Wire(port) as wire:
            send_all(wire, POST + key + b"Content-Type: application/json\r\n" + length + b"x" * 5_000_000)
            refused = wire.answer()
            assert (refused.status, refused.json["error"]["code"]) == (413, "BODY_TOO_LARGE")
            assert refused.headers["connection"] == "close"
            assert wire.rest() == b""


def test_a_body_over_the_limit_is_not_asked_for(port: int, key: bytes) -> None:
    asks = b"Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: "
    with Wire(port) as wire:
        wire.send(POST, key, asks, b"9000000\r\n\r\n")
        assert wire.answer().status == 413
    with Wire(port) as wire:
        wire.send(POST, key, asks, b"12\r\n\r\n")
        assert wire.answer().status == 100
        wire.send(b'{"name": ""}')
        assert wire.answer().status == 422


def test_a_client_that_leaves_halfway(port: int, key: bytes) -> None:
    """In the head, in the body, or before the answer, also of operations that read no body by themselves."""
    sim = b"POST /sim/v1/handsets HTTP/1.1\r\n" + HOST + key + b"Idempotency-Key: halfway\r\n"
    for raw in (
        b"GET /hea",
        GET + HOST,
        POST + key + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        POST + key + b"Idempotency-Key: halfway\r\nContent-Length: 100\r\n\r\n{",
        b"POST /v1/messages HTTP/1.1\r\n" + HOST + key + b"Content-Length: 100\r\n\r\n{",
        b"POST /v1/webhooks/test HTTP/1.1\r\n" + HOST + key + b"Idempotency-Key: x\r\nContent-Length: 9\r\n\r\n",
        sim + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        (b"GET /v1/agents HTTP/1.1\r\n" + HOST + key + b"\r\n") * 5,
    ):  # fmt: skip
        for _ in range(5):
            with Wire(port) as wire:
                wire.send(raw)
    with Wire(port) as wire:
        wire.get("/healthz")
        assert wire.answer().status == 200


def test_a_client_that_leaves_an_answer_in_the_middle(port: int, ringback: Ringback, handset: Any) -> None:
    phone = handset(name="left")
    auth = f"Authorization: Bearer {ringback.api_key}\r\n".encode()
    for path in ("/sim/v1/events", f"/sim/v1/handsets/{phone.id}/messages?wait=30"):
        with Wire(port) as wire:
            wire.get(path, auth)
            wire.send(b"GET /healthz HTTP/1.1\r\n", HOST, b"\r\n")  # one more waits behind it
    phone.text("+12025550143", "still here")


def test_a_client_that_sends_no_more_gets_its_answers(port: int, key: bytes) -> None:
    """As `nc -N` does."""
    with Wire(port) as wire:
        wire.get("/v1/numbers", key)
        wire.send(
            b"POST /v1/agents HTTP/1.1\r\n",
            HOST,
            key,
            b"Content-Length: 15\r\n\r\n",
            b'{"name": "Half"}'[:15],
        )
        wire.socket.shutdown(socket.SHUT_WR)
        assert [wire.answer().status for _ in range(2)] == [200, 422]
        assert wire.rest() == b""


def test_a_client_that_sends_no_more_gets_the_rest_of_an_answer(port: int, ringback: Ringback) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"x" * 4_500_000
    kind = {"Content-Type": "image/png"}
    path = urlsplit(ringback.request("POST", "/sim/v1/media", content=picture, headers=kind).json["url"]).path
    with Wire(port, receive_buffer=4_096) as wire:
        wire.get(path)
        wire.read_more()
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.answer().content == picture
        assert wire.rest() == b""


def test_a_client_that_sends_no_more_is_not_waited_for_for_ever(
    key: bytes, ringback: Ringback, handset: Any
) -> None:
    """It may be gone."""
    phone = handset()
    begun = time.monotonic()
    with another_door(ringback, Limits(half_closed_s=0.3)) as door, Wire(door.port) as wire:
        wire.get(f"/sim/v1/handsets/{phone.id}/messages?wait=60", key)
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.rest() == b""
    assert 0.3 <= time.monotonic() - begun < LONG_S


def test_whatever_takes_its_time_is_waited_for(ringback: Ringback) -> None:
    longest = "/sim/v1/handsets/hs_x/messages?wait="
    assert ringback.request("GET", f"{longest}60").status == 404
    assert ringback.request("GET", f"{longest}61").status == 422
    assert Limits().half_closed_s > 60


def test_a_stream_ends_with_what_its_client_sends(port: int, key: bytes) -> None:
    with Wire(port) as wire:
        wire.get("/sim/v1/events", key)
        wire.read_more()
        wire.socket.shutdown(socket.SHUT_WR)
        wire.rest()


@pytest.mark.parametrize("path", ["/v1/events/stream", "/sim/v1/events"])
def test_a_stream_ends_whose_client_sends_no_more_when_it_begins(port: int, key: bytes, path: str) -> None:
    """Whether it had begun by then, nobody can know."""
    for behind in ((), ("/v1/numbers",)):
        with Wire(port) as wire:
            for asked in ("/v1/agents", path, *behind):
                wire.get(asked, key)
            wire.socket.shutdown(socket.SHUT_WR)
            assert wire.answer().status == 200
            assert wire.rest().startswith(b"HTTP/1.1 200 OK\r\n")


def test_bodies_and_targets_that_are_not_what_they_seem(port: int, key: bytes) -> None:
    post = [b"POST /v1/agents HTTP/1.1\r\n", HOST, key, b"Content-Length: 12\r\n"]
    for header in (
        b"Content-Type: application/json; charset=latin-1\r\n",
        b"Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
    ):
        with Wire(port) as wire:
            wire.send(*post, header, b"\r\n", b'{"name":"x"}')
            heard = wire.answer()
            assert (heard.status, heard.json["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    for parameter in (
        b'charset="UTF-8"',
        b"Charset=us-ascii",
        b"profile=charset",
        b"profile=x; charset=utf-8",
    ):
        with Wire(port) as wire:
            kind = b"Content-Type: application/json; " + parameter + b"\r\nContent-Encoding: identity\r\n\r\n"
            wire.send(*post, kind, b'{"nome":"x"}')
            assert wire.answer().status == 422
    with Wire(port) as wire:
        wire.get("/v1/numbers#all", key)
        wire.answer().check_refusal(400, "BAD_REQUEST")
