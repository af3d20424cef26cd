"""One WebSocket with the page of a browser (RFC 6455), once it is open: frames in, frames out, and nothing of calls.

Both ends of the house speak with pages so: a call's leg, and a handset that a person holds (docs/decisions/0028). From the page come frames of `HEARD` bytes: how many samples it has played since this WebSocket opened (unsigned, 32 bits,
little-endian), then 20 ms of its microphone. To it go frames of 20 ms. All else is JSON objects.
"""

import asyncio
import json
import socket
import struct
from collections import deque
from typing import Any, Protocol, cast

from ringback.kit import rtp

FRAME = 2 * rtp.FRAME
"""Bytes of 20 ms: signed 16-bit little-endian samples, 8,000 a second, one channel."""
_PLAYED = struct.Struct("<I")
HEARD = _PLAYED.size + FRAME
_MAX_MESSAGE = 4_096
_UNTAKEN = 32_768
"""Bytes that may wait for a page that doesn't read (two seconds of sound)."""
_AT_ONCE = 150
"""Messages that may come at once, and two more each 20 ms: three seconds that were held up on their way."""
_POLICY, _NOT_SUPPORTED = 1008, 1003
_GOODBYE_S = 1.0
_LONGEST_REASON = 123
_LEAVING = (1000, 1001)
"""With these codes a page closes that wants no more: closed by its script, or left by its reader."""
_FIRST_FRAMES = 2
"""Frames that are waited for before the first is heard, and after any gap: browsers send in bursts."""
_MOST_FRAMES = 12
"""Frames that may wait to be heard; what comes on top of them was held up, and the oldest are dropped."""


class Heed(Protocol):
    """What a page tells."""

    def heard(self, played: int, pcm: bytes) -> None:
        """Twenty milliseconds of the microphone, and how many samples were played when they ended."""
        ...

    def told(self, message: dict[str, Any]) -> None: ...

    def gone(self, page: "Page", left: bool) -> None:
        """The WebSocket is closed; `left` if the page wanted that. Called once."""
        ...


class Page(asyncio.Protocol):
    """`heed` gets what comes."""

    def __init__(self, heed: Heed) -> None:
        # Loaded where pages come, not wherever this module is named.
        from websockets.frames import Opcode
        from websockets.protocol import OPEN, SERVER
        from websockets.protocol import Protocol as Frames

        self._frames = Frames(SERVER, state=OPEN, max_size=_MAX_MESSAGE)
        self._opcode = Opcode
        self._heed = heed
        self._transport: asyncio.Transport | None = None
        self._credit = _AT_ONCE
        self._gone = False

    @property
    def is_slow(self) -> bool:
        """Whether more waits for it than it should."""
        return self._transport is None or self._transport.get_write_buffer_size() > _UNTAKEN

    def tick(self) -> None:
        """Twenty milliseconds have passed."""
        self._credit = min(_AT_ONCE, self._credit + 2)

    def play(self, pcm: bytes) -> None:
        self._frames.send_binary(pcm)
        self._flush()

    def tell(self, **message: Any) -> None:
        if self._is_open:
            self._frames.send_text(json.dumps(message, separators=(",", ":")).encode())
            self._flush()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, and close the connection when the page has said so too, or a moment later. Of the reason 123 bytes are
        told (RFC 6455, section 5.5)."""
        if self._is_open:
            self._frames.send_close(code, reason.encode()[:_LONGEST_REASON].decode("utf-8", "ignore"))
            self._flush()
            asyncio.get_running_loop().call_later(_GOODBYE_S, self.cut)

    def cut(self) -> None:
        """Close without a word, to a page that does not listen."""
        if self._transport is not None:
            self._transport.abort()

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        known = transport.get_extra_info("socket")
        if known.family in (socket.AF_INET, socket.AF_INET6):
            known.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._frames.receive_data(data)
        for event in self._frames.events_received():
            if self._gone:
                return
            self._take(event)
        self._flush()

    def eof_received(self) -> None:
        self._frames.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave(left=self._frames.close_rcvd is not None and self._frames.close_rcvd.code in _LEAVING)

    # Frames

    @property
    def _is_open(self) -> bool:
        from websockets.protocol import OPEN

        return self._frames.state is OPEN

    def _take(self, frame: Any) -> None:
        self._credit -= 1
        opcode = self._opcode
        if self._credit < 0:
            self._refuse(_POLICY, "faster than real time")
        elif frame.opcode not in (opcode.BINARY, opcode.TEXT):
            if frame.opcode is opcode.CONT:
                self._refuse(_NOT_SUPPORTED, "messages come in one frame")
        elif not frame.fin:
            self._refuse(_NOT_SUPPORTED, "messages come in one frame")
        elif frame.opcode is opcode.BINARY:
            if len(frame.data) != HEARD:
                self._refuse(_NOT_SUPPORTED, f"a frame of sound has {HEARD} bytes")
                return
            (played,) = _PLAYED.unpack_from(frame.data)
            self._heed.heard(played, bytes(frame.data[_PLAYED.size :]))
        else:
            self._read(frame.data)

    def _read(self, text: bytes) -> None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self._refuse(_NOT_SUPPORTED, "text is a JSON object")
            return
        self._heed.told(message)

    def _refuse(self, code: int, reason: str) -> None:
        if self._is_open:
            self._frames.fail(code, reason)

    def _flush(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        for data in self._frames.data_to_send():
            if data:
                transport.write(data)
            else:
                transport.close()  # both have said goodbye

    def _leave(self, *, left: bool) -> None:
        if not self._gone:
            self._gone = True
            self._heed.gone(self, left)


class Microphone:
    """What comes of a page's microphone, one frame each 20 ms."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._filling = True

    def add(self, pcm: bytes) -> None:
        """A frame came."""
        self._frames.append(pcm)
        if len(self._frames) > _MOST_FRAMES:
            while len(self._frames) > _FIRST_FRAMES:
                self._frames.popleft()

    def take(self) -> bytes | None:
        """The frame of the next 20 ms; None where there is none."""
        if self._filling and len(self._frames) < _FIRST_FRAMES:
            return None
        self._filling = not self._frames
        return self._frames.popleft() if self._frames else None

    def clear(self) -> None:
        """Forget what waits: another page comes."""
        self._frames.clear()
        self._filling = True


async def open_page(connection: socket.socket, heed: Heed) -> Page:
    """Speak with the page at the other end of `connection`, whose handshake is done."""
    loop = asyncio.get_running_loop()
    _, page = await loop.connect_accepted_socket(lambda: Page(heed), connection)
    return page
