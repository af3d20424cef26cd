"""A server that only notes what commands ask of it, and a way to run commands."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest

from ringback import cli, running
from ringback.settings import PREFIX, Settings

TOKEN = "token-of-this-start"


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


Answer = Callable[[Asked], tuple[int, Any]]


class FakeServer:
    """Answers by `answers["GET /path"]`; whatever else is asked for is a 404 in the common envelope."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[str, Answer] = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def on(self, what: str, answer: Any, status: int = 200) -> None:
        """Give one answer to `what`, such as `GET /v1/x`."""
        self.answers[what] = lambda _asked: (status, answer)

    def refuse(self, what: str, status: int, message: str, details: list[Any] | None = None) -> None:
        self.on(what, {"error": {"message": message, "details": details or []}, "detail": message}, status)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                parts = urlsplit(self.path)
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query)),
                    json.loads(content) if content and self._is_json() else content or None,
                )
                fake.asked.append(asked)
                answer = fake.answers.get(f"{asked.method} {asked.path}")
                status, body = answer(asked) if answer else (404, {"error": {"message": "Not found"}})
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    status, body = 401, {"error": {"message": "no"}}
                said = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def _is_json(self) -> bool:
                return self.headers.get("Content-Type") == "application/json"

            do_GET = do_POST = do_DELETE = _answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The working directory of the command; its data folder is made, and empty."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name}".upper(), raising=False)
    data = tmp_path / "ringback-data"
    data.mkdir()
    return data


@pytest.fixture
def server(folder: Path) -> Iterator[FakeServer]:
    """A running server, found by the data folder's `server.json`."""
    fake = FakeServer()
    running.write(folder, running.Running(fake.url, TOKEN, os.getpid()))
    yield fake
    fake.close()


class Ran(NamedTuple):
    """What a command did: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def ringback(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run `ringback` with these arguments in this process."""

    def run(*args: str) -> Ran:
        capsys.readouterr()
        code = cli.main(list(args))
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run
