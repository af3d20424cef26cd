"""Passes a page's WebSocket on to another process, which holds what it leads to, as bytes."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response

from ringback.doors.web.opening import UNAVAILABLE, Opening

_ANSWERS_S = 10.0
_AT_ONCE = 65_536
_SENT = ("sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol")


class Tunnels:
    """The WebSockets that are passed on."""

    def __init__(self) -> None:
        self._open: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def open(self, opening: Opening, request: Request, url: str, *, who: str) -> Response:
        """Let `who`, at `url` (as `http://127.0.0.1:9000/path`), answer the page, and carry what both say from then on."""
        try:
            async with asyncio.timeout(_ANSWERS_S):
                reader, writer = await _connect(url)
        except (OSError, TimeoutError):
            return opening.refuse(UNAVAILABLE, f"{who} can't be reached")
        try:
            writer.write(_head(request, url))
            async with asyncio.timeout(_ANSWERS_S):
                answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 101 "):
                raise ConnectionError
            page = opening.take(answer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.close()
            return opening.refuse(UNAVAILABLE, f"{who} does not take the page")
        theirs, ours = await asyncio.open_connection(sock=page)
        self._keep(_carry(reader, ours))
        self._keep(_carry(theirs, writer))
        return Response(status_code=101)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._open.add(task)
        task.add_done_callback(self._open.discard)


async def _connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    return await asyncio.open_connection(parts.hostname, port, ssl=secure or None)


def _head(request: Request, url: str) -> bytes:
    """The handshake as the page sent it; its key and its origin are this server's matter."""
    parts = urlsplit(url)
    given = [f"{name}: {request.headers[name]}" for name in _SENT]
    asked = [
        f"GET {parts.path} HTTP/1.1",
        f"host: {parts.netloc}",
        "connection: Upgrade",
        "upgrade: websocket",
    ]
    asked += [*given, "", ""]
    return "\r\n".join(asked).encode("latin-1")


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One way, until its end; then the other side hears that it is over."""
    try:
        with contextlib.suppress(OSError):
            while data := await reader.read(_AT_ONCE):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()
