"""The opening of a WebSocket (RFC 6455, section 4), and the frame that closes one; frames of a call are its leg's."""

import base64
import binascii
import hashlib
from collections.abc import Mapping

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_VERSION = "13"
_LONGEST_REASON = 123


class BadHandshake(ValueError):
    """The request opens no WebSocket; the message says what is wrong with it."""


def offered(headers: Mapping[str, str]) -> list[str]:
    """The subprotocols that a request offers, whose key and version are right. Raises `BadHandshake`."""
    try:
        key = base64.b64decode(headers.get("sec-websocket-key", ""), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 16:
        raise BadHandshake("Sec-WebSocket-Key is 16 bytes in base64")
    if headers.get("sec-websocket-version") != _VERSION:
        raise BadHandshake(f"Sec-WebSocket-Version is {_VERSION}")
    protocols = headers.get("sec-websocket-protocol", "").split(",")
    return [name.strip() for name in protocols if name.strip()]


def accepted(key: str, protocol: str | None = None) -> bytes:
    """The answer that opens the WebSocket, with the subprotocol that was chosen, if one was."""
    proof = base64.b64encode(hashlib.sha1(key.strip().encode() + _GUID, usedforsecurity=False).digest())
    chosen = b"" if protocol is None else b"Sec-WebSocket-Protocol: " + protocol.encode() + b"\r\n"
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + proof + b"\r\n" + chosen + b"\r\n"
    )


def closing(code: int, reason: str) -> bytes:
    """The frame with which a server closes, for a reason of which 123 bytes are told (RFC 6455, section 5.5)."""
    told = reason.encode()[:_LONGEST_REASON].decode("utf-8", "ignore").encode()
    return bytes([0x88, 2 + len(told)]) + code.to_bytes(2, "big") + told
