"""The opening of a WebSocket, by the example of RFC 6455."""

import pytest

from ringback.kit.websocket import BadHandshake, accepted, closing, offered

pytestmark = pytest.mark.unit
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def test_the_example_of_the_rfc() -> None:
    head = accepted(KEY, "chat").decode()
    assert head.startswith("HTTP/1.1 101 ")
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
    assert head.endswith("Sec-WebSocket-Protocol: chat\r\n\r\n")


def test_what_is_offered() -> None:
    headers = {
        "sec-websocket-key": KEY,
        "sec-websocket-version": "13",
        "sec-websocket-protocol": "chat, superchat,,",
    }
    assert offered(headers) == ["chat", "superchat"]
    assert offered({**headers, "sec-websocket-protocol": ""}) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-websocket-key": KEY},
        {"sec-websocket-key": KEY, "sec-websocket-version": "12"},
        {"sec-websocket-key": "c2hvcnQ=", "sec-websocket-version": "13"},
        {"sec-websocket-key": "ä" * 24, "sec-websocket-version": "13"},
    ],
)
def test_what_opens_nothing(headers: dict[str, str]) -> None:
    with pytest.raises(BadHandshake):
        offered(headers)


def test_a_reason_is_cut_between_characters() -> None:
    frame = closing(4401, "ä" * 100)
    assert frame[:4] == bytes([0x88, 2 + 122]) + (4401).to_bytes(2, "big")
    assert frame[4:].decode() == "ä" * 61
