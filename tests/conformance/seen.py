"""What a client really sent. A `conftest.py` that imports these fixtures has every request of its tests kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.wire import App, Message, Receive, Send


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; header names have small letters."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class Recorder:
    """Wraps the app, and keeps each request when it is answered."""

    def __init__(self, app: App, requests: list[Request]) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        # The app may write on its scope.
        line = scope["method"], scope["path"], scope["query_string"].decode()
        body = bytearray()

        async def keep() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and not line[1].startswith("/sim/"):
                self._requests.append(Request(*line, headers, bytes(body)))
            await send(message)

        await self._app(scope, keep, note)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)


@pytest.fixture
def requests() -> list[Request]:
    """All requests that reached the server, oldest first, but those of handsets and the like."""
    return []


@pytest.fixture
def ringback_asgi(ringback_asgi: Callable[[Any], Any], requests: list[Request]) -> Callable[[Any], Recorder]:
    return lambda app: Recorder(ringback_asgi(app), requests)
