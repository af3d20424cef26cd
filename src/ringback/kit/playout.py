"""A playout buffer: puts the packets of one RTP stream back in order and in time, as late as the line needs and no later.

It has no clock of its own: whoever plays calls `pull` once every 20 ms, and that is its time. Frames are placed by
their timestamps, so that keys and pauses, which take sequence numbers or leave samples out, are no losses of order.
"""

from collections import deque
from dataclasses import dataclass

from ringback.kit.rtp import FRAME, Packet

_SILENT_BYTE = b"\xff"
_WINDOW = 250
"""Packets (5 s) that must all have come earlier than needed before the delay is made shorter."""
_FARTHEST = 250
"""Frames (5 s) that a timestamp may be off before the stream counts as a new one."""
_LATE_IN_A_ROW = 25
"""So many late packets in a row are no straggler: the line has become slower than the buffer may be deep."""


@dataclass(slots=True)
class Counts:
    """What became of the frames: `concealed` had to be made up, `late` ones came after their turn."""

    played: int = 0
    concealed: int = 0
    late: int = 0
    duplicate: int = 0


class Playout:
    """One stream of G.711. `most_ms` is how much delay it may add at most, beyond that of the fastest packet."""

    def __init__(self, *, most_ms: int = 200) -> None:
        self.counts = Counts()
        self._most = max(1, most_ms // 20)
        self._tick = 0
        self._newest = self._last_played = 0
        self._is_playing = False
        self._forget(None)

    @property
    def delay_ms(self) -> int:
        """What the buffer adds now to the way of the fastest packet of late, in ms."""
        return 20 * max(0, self._delay - min(self._transits, default=self._delay))

    @property
    def buffered_ms(self) -> int:
        """How much is here and was not played."""
        return 20 * len(self._frames)

    def push(self, packet: Packet) -> None:
        """Take a packet of audio as it arrives, in any order and however often."""
        if not packet.payload:
            return
        if packet.ssrc != self._ssrc:
            self._begin(packet)
        ahead = (packet.timestamp - self._base + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        if not -_FARTHEST < ahead // FRAME - (self._tick - self._delay) < _FARTHEST:
            self._begin(packet)
            ahead = self._tick * FRAME
        slot = ahead // FRAME
        transit = self._tick - slot
        fastest = min(self._transits, default=transit)
        self._transits.append(transit)
        if transit > self._delay:
            self._came_late(packet, ahead, transit - fastest)
            return
        self._late_in_a_row = 0
        self.counts.late += slot <= self._last_played
        self._place(ahead, packet.payload)
        self._shorten()

    def pull(self) -> bytes | None:
        """The 160 bytes of the next 20 ms; None where they are missing and something has to be made up."""
        slot = self._tick - self._delay
        frame = self._frames.pop(slot, None)
        self._tick += 1
        if self._ssrc is None:
            return None
        if frame is None:
            self.counts.concealed += self._is_playing and slot <= self._newest
            return None
        self.counts.played += 1
        self._last_played, self._is_playing = slot, True
        return bytes(frame)

    def _begin(self, packet: Packet) -> None:
        self._forget(packet.ssrc)
        # Slot n is what the fastest packet would have played at tick n. No call lasts the three days after which the
        # difference of two timestamps is ambiguous.
        self._base = packet.timestamp - self._tick * FRAME & 0xFFFFFFFF
        # One frame more than this packet needs: the next may come just after its turn.
        self._delay = 1

    def _forget(self, ssrc: int | None) -> None:
        self._ssrc = ssrc
        self._base = 0
        self._delay = 0
        self._newest = self._last_played = self._tick - 2 * _FARTHEST
        self._is_playing = False
        self._late_in_a_row = 0
        self._frames: dict[int, bytes | bytearray] = {}
        self._transits: deque[int] = deque(maxlen=_WINDOW)

    def _came_late(self, packet: Packet, ahead: int, spread: int) -> None:
        self.counts.late += 1
        if spread <= self._most:
            # Everything is played later from here on; this one too, unless one that follows it was played already.
            self._delay = self._tick - ahead // FRAME
            self._place(ahead, packet.payload)
            return
        self._late_in_a_row += 1
        if self._late_in_a_row >= _LATE_IN_A_ROW:
            self._begin(packet)
            self._place(self._tick * FRAME, packet.payload)

    def _shorten(self) -> None:
        if len(self._transits) == _WINDOW and (needed := max(self._transits)) < self._delay:
            # One frame is skipped, and the next not before another window has been seen.
            self._frames.pop(self._tick - self._delay, None)
            self._delay = max(needed, self._delay - 1)
            self._transits.clear()

    def _place(self, ahead: int, payload: bytes) -> None:
        """Put `payload` at its samples; packets of other lengths than 20 ms are cut at the frames' ends."""
        at = 0
        while at < len(payload):
            slot, within = divmod(ahead + at, FRAME)
            piece = payload[at : at + FRAME - within]
            at += len(piece)
            self._newest = max(self._newest, slot)
            if slot <= self._last_played:
                continue
            if len(piece) == FRAME:
                if slot in self._frames:
                    self.counts.duplicate += 1
                self._frames[slot] = piece
                continue
            frame = self._frames.get(slot)
            if frame is None:
                frame = _SILENT_BYTE * FRAME
            whole = bytearray(frame)
            whole[within : within + len(piece)] = piece
            self._frames[slot] = whole
