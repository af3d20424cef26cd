"""One WebSocket with a page (RFC 6455), once it is open: text goes out, and nothing that comes is read."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

from websockets.protocol import OPEN, SERVER
from websockets.protocol import Protocol as Frames

_MAX_MESSAGE = 1_024
_UNTAKEN = 1_048_576
"""Bytes that may wait for a page that doesn't read; then it is let go, and comes back when it can."""
_AWAY, _TRY_AGAIN = 1001, 1013
SIGN_IN = 4401
"""With this code a WebSocket is closed whose session is over; the page goes to sign in."""
_GOODBYE_S = 1.0


class PageSocket(asyncio.Protocol):
    """`gone` is called once, when the page is."""

    def __init__(self, gone: Callable[["PageSocket"], None]) -> None:
        self._frames = Frames(SERVER, state=OPEN, max_size=_MAX_MESSAGE)
        self._gone = gone
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def untaken(self) -> int:
        """Bytes that the page has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def send(self, text: bytes) -> None:
        """Send a text frame, or close where too much waits."""
        if self._transport is None or self._frames.state is not OPEN:
            return
        if self.untaken > _UNTAKEN:
            self.close(_TRY_AGAIN, "the page reads too slowly")
            return
        self._frames.send_text(text)
        self._flush()

    def close(self, code: int = _AWAY, reason: str = "") -> None:
        if self._transport is not None and self._frames.state is OPEN:
            self._frames.send_close(code, reason)
            self._flush()
            asyncio.get_running_loop().call_later(_GOODBYE_S, self._transport.abort)

    def end_session(self) -> None:
        """The session is over: the page is told not to come back."""
        self.close(SIGN_IN, "the session is over")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        known: Any = transport.get_extra_info("socket")
        if known.family in (socket.AF_INET, socket.AF_INET6):
            known.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._frames.receive_data(data)
        self._frames.events_received()
        self._flush()

    def eof_received(self) -> None:
        self._frames.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone(self)

    def _flush(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        for data in self._frames.data_to_send():
            if data:
                transport.write(data)
            else:
                transport.close()
