"""`python -m bench.peers.receipts [BODY]`: takes receipts and webhooks over HTTP, answers each at once, and counts them."""

import asyncio
import sys
import time
from typing import cast

from bench.peers.counting import Counts, run

_counts = Counts()
_body = " ".join(sys.argv[1:2]).encode() or b"OK"
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(_body), _body)


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, mark, rest = self._buffer.partition(b"\r\n\r\n")
            head = head.lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if not mark or len(rest) < length:
                return
            self._buffer = rest[length:]
            _counts.count += 1
            _counts.last = time.time()
            self._transport.write(_OK)
            if b"connection: close" in head:
                self._transport.close()


if __name__ == "__main__":
    run(_Connection, _counts)
