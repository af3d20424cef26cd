"""A load generator for loopback: raw HTTP/1.1 on asyncio, keep-alive, one request in flight a connection.

Kept here so that the figures need no other program: it makes some 15,000 requests a second on one core, several times
what the server answers, and the figure to watch, the server's processor time a request, doesn't depend on it.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

RECIPIENTS = 5_000


@dataclass
class Run:
    """What one run saw from outside."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def rate(self) -> float:
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, part: float) -> float:
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000


Follow = Callable[[bytes], bytes | None]
"""Makes of an answer's body the next request on its connection, before another is taken."""


def no_more(body: bytes) -> None:
    """Nothing follows."""


class _Connection(asyncio.Protocol):
    def __init__(
        self,
        requests: Iterator[bytes],
        run: Run,
        until: float,
        done: asyncio.Future[None],
        follow: Follow = no_more,
        turns: Iterator[float] | None = None,
    ) -> None:
        self._turns = turns
        self._requests = requests
        self._follow = follow
        self._run = run
        self._until = until
        self._done = done
        self._began = 0.0
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self, following: bytes | None = None) -> None:
        wait = 0.0 if self._turns is None or following else next(self._turns) - time.perf_counter()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._send_now)
        else:
            self._send_now(following)

    def _send_now(self, following: bytes | None = None) -> None:
        assert self._transport is not None
        self._began = time.perf_counter()
        request = following or (next(self._requests, None) if self._began < self._until else None)
        if request is None:
            self._transport.close()
            return
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, mark, body = self._buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        if len(body) < _length(head, body):
            return
        self._buffer = b""
        following = None
        if head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201", b"HTTP/1.1 202")):
            self._run.latencies_s.append(time.perf_counter() - self._began)
            following = self._follow(body)
        else:
            self._run.refused += 1
        self._send(following)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)


def _length(head: bytes, so_far: bytes) -> int:
    """How long a body is, as far as is known."""
    head = head.lower()
    _, found, after = head.partition(b"content-length:")
    if found:
        return int(after.partition(b"\r\n")[0])
    if b"transfer-encoding: chunked" in head:
        return len(so_far) if so_far.endswith(b"0\r\n\r\n") else len(so_far) + 1
    return 0


def texts(host: str, key: str, number_ids: list[str], recipients: int = RECIPIENTS) -> Iterator[bytes]:
    """Sends without end: to `recipients` people in turn, from every number in turn."""
    numbers, n = itertools.cycle(number_ids), itertools.count()
    while True:
        at = next(n)
        body = json.dumps(
            {
                "number_id": next(numbers),
                "to_number": f"+1303{5_550_000 + at % recipients}",
                "body": f"Your table is ready, number {at}.",
            }
        ).encode()
        yield (
            f"POST /v1/messages HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


async def _load(
    host: str,
    port: int,
    requests: Iterator[bytes],
    connections: int,
    seconds: float,
    follow: Follow,
    rate: float | None,
) -> Run:
    run, loop = Run(), asyncio.get_running_loop()
    begin = time.perf_counter()
    turns = None if rate is None else itertools.count(begin, 1 / rate)
    ends: list[asyncio.Future[None]] = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        ends.append(done)
        await loop.create_connection(
            lambda done=done: _Connection(requests, run, begin + seconds, done, follow, turns),  # type: ignore[misc]
            host,
            port,
        )
    await asyncio.gather(*ends)
    run.seconds = time.perf_counter() - begin
    return run


def load(
    host: str,
    port: int,
    requests: Iterator[bytes],
    *,
    connections: int,
    seconds: float,
    follow: Follow = no_more,
    rate: float | None = None,
) -> Run:
    """Keep `connections` busy for `seconds`, or until the requests are all answered.

    With `rate` requests a second if it is given and they can.
    """
    factory: Any = None
    try:
        import uvloop

        factory = uvloop.new_event_loop
    except ImportError:
        factory = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_load(host, port, requests, connections, seconds, follow, rate))
