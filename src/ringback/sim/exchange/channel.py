"""A connection that carries one JSON object a line."""

import asyncio
import contextlib
import json
from typing import Any

from ringback.kit import json_text

MOST_BYTES = 1_000_000
"""Of one line."""
_LINGER_S = 1.0
_MOST_UNSENT = 4_000_000
"""A peer that takes nothing for so long is no peer."""


class BadLine(ValueError):
    """A line that is no JSON object, or too long."""


class Channel:
    """One side of the connection. Writing never waits: a peer that stops reading is cut off."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.closed = False

    async def read(self) -> dict[str, Any] | None:
        """The next object; None at the end of the connection. Raises `BadLine`."""
        try:
            line = await self._reader.readline()
        except ValueError:
            raise BadLine("longer than a line may be") from None
        except OSError:
            return None
        if not line.endswith(b"\n"):
            return None
        try:
            found = json_text.loads(line)
        except ValueError:
            raise BadLine("no JSON") from None
        if not isinstance(found, dict):
            raise BadLine("no JSON object")
        return found

    def send(self, message: dict[str, Any]) -> None:
        """Write one object; nothing happens on a connection that is closed."""
        if self.closed or self._writer.is_closing():
            return
        self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        transport = self._writer.transport
        if transport.get_write_buffer_size() > _MOST_UNSENT:
            transport.abort()

    def end(self) -> None:
        """Say no more, but let the peer finish: within a second the connection is closed.

        One that is closed with something unread is reset, and the peer loses what it has not read yet, such as why it ended
        (RFC 1122, 4.2.2.13).
        """
        if not self.closed:
            self.closed = True
            with contextlib.suppress(OSError):
                self._writer.write_eof()
            asyncio.get_running_loop().call_later(_LINGER_S, self._writer.close)

    async def hear_out(self) -> None:
        """`end`, and read what the peer still says until it closes its side, for a second. For the task that reads."""
        self.end()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while await self._reader.read(MOST_BYTES):
                    pass

    def shut(self) -> None:
        """Close as soon as what was sent is written."""
        self.closed = True
        self._writer.close()

    async def close(self) -> None:
        """Close, and wait until it is."""
        self.shut()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()


async def connect(host: str, port: int) -> Channel:
    """A connection to `host`. Raises `OSError`."""
    return Channel(*await asyncio.open_connection(host, port, limit=MOST_BYTES))
