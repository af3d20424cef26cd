"""Connections that the application may take away, where their client offered to speak WebSocket on them."""

import os
import socket

from ringback.doors.http.connection import _NOTHING, Connection

HAND_OVER = "ringback.hand_over"
"""The extension of a scope (ASGI) whose client offered it: `hand_over(words) -> socket`."""


class HandingConnection(Connection):
    """An offer that the application doesn't take up is left out, and the request is answered like any other."""

    _offered = False

    def _read_without_upgrade(self, rest: bytes) -> None:
        self._offered = any(
            name == b"upgrade" and value.strip().lower() == b"websocket" for name, value in self.headers
        )
        super()._read_without_upgrade(rest)

    def _describe(self, method: bytes, version: str) -> None:
        super()._describe(method, version)
        if self._offered:
            self._offered = False
            self.scope["extensions"] = {HAND_OVER: self._hand_over}  # type: ignore[dict-item]

    def _hand_over(self, words: bytes) -> socket.socket:
        """Send `words` and answer the client's socket, of which this server knows nothing more. Raises `OSError` where
        the client is gone, or has not waited for an answer."""
        waits = self._waiting or self._last_words is not None or self._raw.get_write_buffer_size()
        if self._is_leaving() or self._stage != _NOTHING or waits:
            raise ConnectionError("the client is gone, or has sent more than its request")
        known = self._raw.get_extra_info("socket")
        taken = socket.socket(fileno=os.dup(known.fileno()))
        try:
            taken.setblocking(False)
            if taken.send(words) != len(words):
                raise ConnectionError("the client takes no answer")
        except BaseException:
            taken.close()
            raise
        self._give_up(self.cycle)
        self.cut()
        return taken
