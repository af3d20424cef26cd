"""HTTP by hand: what is sent is bytes, and what comes back is whole answers or the end of the connection."""

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from ringback.doors.http.connections import Connections
from ringback.doors.http.limits import Limits
from ringback.testing import Ringback

HOST = b"Host: localhost\r\n"
LONG_S = 15.0
"""For which a test waits for what should come in a moment."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    def check_refusal(self, status: int, code: str, *, of: str = "") -> None:
        """It is a refusal of ours, and the last word on its connection; `of` says of what."""
        assert self.status == status, (of, self)
        body = self.json
        assert body["error"]["code"] == code, (of, self)
        assert body["error"]["message"] == body["detail"], self
        assert body["error"]["details"] == [], self
        assert self.headers["connection"] == "close", self
        assert self.headers["x-request-id"].startswith("req_"), self
        assert self.headers["x-content-type-options"] == "nosniff", self
        assert self.headers["content-type"] == "application/json", self


class Wire:
    """One connection to a port of this machine."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(LONG_S)
        self.socket.connect(("127.0.0.1", port))
        self._unread = b""

    def send(self, *pieces: bytes) -> None:
        self.socket.sendall(b"".join(pieces))

    def get(self, path: str, *headers: bytes) -> None:
        """Send a GET without waiting for the answer."""
        self.send(b"GET ", path.encode(), b" HTTP/1.1\r\n", HOST, *headers, b"\r\n")

    def drip(self, piece: bytes = b"a", every_s: float = 0.02) -> bool:
        """Send bytes one by one until something comes back; whether it did in time."""
        self.socket.settimeout(every_s)
        until = time.monotonic() + LONG_S
        try:
            while time.monotonic() < until:
                try:
                    self.socket.sendall(piece)
                    if got := self.socket.recv(65_536):
                        self._unread += got
                    return True
                except TimeoutError:
                    continue
                except OSError:
                    return True
        finally:
            self.socket.settimeout(LONG_S)
        return False

    def send_until_cut(self, piece: bytes, every_s: float) -> bool:
        """Send on and on until the other side cuts the connection; whether it did in time."""
        until = time.monotonic() + LONG_S
        try:
            while time.monotonic() < until:
                self.socket.sendall(piece)
                time.sleep(every_s)
        except ConnectionError:
            return True
        return False

    def answer(self) -> Heard:
        """The next answer, which must tell its length."""
        while b"\r\n\r\n" not in self._unread:
            self.read_more()
        head, _, rest = self._unread.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(rest) < length:
            self.read_more()
            rest = self._unread.partition(b"\r\n\r\n")[2]
        self._unread = rest[length:]
        return Heard(int(first.split()[1]), headers, rest[:length])

    def read_more(self) -> None:
        """Wait for a piece of an answer, which `answer` begins with then."""
        got = self.socket.recv(65_536)
        if not got:
            raise EOFError(f"closed after {self._unread[:200]!r}")
        self._unread += got

    def rest(self) -> bytes:
        """Everything until the other side closes, which it must do."""
        try:
            while got := self.socket.recv(65_536):
                self._unread += got
        except ConnectionError:
            pass
        return self._unread

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Door:
    """Another listener of a server under test."""

    port: int
    web: uvicorn.Server

    @property
    def connections(self) -> int:
        return len(self.web.server_state.connections)

    def unsent(self) -> int:
        """Bytes of answers that this process holds for its clients."""
        held: list[Any] = list(self.web.server_state.connections)
        return sum(one._raw.get_write_buffer_size() for one in held)


@contextmanager
def another_door(ringback: Ringback, limits: Limits, *, send_buffer: int | None = None) -> Iterator[Door]:
    """The same server on another port, under other limits."""
    listener = socket.socket()
    if send_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2_048)
    listener.setblocking(False)
    config = Connections(ringback.server.ids, limits).config(
        ringback.server.asgi, interface="asgi3", lifespan="off"
    )
    config.load()
    web = uvicorn.Server(config)
    web.lifespan = config.lifespan_class(config)
    ringback.on_loop(web.startup([listener]))
    door = Door(listener.getsockname()[1], web)

    async def close() -> None:
        for server in web.servers:
            server.close()
        for connection in list(web.server_state.connections):
            connection.transport.close()

    try:
        yield door
    finally:
        ringback.on_loop(close())
        until(lambda: door.connections == 0)


def until(look: Callable[[], bool]) -> None:
    """Wait for what should be so in a moment."""
    end = time.monotonic() + LONG_S
    while not look():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.01)
