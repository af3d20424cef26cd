"""`python -m bench.sink`: endpoints for webhooks in a process of their own, which notes when each came.

Below `/fast` it answers at once, below `/hang` never. A request's body holds the time it was made, in nanoseconds between
two `@`; `GET /` answers what came below `/fast` since it was last asked: `count` and `latencies_s`.
"""

import asyncio
import json
import os
import sys
import time
from typing import cast

from bench.server import LOAD_CORE, cores
from ringback.doors.http.loop import loop_factory

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_came: list[float] = []


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, mark, body = self._buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if len(body) < length:
            return
        self._buffer = b""
        if head.startswith(b"GET"):
            answer = json.dumps({"count": len(_came), "latencies_s": _came}).encode()
            _came.clear()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
        elif head.startswith(b"POST /fast"):
            made = body.partition(b"@")[2].partition(b"@")[0]
            _came.append(time.time() - int(made) / 1e9)
            self._transport.write(_OK)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends with whoever started it.
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    if cores():
        os.sched_setaffinity(0, {LOAD_CORE})
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(main())
