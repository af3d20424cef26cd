"""What a handset hears: the stream put back in time, where somebody speaks in it, and the keys pressed."""

from collections.abc import Callable

from ringback.kit.playout import Playout
from ringback.kit.rtp import PCMU, TELEPHONE_EVENT, DtmfReader, Packet
from ringback.sim.exchange.sound import SILENCE
from ringback.sim.exchange.utterances import OnUtterance, Utterances


class Ear:
    """`on_utterance` gets each utterance when it has ended, `on_key(key)` each key."""

    def __init__(self, on_utterance: OnUtterance, on_key: Callable[[str], None]) -> None:
        self._utterances = Utterances(on_utterance)
        self._on_key = on_key
        self._playout = Playout()
        self._keys = DtmfReader()
        self._last = SILENCE

    @property
    def voiced_ms(self) -> int:
        """How long the utterance lasts that is under way; 0 in silence."""
        return self._utterances.voiced_ms

    @property
    def quiet_ms(self) -> int:
        """How long nothing loud was heard."""
        return self._utterances.quiet_ms

    @property
    def speaks_now(self) -> bool:
        """Whether there is a voice at this very moment."""
        return self.voiced_ms > 0 and self.quiet_ms == 0

    def hear(self, packet: Packet) -> None:
        """A packet arrives."""
        if packet.payload_type == TELEPHONE_EVENT:
            key = self._keys.feed(packet)
            if key is not None:
                self._on_key(key)
        elif packet.payload_type == PCMU:
            self._playout.push(packet)

    def tick(self) -> bytes:
        """The next 20 ms (160 bytes of mu-law): one lost frame is played again, more are silence."""
        found = self._playout.pull()
        frame = found if found is not None else self._last
        self._last = frame if found is not None else SILENCE
        self._utterances.add(frame)
        return frame

    def close(self) -> None:
        """Nothing more comes: an utterance that is under way ends."""
        self._utterances.end()
