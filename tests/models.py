"""A real HTTP server that speaks OpenAI's chat completions: it answers as it is told, dies and stalls."""

import json
import select
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.http_servers import running

NAMES = ("gpt-4.1-mini", "small", "large")
DONE, DIES, STALLS, STOPS = "done", "dies", "stalls", "stops"
_LONGEST_STALL_S = 30.0


@dataclass(frozen=True)
class Reply:
    """One answer: `says` are pieces of text, numbers pauses in seconds; `calls` are tools by name with their arguments,
    or what stands in their place. `ends` is how it ends: done, dies (the connection breaks), stalls, or stops (the stream ends
    without a word)."""

    says: Sequence[str | float] = ()
    calls: Sequence[tuple[str, Any]] = ()
    ends: str = DONE
    status: int = 200
    error: Any = None
    retry_after: str | None = None
    whole: bool = False
    """As a server that doesn't stream."""
    comments: bool = False
    """It sends comments while it stalls."""


@dataclass
class Model:
    """`requests` are the bodies of what it was asked, `keys` the headers with which; it answers `replies` one after another,
    and the last again and again."""

    url: str
    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    connections: int = 0
    hung_up: int = 0
    """How often whoever asked went away before the end."""

    def will(self, *replies: Reply) -> None:
        self.replies = list(replies)

    def asked(self, n: int = -1) -> list[dict[str, Any]]:
        """The messages of a request, without the system's."""
        messages: list[dict[str, Any]] = self.requests[n]["messages"]
        return [one for one in messages if one["role"] != "system"]

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def serving(*replies: Reply) -> Iterator[Model]:
    """A model on this machine."""
    server = _Server(("127.0.0.1", 0), _Handler)
    with running(server) as url:
        server.model = model = Model(f"{url}/v1", list(replies))  # type: ignore[attr-defined]
        yield model


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of what went wrong, unless whoever asked just went away."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def setup(self) -> None:
        super().setup()
        self.server.model.connections += 1  # type: ignore[attr-defined]

    def log_message(self, *told: Any) -> None:
        pass

    def do_GET(self) -> None:
        model: Model = self.server.model  # type: ignore[attr-defined]
        model.keys.append(self.headers["Authorization"])
        reply = model.replies[0] if model.replies else Reply()
        if self.path != "/v1/models":
            self._send(404, {"error": {"message": "no such path"}})
        elif reply.status != 200:
            self._send(reply.status, reply.error)
        else:
            self._send(200, {"object": "list", "data": [{"id": name} for name in NAMES]})

    def do_POST(self) -> None:
        model: Model = self.server.model  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/chat/completions", self.path
        model.requests.append(body)
        model.keys.append(self.headers["Authorization"])
        reply = model.next()
        if reply.status != 200:
            self._send(reply.status, reply.error, reply.retry_after)
            return
        try:
            self._whole(reply) if reply.whole else self._stream(reply)
        except (BrokenPipeError, ConnectionResetError):
            model.hung_up += 1
            self.close_connection = True

    def _send(self, status: int, body: Any, retry_after: str | None = None) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(data)

    def _whole(self, reply: Reply) -> None:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(map(str, reply.says)) or None}
        if reply.calls:
            message["tool_calls"] = [
                _call(n, name, _arguments(arguments)) for n, (name, arguments) in enumerate(reply.calls)
            ]
        self._send(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    def _stream(self, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._delta({"role": "assistant", "content": ""})
        for one in reply.says:
            if isinstance(one, str):
                self._delta({"content": one})
            else:
                self._wait(one)
        for n, (name, arguments) in enumerate(reply.calls):
            written = _arguments(arguments)
            half = len(written) // 2
            self._delta({"tool_calls": [{"index": n, **_call(n, name, "")}]})
            for part in (written[:half], written[half:]):
                self._delta({"tool_calls": [{"index": n, "function": {"arguments": part}}]})
        self._end(reply)

    def _end(self, reply: Reply) -> None:
        match reply.ends:
            case "dies":
                self.close_connection = True
                self.connection.shutdown(2)
            case "stalls":
                until = time.monotonic() + _LONGEST_STALL_S
                while time.monotonic() < until:
                    self._wait(0.1)
                    if reply.comments:
                        self._chunk(b": still here\n\n")
            case "stops":
                self._chunk(b"")
            case _:
                self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                self._event({"choices": [], "usage": {"total_tokens": 9}})
                self._chunk(b"data: [DONE]\n\n")
                self._chunk(b"")

    def _wait(self, seconds: float) -> None:
        """Pause; whoever goes away meanwhile is noticed."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        if readable and not self.connection.recv(1, 2):  # MSG_PEEK
            raise ConnectionResetError
        if readable:
            time.sleep(seconds)

    def _delta(self, delta: dict[str, Any]) -> None:
        self._event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})

    def _event(self, event: Any) -> None:
        self._chunk(f"data: {json.dumps(event)}\n\n".encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


def _arguments(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given)


def _call(n: int, name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
