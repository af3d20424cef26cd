"""RTP packets (RFC 3550 section 5.1) and the keys of a phone in them (telephone-event, RFC 4733)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

PCMU: Final = 0
PCMA: Final = 8
TELEPHONE_EVENT: Final = 101
"""The payload type that nearly everybody gives to telephone-event; it is a dynamic one."""
RATE: Final = 8_000
"""Samples a second of G.711, and of timestamps."""
FRAME: Final = 160
"""Samples of 20 ms at 8 kHz: what one packet of G.711 holds."""
KEYS: Final = "0123456789*#ABCD"
_HEAD = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_LONGEST = 0xFFFF
_SLACK = 4_000
"""How far the last packet seen of a segment may be from its end (half a second): the rest of it was lost."""


class BadPacket(ValueError):
    """These bytes are no RTP packet."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. `sequence` has 16 bits, `timestamp` counts samples in 32, `ssrc` names the stream."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    marker: bool
    payload: bytes

    def pack(self) -> bytes:
        """As bytes, without contributors, extension or padding."""
        kind = self.payload_type | (0x80 if self.marker else 0)
        return (
            _HEAD.pack(0x80, kind, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc)
            + self.payload
        )


def parse(data: bytes) -> Packet:
    """The packet in `data`; contributors, extension and padding are left out. Raises `BadPacket`."""
    if len(data) < _HEAD.size:
        raise BadPacket("shorter than a header")
    first, kind, sequence, timestamp, ssrc = _HEAD.unpack_from(data)
    if first >> 6 != 2:
        raise BadPacket("not version 2")
    begin, end = _HEAD.size + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if begin + 4 > end:
            raise BadPacket("its extension is cut off")
        begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4], "big")
    if first & 0x20:
        padding = data[-1]
        if not padding:
            raise BadPacket("padding of no length")
        end -= padding
    if begin > end:
        raise BadPacket("shorter than its header says")
    return Packet(kind & 0x7F, sequence, timestamp, ssrc, bool(kind & 0x80), bytes(data[begin:end]))


def dtmf_packets(
    key: str, *, sequence: int, timestamp: int, ssrc: int, held_ms: int = 100
) -> Iterator[Packet]:
    """The packets of one key, one for every 20 ms; the last is sent three times in all (RFC 4733 section 2.5.1.4).

    `timestamp` is when the key goes down. A key held for more than 8.19 s comes in segments (section 2.5.1.3).
    """
    code, left = KEYS.index(key), max(held_ms, 20) * 8 // FRAME * FRAME
    marker = True
    while True:
        segment = min(left, _LONGEST)
        ends = segment == left
        for duration in [*range(FRAME, segment, FRAME), segment]:
            last = ends and duration == segment
            packet = Packet(
                TELEPHONE_EVENT,
                sequence & 0xFFFF,
                timestamp & 0xFFFFFFFF,
                ssrc,
                marker,
                _EVENT.pack(code, (0x80 if last else 0) | 10, duration),
            )
            yield packet
            sequence, marker = sequence + 1, False
        if ends:
            break
        left, timestamp = left - segment, timestamp + segment
    for again in (0, 1):
        yield replace(packet, sequence=(sequence + again) & 0xFFFF)


class DtmfReader:
    """Reads keys out of telephone-event packets, each once, at the first packet of it that arrives.

    An event is known by its timestamp (RFC 4733 section 2.5.1.2): neither the marker nor the end is relied on. Copies
    of its end, packets out of order, and further segments of a long key are the same event.
    """

    def __init__(self) -> None:
        self._ssrc: int | None = None
        self._key = ""
        self._begin = 0
        self._duration = 0
        self._earlier = 0
        self._ended = False

    @property
    def held_ms(self) -> int:
        """How long the newest key is, or was, down, as far as its packets have told."""
        return (self._earlier + self._duration) // 8

    def feed(self, packet: Packet) -> str | None:
        """The key, if this packet is the first of one; None for everything else, what can't be read included."""
        if len(packet.payload) < _EVENT.size:
            return None
        code, flags, duration = _EVENT.unpack_from(packet.payload)
        if code >= len(KEYS):
            return None
        key, ended = KEYS[code], bool(flags & 0x80)
        if packet.ssrc == self._ssrc:
            since = (packet.timestamp - self._begin) & 0xFFFFFFFF
            if since >= 0x80000000:
                return None  # older than the newest: late, and told already
            if since == 0 or (key == self._key and since < self._duration):
                self._duration = max(self._duration, since + duration)
                self._ended |= ended
                return None
            if key == self._key and not self._ended and self._goes_on(since):
                self._earlier += since
                self._begin, self._duration, self._ended = packet.timestamp, duration, ended
                return None
        self._ssrc, self._key, self._begin = packet.ssrc, key, packet.timestamp
        self._duration, self._earlier, self._ended = duration, 0, ended
        return key

    def _goes_on(self, since: int) -> bool:
        return abs(since - _LONGEST) <= FRAME and self._duration >= _LONGEST - _SLACK
