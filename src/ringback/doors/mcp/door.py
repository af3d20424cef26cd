"""`/mcp`: who may come in, and the way to the protocol (MCP, Streamable HTTP)."""

import asyncio
import contextlib
import functools
import importlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringback.doors.mcp.api import Api
from ringback.doors.rest.caller import scoped
from ringback.doors.rest.errors import ApiError
from ringback.doors.rest.front import replayed
from ringback.doors.rest.parts import Parts

if TYPE_CHECKING:
    from ringback.doors.mcp.protocol import Endpoint

_PROTOCOL = "ringback.doors.mcp.protocol"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class McpDoor:
    """The endpoint over the whole server, `app`. What the protocol needs is loaded at the first request."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts
        self._opening = asyncio.Lock()
        self._endpoint: Endpoint | None = None
        self._task: asyncio.Task[None] | None = None

    async def answer(self, request: Request) -> Response:
        """The answer to a request with a live key. Raises `ApiError`."""
        self._check_origin(request)
        caller = await scoped(request, request.headers.get("x-sub-account-id", ""))
        endpoint = self._endpoint or await self._open()
        gone = asyncio.Event()
        make = functools.partial(Api, self._app, request.scope, self._parts.once, caller, gone)
        body = await request.body()
        wants = b'"progressToken"' in body and "text/event-stream" in request.headers.get("accept", "")
        return _HandedOn(endpoint, {**request.scope, "ringback.api": make}, body, gone, streaming=wants)

    def _check_origin(self, request: Request) -> None:
        """Raises 403 for a page of another origin than this server's (MCP, Streamable HTTP, security warning)."""
        origin = request.headers.get("origin")
        if origin is None:
            return
        own = [
            f"{request.url.scheme}://{request.headers.get('host', '')}",
            self._parts.settings.public_url or "",
        ]
        if _plain(origin) not in {_plain(one) for one in own if one}:
            raise ApiError(
                403, "ORIGIN_NOT_ALLOWED", "pages of this Origin may not use the tools of this server"
            )

    async def _open(self) -> "Endpoint":
        async with self._opening:
            if self._endpoint is None:
                # In a thread: other requests are answered meanwhile.
                protocol: Any = await asyncio.to_thread(_load)
                endpoint: Endpoint = protocol.Endpoint(simulated=self._parts.carrier.name == "simulated")
                up = asyncio.Event()
                self._task = asyncio.create_task(_hold(endpoint, up))
                await up.wait()
                self._endpoint = endpoint
            return self._endpoint

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task


def _load() -> Any:
    protocol: Any = importlib.import_module(_PROTOCOL)
    protocol.describe_tools()
    return protocol


async def _hold(endpoint: "Endpoint", up: asyncio.Event) -> None:
    """The group of tasks that answer lives in one task of its own."""
    async with endpoint.open():
        up.set()
        await asyncio.Event().wait()


def _plain(origin: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(origin.lower())
        return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return "", origin, None


class _HandedOn(Response):
    """An answer that the protocol sends itself; `gone` is set when the client leaves before it."""

    def __init__(
        self, endpoint: "Endpoint", scope: Scope, body: bytes, gone: asyncio.Event, *, streaming: bool
    ) -> None:
        super().__init__()
        self._endpoint = endpoint
        self._scope = scope
        self._content = body
        self._gone = gone
        self._streaming = streaming

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watch = asyncio.create_task(self._watch(receive))
        again = replayed(self._content, self._left)
        try:
            await self._endpoint.answer(self._scope, again, send, streaming=self._streaming)
        finally:
            watch.cancel()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone.set()

    async def _left(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}


def mount(app: FastAPI, whole: ASGIApp, parts: Parts) -> McpDoor:
    """Add the route to `app`, over the whole server. It takes POST alone, since nothing is told but answers."""
    door = McpDoor(whole, parts)

    @app.post("/mcp", include_in_schema=False)
    async def mcp(request: Request) -> Response:
        return await door.answer(request)

    return door
