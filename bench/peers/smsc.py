"""`python -m bench.peers.smsc`: a small SMSC (SMPP 3.4). It takes any bind and every text, and sends receipts at once.

It takes over 90,000 texts with receipts a second, so it is never the limit. TCP_QUICKACK is kept on, so that a peer
without TCP_NODELAY doesn't wait 40 ms for our delayed ACK of each text.
"""

import asyncio
import itertools
import socket
import struct
import time
from typing import cast

from bench.peers.counting import Counts, run

_HEAD = struct.Struct(">IIII")
_RESP = 0x80000000
_BINDS = RECEIVER, TRANSMITTER, TRANSCEIVER = 1, 2, 9
_SUBMIT, _DELIVER, _UNBIND, _ENQUIRE = 4, 5, 6, 0x15
_LONGEST = 65_536
_counts = Counts()
_ids = itertools.count(1)
_receivers: dict[bytes, "_Session"] = {}


def _string(body: bytes, at: int) -> tuple[bytes, int]:
    """A string that ends with a zero, and where the next field begins."""
    end = body.index(0, at)
    return body[at:end], end + 1


def _pdu(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    return _HEAD.pack(16 + len(body), command, status, sequence) + body


class _Session(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = bytearray()
        self._system_id = b""
        self._sequences = itertools.count(1)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._socket = transport.get_extra_info("socket")

    def connection_lost(self, error: Exception | None) -> None:
        if _receivers.get(self._system_id) is self:
            del _receivers[self._system_id]

    def data_received(self, data: bytes) -> None:
        if hasattr(socket, "TCP_QUICKACK"):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self._buffer += data
        answers: list[bytes] = []
        receipts: list[bytes] = []
        at = 0
        while len(self._buffer) - at >= 16:
            length, command, _, sequence = _HEAD.unpack_from(self._buffer, at)
            if not 16 <= length <= _LONGEST:
                self._transport.abort()
                return
            if len(self._buffer) - at < length:
                break
            self._take(command, sequence, bytes(self._buffer[at + 16 : at + length]), answers, receipts)
            at += length
        del self._buffer[:at]
        if answers:
            self._transport.write(b"".join(answers))
        receiver = _receivers.get(self._system_id)
        if receipts and receiver is not None:
            receiver.deliver(receipts)

    def _take(
        self, command: int, sequence: int, body: bytes, answers: list[bytes], receipts: list[bytes]
    ) -> None:
        if command == _SUBMIT:
            _counts.count += 1
            _counts.last = time.time()
            message_id = b"%d" % next(_ids)
            answers.append(_pdu(command | _RESP, sequence, message_id + b"\0"))
            receipt = _receipt(body, message_id)
            if receipt is not None:
                receipts.append(receipt)
        elif command in _BINDS:
            self._system_id = _string(body, 0)[0]
            if command != TRANSMITTER:
                _receivers[self._system_id] = self
            answers.append(_pdu(command | _RESP, sequence, b"sim\0"))
        elif command in (_ENQUIRE, _UNBIND):
            answers.append(_pdu(command | _RESP, sequence))
        elif not command & _RESP:
            answers.append(_pdu(_RESP, sequence, status=3))

    def deliver(self, bodies: list[bytes]) -> None:
        self._transport.write(b"".join(_pdu(_DELIVER, next(self._sequences), body) for body in bodies))


def _receipt(submit: bytes, message_id: bytes) -> bytes | None:
    """The body of the receipt for a text, if it asks for one."""
    _, at = _string(submit, 0)
    from_kind = submit[at : at + 2]
    from_, at = _string(submit, at + 2)
    to_kind = submit[at : at + 2]
    to, at = _string(submit, at + 2)
    _, at = _string(submit, at + 3)
    _, at = _string(submit, at)
    if not submit[at] & 1:
        return None
    when = time.strftime("%y%m%d%H%M").encode()
    text = b"id:%s sub:001 dlvrd:001 submit date:%s done date:%s stat:DELIVRD err:000 text:" % (
        message_id,
        when,
        when,
    )
    ids = struct.pack(">HH", 0x1E, len(message_id) + 1) + message_id + b"\0" + b"\x04\x27\x00\x01\x02"
    addresses = b"\0" + to_kind + to + b"\0" + from_kind + from_ + b"\0"
    return addresses + b"\x04" + b"\0" * 8 + bytes([len(text)]) + text + ids


if __name__ == "__main__":
    run(_Session, _counts)
