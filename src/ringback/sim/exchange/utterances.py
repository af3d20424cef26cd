"""Where somebody speaks in a stream of 20 ms frames."""

from collections import deque
from collections.abc import Callable

from ringback.kit.g711 import decode_ulaw, loudness
from ringback.kit.rtp import FRAME

_LOUD = 300
"""Mean magnitude of a frame that has a voice in it: about 40 dB below full scale."""
_BEGINS = 3
"""Loud frames of the last five that make a voice."""
_ENDS_MS = 700
"""So much silence ends an utterance."""
_BEFORE = 12
"""Frames kept from before a voice was noticed."""
_LONGEST_MS = 30_000
"""Longer utterances are cut."""
OnUtterance = Callable[[bytes, int, int], None]
"""Takes PCM at 8,000 samples a second, and when it began and ended in ms of the call."""


class Utterances:
    """`on_utterance` gets each utterance when it has ended; the first frame is at `now_ms`."""

    def __init__(self, on_utterance: OnUtterance, *, now_ms: int = 0) -> None:
        self.voiced_ms = 0
        """How long the utterance lasts that is under way; 0 in silence."""
        self.quiet_ms = 0
        """How long nothing loud was heard."""
        self._on_utterance = on_utterance
        self._now_ms = now_ms
        self._recent: deque[bytes] = deque(maxlen=_BEFORE)
        self._loud: deque[bool] = deque(maxlen=5)
        self._frames: list[bytes] = []

    def add(self, frame: bytes) -> None:
        """The next 20 ms, 160 bytes of mu-law."""
        self._now_ms += 20
        loud = loudness(frame) > _LOUD
        self._loud.append(loud)
        self.quiet_ms = 0 if loud else self.quiet_ms + 20
        if not self._frames:
            self._recent.append(frame)
            if sum(self._loud) >= _BEGINS:
                self._frames = list(self._recent)
                self.voiced_ms = 20 * _BEGINS
            return
        self._frames.append(frame)
        self.voiced_ms += 20
        if self.quiet_ms >= _ENDS_MS or self.voiced_ms >= _LONGEST_MS:
            self.end()

    def end(self) -> None:
        """An utterance that is under way ends now."""
        if not self._frames:
            return
        coded = b"".join(self._frames)
        start_ms = self._now_ms - len(coded) // FRAME * 20
        begun_ms = self._now_ms - self.voiced_ms
        self._frames = []
        self._recent.clear()
        self._loud.clear()
        self.voiced_ms = 0
        self._on_utterance(decode_ulaw(coded), max(start_ms, begun_ms), self._now_ms - self.quiet_ms)
