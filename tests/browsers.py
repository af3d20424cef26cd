"""A page that calls, without a browser: the WebSocket of a web call, a microphone that speaks in tones, and a speaker."""

import base64
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from ringback.testing import Ringback
from tests.callers import Asked, wait_until

PROTOCOL = "ringback.v1"
FRAME = 320
_STEP_S = 0.02
_SILENCE = bytes(FRAME)
_FIRST = 3
"""Frames that a page gathers before it plays the first."""


def web_call(ringback: Asked, agent_id: str, **more: Any) -> Any:
    """A call for a browser, with its `accessToken`."""
    answer = ringback.request("POST", "/v1/calls/web", json={"agentId": agent_id, **more})
    assert answer.status == 200, answer.json
    return answer.json


def connect(base_url: str, protocols: Sequence[Any], *, origin: str | None = None) -> Any:
    """A WebSocket to where pages connect (`websockets.sync`), as a context. Raises what the package does."""
    from websockets.sync.client import connect as open_socket

    url = f"ws{base_url.removeprefix('http')}/v1/calls/web/connect"
    extra: dict[str, Any] = {} if origin is None else {"origin": origin}
    return open_socket(
        url, subprotocols=protocols, compression=None, open_timeout=20, ping_interval=None, **extra
    )


def knock(ringback: Ringback, *lines: str, more: bytes = b"") -> bytes:
    """The answer to a handshake of raw headers, until the server closes or says no more."""
    parts = urlsplit(ringback.base_url)
    head = [
        "GET /v1/calls/web/connect HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        *lines,
    ]
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as line:
        line.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + more)
        said = b""
        try:
            while piece := line.recv(65_536):
                said += piece
        except (TimeoutError, ConnectionResetError):
            pass
    return said


def key() -> str:
    return "Sec-WebSocket-Key: " + base64.b64encode(bytes(16)).decode()


class Page:
    """Talks in real time from `open` on. `heard` is all that was played, in PCM of 8,000 samples a second.

    Before it plays the first it gathers so many frames (`first`): a line has its own pace, and a busy machine is late.
    """

    def __init__(self, base_url: str, *, mute: bool = False, first: int = _FIRST) -> None:
        self._first = first
        self._base_url = base_url
        self._mute = mute
        self.started: dict[str, Any] | None = None
        self.ended = False
        self.code: int | None = None
        self.reason = ""
        self.flushes = 0
        self.heard = bytearray()
        self.played_at: list[float] = []
        """When each frame was played (monotonic)."""
        self.plays = True
        """Whether the speaker runs; else what comes is kept."""
        self.digits: list[str] = []
        self._say: deque[bytes] = deque()
        self._queue: deque[bytes] = deque()
        self._filling = True
        self._played = 0
        self._lock = threading.Lock()
        self._socket: Any = None
        self.said_until = 0.0
        """When the last frame of what was said left (monotonic)."""

    def open(self, secret: str) -> "Page":
        """Connect with a token, or come back with a ticket."""
        self.code, self.started = None, None
        self._played = 0
        self._queue.clear()
        self._socket = connect(self._base_url, [PROTOCOL, secret]).__enter__()
        self._threads = [
            threading.Thread(target=work, args=(self._socket,), daemon=True)
            for work in (self._hear, self._beat)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def say(self, text: str) -> None:
        """Speak, after what is being said."""
        from ringback.speech.engines.fake import FakeSpeaking

        pcm = FakeSpeaking().speak(text, voice="default", speed=1.0).data
        with self._lock:
            self._say.extend(pcm[at : at + FRAME].ljust(FRAME, b"\0") for at in range(0, len(pcm), FRAME))

    def queued(self) -> list[bytes]:
        """What came and is not played."""
        with self._lock:
            return list(self._queue)

    def words(self) -> str:
        """What the speaker has played, as it is read back."""
        from ringback.speech.engines.base import Pcm
        from ringback.speech.engines.fake import FakeHearing

        return FakeHearing().hear(Pcm(bytes(self.heard), 8_000), language="en-US").text

    def wait_for(self, text: str, timeout_s: float = 20) -> None:
        """Return when the speaker has played `text`."""
        wait_until(lambda: text in self.words(), f"{text!r} was not heard, but {self.words()!r}", timeout_s)

    def wait_answered(self, timeout_s: float = 20) -> None:
        """Return when the call has started, or the page was not let in."""
        wait_until(lambda: self.started or self.code, "nothing came of it", timeout_s)

    def wait_started(self, timeout_s: float = 20) -> dict[str, Any]:
        self.wait_answered(timeout_s)
        assert self.started, (self.code, self.reason)
        return self.started

    def wait_closed(self, timeout_s: float = 30) -> int:
        """The code with which the WebSocket was closed."""
        code: int = wait_until(lambda: self.code, "it was not closed", timeout_s)
        return code

    def press(self, digit: str) -> None:
        self._socket.send(json.dumps({"op": "digit", "digit": digit}))

    def send(self, message: str | bytes) -> None:
        self._socket.send(message)

    def hang_up(self) -> None:
        self._socket.send(json.dumps({"op": "hangup"}))
        self._socket.close(1000)

    def leave(self, code: int = 1001) -> None:
        """As a browser does whose tab is closed."""
        self._socket.close(code)

    def lose(self) -> None:
        """The connection breaks, without a word."""
        self._socket.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close(1000)
            for thread in self._threads:
                thread.join(5)

    def _hear(self, connection: Any) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            for message in connection:
                if isinstance(message, bytes):
                    assert len(message) == FRAME
                    with self._lock:
                        self._queue.append(message)
                else:
                    self._obey(connection, json.loads(message))
        except ConnectionClosed:
            pass
        if connection is self._socket:
            self.code, self.reason = connection.close_code or 1006, connection.close_reason or ""

    def _obey(self, connection: Any, message: dict[str, Any]) -> None:
        match message["op"]:
            case "started":
                self.started = message
            case "ended":
                self.ended = True
            case "flush":
                with self._lock:
                    self._queue.clear()
                    self._filling = True
                    self.flushes += 1
                    played = self._played
                connection.send(json.dumps({"op": "flushed", "n": message["n"], "played": played}))

    def _beat(self, connection: Any) -> None:
        from websockets.exceptions import ConnectionClosed

        due = time.monotonic()
        while self.code is None:
            due += _STEP_S
            time.sleep(max(0, due - time.monotonic()))
            with self._lock:
                self._play()
                frame = self._say.popleft() if self._say else _SILENCE
                if self._say:
                    self.said_until = time.monotonic()
                message = struct.pack("<I", self._played) + frame
            if self.started is None or self._mute:
                continue
            try:
                connection.send(message)
            except ConnectionClosed:
                return

    def _play(self) -> None:
        if not self.plays:
            return
        if self._filling and len(self._queue) < self._first:
            self.heard += _SILENCE
            return
        self._filling = not self._queue
        if self._queue:
            self.heard += self._queue.popleft()
            self._played += FRAME // 2
            self.played_at.append(time.monotonic())
        else:
            self.heard += _SILENCE
