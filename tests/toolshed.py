"""A small HTTP server that agents' tools lead to."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.http_servers import running


@dataclass
class Shed:
    """It answers `status` and `body`, `late_s` after it was asked. `asked` is what came: method, path, headers and body."""

    url: str
    status: int = 200
    body: Any = field(default_factory=lambda: {"ok": True})
    late_s: float = 0.0
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)


@contextmanager
def toolshed() -> Iterator[Shed]:
    """A server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    with running(server) as url:
        server.shed = shed = Shed(url)  # type: ignore[attr-defined]
        yield shed


class _Handler(BaseHTTPRequestHandler):
    timeout = 30

    def log_message(self, *told: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: Any) -> None:
        shed: Shed = self.server.shed  # type: ignore[attr-defined]
        shed.asked.append((self.command, self.path, dict(self.headers.items()), body))
        time.sleep(shed.late_s)
        data = shed.body.encode() if isinstance(shed.body, str) else json.dumps(shed.body).encode()
        self.send_response(shed.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            self.close_connection = True
