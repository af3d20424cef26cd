"""A server's end of a call on the simulated line, as small as can be: signalling, and audio in both directions."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from ringback.kit import g711
from ringback.kit.playout import Playout
from ringback.kit.rtp import FRAME, PCMU, TELEPHONE_EVENT, DtmfReader, Packet, dtmf_packets, parse
from ringback.sim.exchange.channel import Channel, connect
from tests.tones import Reader, said

_SILENCE = bytes([g711.ULAW_SILENCE]) * FRAME


class Leg(asyncio.DatagramProtocol):
    """`messages` are those that came and were not waited for; `heard` is PCM, from the first packet on."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.messages: deque[dict[str, Any]] = deque()
        self._news = asyncio.Event()
        self.heard = bytearray()
        self._reader = Reader()
        self.keys = ""
        self.arrivals: list[tuple[float, Packet]] = []
        self.playout = Playout()
        self._keys = DtmfReader()
        self._out: deque[Packet | bytes] = deque()
        self._sequence = 0
        self._time = 0
        self._ssrc = id(self) & 0xFFFFFFFF
        self._socket: asyncio.DatagramTransport | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.ended = False

    @classmethod
    async def open(cls, trunk: dict[str, Any], op: str, ref: str, **more: Any) -> "Leg":
        """Connect and say what for: `take`, `dial` (with `from_`, `to`) or `retake`."""
        leg = cls(await connect(trunk["host"], trunk["port"]))
        if "from_" in more:
            more["from"] = more.pop("from_")
        leg.say(key=trunk["key"], op=op, ref=ref, **more)
        loop = asyncio.get_running_loop()
        leg._socket, _ = await loop.create_datagram_endpoint(lambda: leg, local_addr=("127.0.0.1", 0))
        leg._tasks.append(asyncio.create_task(leg._read()))
        return leg

    def say(self, **message: Any) -> None:
        self._channel.send(message)

    async def expect(self, op: str, timeout: float = 5.0) -> dict[str, Any]:
        """The next message of this kind; those before it are dropped."""
        seen = []
        try:
            async with asyncio.timeout(timeout):
                while True:
                    while self.messages:
                        message = self.messages.popleft()
                        if message["op"] == op:
                            return message
                        seen.append(message)
                    if self.ended:
                        raise AssertionError(f"the connection ended without {op}; {seen} came")
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {op} within {timeout:g} s; {seen} came") from None

    async def speak(self, text: str) -> None:
        """Say `text` to its end."""
        self.begin(text)
        await self.until(lambda: not self._out, 60)

    def begin(self, text: str) -> None:
        """Begin to say `text`."""
        coded = g711.encode_ulaw(said(text))
        self._out.extend(coded[at : at + FRAME] for at in range(0, len(coded), FRAME))

    def press(self, key: str, held_ms: int = 100) -> None:
        """Press a key, in RTP."""
        self._out.extend(dtmf_packets(key, sequence=0, timestamp=0, ssrc=0, held_ms=held_ms))

    @property
    def words(self) -> str:
        """All that was heard, read."""
        return self._reader.text

    async def hears(self, text: str, timeout: float = 8.0) -> None:
        """Wait until `text` was heard."""
        await self.until(lambda: text in self.words, timeout, lambda: f"{text!r} in {self.words!r}")

    async def until(self, condition: Any, timeout: float = 5.0, told: Any = lambda: "it") -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not condition():
                    await asyncio.sleep(0.05)
                return
        raise AssertionError(f"not within {timeout:g} s: {told()}")

    async def hang_up(self) -> None:
        self.say(op="hangup")
        await self.until(lambda: self.ended)
        await self.close()

    async def drop(self) -> None:
        """Die: the connection ends without a word."""
        await self.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._socket is not None:
            self._socket.close()
        await self._channel.close()

    # Inside

    async def _read(self) -> None:
        while (message := await self._channel.read()) is not None:
            if message["op"] == "media":
                assert self._socket is not None
                host, port = self._socket.get_extra_info("sockname")
                self.say(op="media", host=host, port=port)
                self._tasks.append(asyncio.create_task(self._beat((message["host"], message["port"]))))
            self.messages.append(message)
            self._news.set()
        self.ended = True
        self._news.set()

    async def _beat(self, remote: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        due, event_time = loop.time(), 0
        while self._socket is not None and not self._socket.is_closing():
            due += 0.02
            await asyncio.sleep(max(0, due - loop.time()))
            if (frame := self.playout.pull()) is not None or self.heard:
                pcm = g711.decode_ulaw(frame or _SILENCE)
                self.heard += pcm
                self._reader.feed(pcm)
            out = self._out.popleft() if self._out else _SILENCE
            if isinstance(out, Packet):
                event_time = self._time if out.marker else event_time
                packet = Packet(
                    TELEPHONE_EVENT, self._sequence, event_time, self._ssrc, out.marker, out.payload
                )
            else:
                packet = Packet(PCMU, self._sequence, self._time, self._ssrc, False, out)
            self._sequence = self._sequence + 1 & 0xFFFF
            self._time = self._time + FRAME & 0xFFFFFFFF
            self._socket.sendto(packet.pack(), remote)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        packet = parse(data)
        self.arrivals.append((asyncio.get_running_loop().time(), packet))
        if packet.payload_type == TELEPHONE_EVENT:
            self.keys += self._keys.feed(packet) or ""
        else:
            self.playout.push(packet)


async def ringing(calls: AsyncIterator[Any], timeout: float = 5.0) -> Any:
    """The next call that rings at a server."""
    async with asyncio.timeout(timeout):
        return await anext(calls)
