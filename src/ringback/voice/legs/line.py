"""A leg over an exchange: signalling in JSON lines over TCP, sound as G.711 over RTP (RFC 3550, RFC 3551, RFC 4733)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from ringback.kit import machine
from ringback.kit.g711 import decode_ulaw, encode_ulaw
from ringback.kit.playout import Playout
from ringback.kit.rtp import (
    FRAME,
    PCMU,
    TELEPHONE_EVENT,
    BadPacket,
    DtmfReader,
    Packet,
    dtmf_packets,
    parse,
)
from ringback.voice.legs.base import (
    SILENCE,
    Answered,
    Digit,
    Failed,
    HungUp,
    LegEvent,
    Lost,
    Ringing,
    Transferred,
)
from ringback.voice.legs.port import Pacer, Port
from ringback.voice.protocol import MAX_LINE, BadLine, Line, line_of, read_message

_CONNECT_S = 5.0
_CONCEALED = 3
"""Frames in a row that are made up from the last one, each softer; then there is silence."""
_REASONS = {
    "busy": "busy",
    "declined": "declined",
    "no_answer": "no_answer",
    "unreachable": "invalid_destination",
}
_KEY_GAP = 3
"""Frames of silence between two keys."""


class LinePort(Port, asyncio.DatagramProtocol):
    """The sound of one call over RTP. Keys that come in go to `keys`."""

    def __init__(self, keys: "asyncio.Queue[LegEvent]") -> None:
        super().__init__()
        self._keys = keys
        self._playout = Playout()
        self._dtmf = DtmfReader()
        self._last = SILENCE
        self._missing = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._to: tuple[str, int] | None = None
        self._sequence = int.from_bytes(machine.entropy(2), "big")
        self._timestamp = int.from_bytes(machine.entropy(4), "big")
        self._ssrc = int.from_bytes(machine.entropy(4), "big")
        self._pressing: Iterator[Packet | None] = iter(())

    async def open(self) -> tuple[str, int]:
        """Listen for packets; answers where."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        host, port = self._transport.get_extra_info("sockname")[:2]
        return host, port

    def send_to(self, host: str, port: int) -> None:
        """From now on packets go there."""
        self._to = (host, port)

    def press(self, digits: str) -> None:
        """Send keys, one after another, in place of sound."""
        self._pressing = self._keys_out(digits)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        try:
            packet = parse(data)
        except BadPacket:
            return
        if packet.payload_type == PCMU:
            self._playout.push(packet)
        elif packet.payload_type == TELEPHONE_EVENT and (key := self._dtmf.feed(packet)):
            self._keys.put_nowait(Digit(key))

    def take(self) -> bytes:
        coded = self._playout.pull()
        if coded is not None:
            self._missing, self._last = 0, decode_ulaw(coded)
            return self._last
        self._missing += 1
        if self._missing > _CONCEALED:
            return SILENCE
        # What is missing sounds like what was before it, and dies away (G.711 appendix I, in its simplest form).
        self._last = _softer(self._last)
        return self._last

    def send(self, frame: bytes) -> None:
        packet = next(self._pressing, None) or Packet(
            PCMU, self._sequence, self._timestamp, self._ssrc, False, encode_ulaw(frame)
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        if self._transport is not None and self._to is not None and not self._transport.is_closing():
            self._transport.sendto(packet.pack(), self._to)

    def _keys_out(self, digits: str) -> Iterator[Packet | None]:
        for key in digits:
            begun = self._timestamp
            for number, packet in enumerate(
                dtmf_packets(key, sequence=self._sequence, timestamp=begun, ssrc=self._ssrc)
            ):
                yield Packet(
                    TELEPHONE_EVENT, self._sequence, packet.timestamp, self._ssrc, not number, packet.payload
                )
            yield from (None for _ in range(_KEY_GAP))


class LineLeg:
    """A `CallLeg` that an exchange carries. `pacer` gives its sound the time."""

    retakable = True

    def __init__(self, plan: Line, *, from_: str, to: str, ring_s: float, pacer: Pacer) -> None:
        self._plan, self._from, self._to, self._ring_s = plan, from_, to, ring_s
        self._pacer = pacer
        self._events: asyncio.Queue[LegEvent] = asyncio.Queue()
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self.audio = LinePort(self._events)

    async def open(self) -> None:
        plan = self._plan
        async with asyncio.timeout(_CONNECT_S):
            reader, self._writer = await asyncio.open_connection(plan["host"], plan["port"], limit=MAX_LINE)
        first: dict[str, Any] = {"key": plan["key"], "op": plan["op"], "ref": plan["ref"]}
        if plan["op"] == "dial":
            first |= {"from": self._from, "to": self._to, "ringS": self._ring_s}
        self._say(**first)
        host, port = await self.audio.open()
        self._say(op="media", host=host, port=port)
        self._reading = asyncio.create_task(self._read(reader))

    async def events(self) -> AsyncIterator[LegEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Failed | HungUp | Lost) or (isinstance(event, Transferred) and event.ok):
                return

    async def ring(self) -> None:
        self._say(op="ring")

    async def answer(self) -> None:
        self._say(op="answer")

    async def reject(self, code: int) -> None:
        self._say(op="reject", code=code)

    async def hangup(self) -> None:
        self._say(op="hangup")

    async def hold(self, on: bool) -> None:
        self._say(op="hold", on=on)

    async def send_digits(self, digits: str) -> None:
        self.audio.press(digits)

    async def transfer(self, to: str) -> None:
        self._say(op="transfer", to=to)

    async def close(self) -> None:
        self._pacer.remove(self.audio)
        self.audio.close()
        if self._reading is not None:
            self._reading.cancel()
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await self._writer.wait_closed()

    def _say(self, **message: Any) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(line_of(message))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        detail = "the exchange closed the connection"
        try:
            while (message := await read_message(reader)) is not None:
                self._obey(message)
        except BadLine as error:
            detail = f"the exchange sent {error}"
        self._events.put_nowait(Lost(detail))

    def _obey(self, message: dict[str, Any]) -> None:
        """One line of the exchange; what is not known is left out."""
        event: LegEvent | None = None
        match message.get("op"):
            case "media":
                self.audio.send_to(message["host"], message["port"])
            case "ringing" | "progress":
                event = Ringing()
            case "answered":
                self._pacer.add(self.audio)
                event = Answered()
            case "failed":
                event = Failed(
                    _REASONS.get(message.get("reason", ""), "carrier_error"), message.get("detail")
                )
            case "hungup":
                lost = message.get("detail") == "lost"
                event = Lost("the network lost the other end") if lost else HungUp()
            case "dtmf":
                event = Digit(str(message["digit"]))
            case "transferred":
                event = Transferred(bool(message.get("ok")), message.get("reason"))
        if event is not None:
            self._events.put_nowait(event)


def _softer(pcm: bytes) -> bytes:
    samples = memoryview(pcm).cast("h")
    return b"".join((sample * 7 // 10).to_bytes(2, "little", signed=True) for sample in samples)
