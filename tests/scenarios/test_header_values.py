"""White space around a header's value is none of it (RFC 9112, 5.1)."""

from urllib.parse import urlsplit

import pytest

from ringback.testing import Ringback
from tests.faults.raw import HOST, Heard, Wire

pytestmark = pytest.mark.scenario
SPACES = (b"", b" ", b"\t", b" \t ")


@pytest.fixture
def sub(ringback: Ringback) -> bytes:
    made = ringback.request("POST", "/v1/sub-accounts", json={"name": "Branch"}).json
    return str(made["id"]).encode()


def ask(ringback: Ringback, method: bytes, path: bytes, body: bytes = b"", **headers: bytes) -> Heard:
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    named.setdefault(b"Authorization", b"Bearer " + ringback.api_key.encode())
    if body:
        named[b"Content-Length"] = b"%d" % len(body)
    lines = [b"%s: %s\r\n" % header for header in named.items()]
    with Wire(urlsplit(ringback.base_url).port or 0) as wire:
        wire.send(b"%s %s HTTP/1.1\r\n" % (method, path), HOST, *lines, b"\r\n", body)
        return wire.answer()


@pytest.mark.parametrize("space", SPACES)
def test_around_a_key_and_a_sub_account(ringback: Ringback, sub: bytes, space: bytes) -> None:
    key = b"Bearer " + ringback.api_key.encode()
    answer = ask(
        ringback, b"GET", b"/v1/agents", Authorization=key + space, X_Sub_Account_Id=space + sub + space
    )
    assert answer.status == 200


def test_around_an_idempotency_key(ringback: Ringback) -> None:
    made = {
        ask(
            ringback, b"POST", b"/v1/agents", b'{"name": "Desk"}',
            Idempotency_Key=b"k" + space, Content_Type=b"application/json" + space,
        ).json["id"]
        for space in SPACES
    }  # fmt: skip
    assert len(made) == 1, "one key, one agent"


@pytest.mark.parametrize("space", SPACES)
def test_around_the_type_of_a_hot_request(ringback: Ringback, space: bytes) -> None:
    kind = b"application/json;charset=utf-8" + space
    answer = ask(ringback, b"POST", b"/v1/messages", b"{}", Content_Type=kind)
    assert answer.status == 422


@pytest.mark.parametrize("space", SPACES)
def test_around_where_a_stream_is_resumed(ringback: Ringback, space: bytes) -> None:
    key = b"Authorization: Bearer %s\r\n" % ringback.api_key.encode()
    with Wire(urlsplit(ringback.base_url).port or 0) as wire:
        wire.get("/v1/events/stream", key, b"Last-Event-ID: 1%s\r\n" % space)
        assert b" 200 " in wire.socket.recv(100)
