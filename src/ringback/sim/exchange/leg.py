"""A server's end of a call: signalling over TCP in JSON lines, media over RTP. docs/decisions/0029 has the protocol.

The end outlives its connection: one that drops without a `hangup` is a server that was lost, and for 30 s another may
take the call over.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from ringback.kit.rtp import BadPacket, Packet, parse
from ringback.sim.exchange.call import CARRIER_ERROR, OF_CODE, Failure, Party
from ringback.sim.exchange.channel import Channel

_logger = logging.getLogger(__name__)
HELD_S = 30.0
"""How long a call is held whose server was lost."""
_KEYS = frozenset("0123456789*#ABCD")
Transfer = Callable[["Leg", str], Coroutine[Any, Any, None]]


class _Media(asyncio.DatagramProtocol):
    def __init__(self, leg: "Leg") -> None:
        self._leg = leg

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._leg.arrive(data, addr)


class Leg(Party):
    """One end. `transfer` bridges the other end to a number; `on_gone` hears that nothing more comes."""

    def __init__(
        self,
        ref: str,
        from_: str,
        to: str,
        *,
        transfer: Transfer,
        on_gone: Callable[["Leg"], None],
        held_s: float = HELD_S,
    ) -> None:
        self.ref = ref
        self.from_ = from_
        self.to = to
        self.is_taken = False
        self._transfer = transfer
        self._on_gone = on_gone
        self._held_s = held_s
        self._channel: Channel | None = None
        self._socket: asyncio.DatagramTransport | None = None
        self._remote: tuple[str, int] | None = None
        self._on_hold = False
        self._holding: asyncio.TimerHandle | None = None
        self._state: dict[str, Any] | None = None
        """The last word on the call, for a server that takes it over."""
        self._gone = False
        self._transferring: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        return self._channel is not None

    async def serve(self, channel: Channel) -> None:
        """Talk over `channel` until it ends. A new connection takes the place of an old one."""
        before, self._channel, self.is_taken = self._channel, channel, True
        if before is not None:
            before.shut()
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None
        self._remote = None
        self._on_hold = False
        await self._open_media()
        if self._state is not None:
            channel.send(self._state)
        try:
            while not self._gone and (message := await channel.read()) is not None:
                self._obey(message)
        finally:
            self._lost(channel)

    # What the call tells it

    def ringing(self) -> None:
        self._say({"op": "ringing"})

    def answered(self) -> None:
        self._say({"op": "answered"})

    def failed(self, failure: Failure) -> None:
        self._say({"op": "failed", "code": failure.code, "reason": failure.reason})
        self._leave()

    def hung_up(self, detail: str) -> None:
        by = "far" if detail == "far" else "network"
        self._say({"op": "hungup", "by": by, "detail": detail})
        self._leave()

    def digit(self, key: str) -> None:
        if self._channel is not None:
            self._channel.send({"op": "dtmf", "digit": key})

    def hear(self, packet: Packet) -> None:
        if self._socket is not None and self._remote is not None and not self._on_hold:
            self._socket.sendto(packet.pack(), self._remote)

    # What its server says

    def arrive(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """A datagram of its server; anybody else's is dropped."""
        if self.call is None or self._on_hold or self._remote is None or addr[1] != self._remote[1]:
            return
        try:
            packet = parse(data)
        except BadPacket:
            return
        self.call.carry(self, packet)

    def _obey(self, message: dict[str, Any]) -> None:
        call, op = self.call, message.get("op")
        if op == "media":
            host, port = message.get("host"), message.get("port")
            if isinstance(host, str) and isinstance(port, int) and 0 < port < 65_536:
                self._remote = (host, port)
        elif call is None:
            return
        elif op == "ring":
            call.ring()
        elif op == "answer":
            call.answer()
        elif op == "reject":
            call.refuse(OF_CODE.get(message.get("code", 0), CARRIER_ERROR))
        elif op == "hangup":
            call.hang_up(self)
            self._leave()
        elif op == "dtmf":
            for key in str(message.get("digits", "")).upper():
                if key in _KEYS:
                    call.press(self, key)
        elif op == "hold":
            self._on_hold = message.get("on") is True
        elif op == "transfer":
            if self._transferring is None or self._transferring.done():
                self._transferring = asyncio.create_task(self._transfer(self, str(message.get("to", ""))))
        else:
            _logger.debug("leg %s: unknown op %r", self.ref, op)

    def transferred(self, reason: str | None) -> None:
        """The other end was bridged, or could not be for `reason`."""
        told = {"op": "transferred", "ok": reason is None, "reason": reason}
        if reason is None:
            self._say(told)
            self._leave()
        elif self._channel is not None:
            self._channel.send(told)

    # Inside

    def _say(self, message: dict[str, Any]) -> None:
        self._state = message
        if self._channel is not None:
            self._channel.send(message)

    async def _open_media(self) -> None:
        if self._socket is None:
            loop = asyncio.get_running_loop()
            self._socket, _ = await loop.create_datagram_endpoint(
                lambda: _Media(self), local_addr=("127.0.0.1", 0)
            )
        host, port = self._socket.get_extra_info("sockname")[:2]
        if self._channel is not None:
            self._channel.send({"op": "media", "host": host, "port": port, "codec": "PCMU"})

    def _lost(self, channel: Channel) -> None:
        if self._channel is not channel:
            return
        self._channel = None
        if self._gone:
            return

        def end() -> None:
            if self.call is not None:
                self.call.hang_up(self, "lost")
            self._leave()

        self._holding = asyncio.get_running_loop().call_later(self._held_s, end)

    def _leave(self) -> None:
        """Nothing more comes for this end."""
        if self._gone:
            return
        self._gone = True
        self.call = None
        if self._holding is not None:
            self._holding.cancel()
        if self._socket is not None:
            self._socket.close()
        self._on_gone(self)
        if self._channel is not None:
            self._channel.end()
