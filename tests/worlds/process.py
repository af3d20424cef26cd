"""The server's process in a world: started on the files that the last one left, asked through its door, killed."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from fastapi import APIRouter, FastAPI

from ringback.app import Server
from ringback.doors.rest import app as rest
from ringback.doors.rest.parts import Parts
from ringback.doors.sim.line import SimulatedLine
from ringback.kit.addresses import AddressPolicy
from ringback.kit.http import OutgoingHttp
from ringback.settings import Settings
from ringback.storage.sqlite import SqliteStore
from ringback.testing.server import OwnSettings
from tests.worlds.far_side import Endpoints, NetworkProcess, Note, Watched, WorldHttp, WorldLine, cut
from tests.worlds.virtual import Process


@dataclass(frozen=True)
class Answer:
    """What a client got; `status` 0 when the server died before it answered, -1 when nobody listened."""

    status: int
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def came(self) -> bool:
        return self.status > 0


@cache
def _app() -> FastAPI:
    """Building the application takes longer than a world, and it holds nothing of a server but its state."""
    nothing = SimpleNamespace(
        store=None,
        settings=OwnSettings(),
        policy=AddressPolicy(loopback_allowed=False),
        carrier=SimpleNamespace(name="none"),
        line=SimpleNamespace(hash_key=b""),
    )
    return rest.create(nothing)  # type: ignore[arg-type]


class WorldServer(Server):
    """The whole server, with the world outside."""

    def __init__(
        self,
        settings: Settings,
        endpoints: Endpoints,
        note: Note,
        watched: Watched,
        away: NetworkProcess | None,
    ) -> None:
        super().__init__(settings)
        self._outside = endpoints, note, watched, away

    def _make_http(self) -> OutgoingHttp:
        return WorldHttp(self._outside[0], self.policy)

    def _make_line(self) -> SimulatedLine:
        _, note, watched, away = self._outside
        line: Any = WorldLine(self.settings.data / "network.db", self.clock, note, watched, away)
        return cast(SimulatedLine, line)

    def _make_app(self, parts: Parts, more: Sequence[APIRouter]) -> FastAPI:
        app = _app()
        app.state.parts = parts
        app.state.store = parts.store
        return app


class ServerProcess:
    """One life of the server."""

    def __init__(self, make: Callable[[], WorldServer]) -> None:
        self.process = Process("server")
        self.server = make()
        self.up = False
        self._requests: dict[asyncio.Task[Any], None] = {}

    async def start(self) -> bool:
        """Whether it came up before it was killed."""
        task = self.process.spawn(self.server.start())
        try:
            await task
        except (asyncio.CancelledError, Exception):
            if not self.process.dead:
                raise
            return False
        self.up = not self.process.dead
        return self.up

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask through the door; status 0 when the process dies meanwhile."""
        if not self.up:
            return Answer(-1)
        task = self.process.spawn(self._serve(method, path, body, headers or {}))
        self._requests[task] = None
        try:
            answer: Answer = await task
        except (asyncio.CancelledError, Exception):
            if self._serves():  # nobody else may have ended it
                raise
            return Answer(0)
        finally:
            del self._requests[task]
        return answer

    def _serves(self) -> bool:
        return self.up

    async def _serve(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
        raw = b"" if body is None else json.dumps(body).encode()
        path, _, query = path.partition("?")
        status, pieces = 0, []
        given = False

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given:
                await asyncio.Event().wait()
            given = True
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                pieces.append(message.get("body", b""))

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (b"host", b"127.0.0.1"),
                (b"content-type", b"application/json"),
                (b"content-length", str(len(raw)).encode()),
                *((name.lower().encode(), value.encode()) for name, value in headers.items()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await self.server.asgi(scope, receive, send)
        return Answer(status, b"".join(pieces))

    async def die(self) -> None:
        """As by `kill -9`: what is committed stays, everything else ends here."""
        self.up = False
        self.process.dead = True
        store = getattr(self.server, "store", None)
        if isinstance(store, SqliteStore):
            _cut_store(store)
        line: Any = getattr(self.server, "line", None)
        if line is not None:
            with contextlib.suppress(AttributeError):  # it had not begun
                line.die()
        await self.process.end_tasks()

    async def stop(self) -> None:
        """As by SIGTERM: requests under way get a moment, then the rest is cut off."""
        self.up = False
        self.server.end_waits()
        if self._requests:
            await asyncio.wait(tuple(self._requests), timeout=self.server.settings.stop_timeout_s)
        for request in tuple(self._requests):
            request.cancel()
        await self.process.spawn(self.server.stop())


def _cut_store(store: SqliteStore) -> None:
    inside: Any = store
    cut(inside._writer)
    while not inside._readers.empty():
        inside._readers.get().close()


def folder_of(base: Path) -> Path:
    """A memory disk where there is one: a world's files are small and its disk is slow by the seed alone."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else base
