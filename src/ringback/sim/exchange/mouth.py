"""What a handset sends: speech, keys, and what is behind it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from ringback.kit.chance import chance
from ringback.kit.rtp import FRAME, PCMU, Packet, dtmf_packets
from ringback.sim.exchange.sound import SILENCE, frames, noise_frames, with_noise

_KEY_MS = 160
_BETWEEN_KEYS = 5
"""Frames of pause between two keys."""


class Mouth:
    """One RTP stream, named by `key`. Every 20 ms one packet, as phones do that don't leave silence out."""

    def __init__(self, key: str) -> None:
        self.noisy = False
        self.live: Callable[[], bytes | None] = lambda: None
        """Asked each 20 ms for a frame of what somebody says in that moment."""
        self._ssrc = int(chance(1, "ssrc", key) * 2**32)
        self._sequence = int(chance(1, "sequence", key) * 2**15)
        self._time = int(chance(1, "timestamp", key) * 2**31)
        self._speech: deque[bytes] = deque()
        self._keys: deque[str] = deque()
        self._key: Iterator[Packet] | None = None
        self._pause = 0
        self._ticks = 0
        self._first = True

    @property
    def is_idle(self) -> bool:
        """Whether all that was to be said and pressed was sent."""
        return not (self._speech or self._keys or self._key or self._pause)

    def say(self, pcm: bytes) -> None:
        """Send this next, behind what waits."""
        self._speech.extend(frames(with_noise(pcm) if self.noisy else pcm))

    def press(self, keys: Iterable[str]) -> None:
        """Press these keys next, one after another."""
        self._keys.extend(keys)

    def be_silent(self) -> None:
        """Say nothing more of what waits."""
        self._speech.clear()

    def tick(self) -> tuple[Packet, bytes]:
        """The packet of these 20 ms, and their sound (160 bytes of mu-law) for the recording."""
        live = self.live()
        packet = self._next_of_key()
        self._ticks += 1
        if packet is not None:
            self._sequence, self._time = self._sequence + 1, self._time + FRAME
            return packet, SILENCE
        self._pause = max(0, self._pause - 1)
        frame = self._speech.popleft() if self._speech else live or self._background()
        packet = Packet(
            PCMU, self._sequence & 0xFFFF, self._time & 0xFFFFFFFF, self._ssrc, self._first, frame
        )
        self._first = False
        self._sequence, self._time = self._sequence + 1, self._time + FRAME
        return packet, frame

    def _background(self) -> bytes:
        return noise_frames()[self._ticks % len(noise_frames())] if self.noisy else SILENCE

    def _next_of_key(self) -> Packet | None:
        if self._key is None and self._keys and not self._pause:
            self._key = dtmf_packets(
                self._keys.popleft(),
                sequence=self._sequence,
                timestamp=self._time,
                ssrc=self._ssrc,
                held_ms=_KEY_MS,
            )
        packet = next(self._key, None) if self._key is not None else None
        if packet is None and self._key is not None:
            self._key, self._pause = None, _BETWEEN_KEYS
        return packet
