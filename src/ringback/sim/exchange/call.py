"""One call between two parties, and what the one is told of the other."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from ringback.kit.rtp import Packet
from ringback.sim.exchange.line import Line, Path

RING_S = 60.0
"""How long a phone rings before the network gives up."""
LONGEST_S = 4 * 3600.0
"""No call of this network is longer."""
State = Literal["offered", "ringing", "answered", "ending", "ended"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call was not answered: `code` as SIP has it, and a word for it."""

    reason: str
    code: int


BUSY = Failure("busy", 486)
DECLINED = Failure("declined", 603)
NO_ANSWER = Failure("no_answer", 480)
UNREACHABLE = Failure("unreachable", 404)
CARRIER_ERROR = Failure("carrier_error", 503)
OF_CODE = {486: BUSY, 603: DECLINED, 480: UNREACHABLE, 404: UNREACHABLE, 503: CARRIER_ERROR}


class Party:
    """One end of a call. What it is told it may ignore."""

    call: "Call | None" = None

    def offer(self) -> None:
        """It is called."""

    def ringing(self) -> None:
        """The other end rings."""

    def answered(self) -> None:
        """The call is up, whichever end answered it."""

    def failed(self, failure: Failure) -> None:
        """The call was not answered. Nothing more comes."""

    def hung_up(self, detail: str) -> None:
        """The other end, or the network, ended the call. Nothing more comes."""

    def digit(self, key: str) -> None:
        """The other end pressed a key, told beside the audio."""

    def hear(self, packet: Packet) -> None:
        """A packet reached this end."""

    def speak(self) -> Iterable[Packet]:
        """What this end sends in the next 20 ms; a party that sends by itself answers nothing."""
        return ()


class Call:
    """`caller` calls `callee`; at most `ring_s` seconds until somebody answers."""

    def __init__(
        self,
        ref: str,
        caller: Party,
        callee: Party,
        line: Line,
        *,
        ring_s: float = RING_S,
        on_end: Callable[["Call"], None] = lambda call: None,
    ) -> None:
        self.ref = ref
        self.parties = [caller, callee]
        self.state: State = "offered"
        self._paths = (Path(line, ref, "there"), Path(line, ref, "back"))
        self._line = line
        self._on_end = on_end
        self.watchers: list[Callable[[], None]] = []
        """Called when the call ends."""
        loop = asyncio.get_running_loop()
        self._limit = loop.call_later(min(ring_s, RING_S), self._give_up)
        caller.call = callee.call = self

    def begin(self) -> None:
        """Tell the called party."""
        self.parties[1].offer()

    def other(self, party: Party) -> Party:
        return self.parties[1 - self.parties.index(party)]

    def ring(self) -> None:
        """The called party rings."""
        if self.state == "offered":
            self.state = "ringing"
            self.parties[0].ringing()

    def answer(self) -> None:
        """The called party answers."""
        if self.state not in ("offered", "ringing"):
            return
        self.state = "answered"
        self._limit.cancel()
        self._limit = asyncio.get_running_loop().call_later(LONGEST_S, self._end_all, "limit")
        # The called party first: it must be up before the caller may put somebody else in its own place.
        for party in reversed(tuple(self.parties)):
            party.answered()

    def refuse(self, failure: Failure) -> None:
        """The called party does not answer, for this reason."""
        if self.state not in ("offered", "ringing"):
            return
        caller, callee = self.parties
        self._end()
        caller.failed(failure)
        callee.hung_up(failure.reason)

    def hang_up(self, party: Party, detail: str = "far") -> None:
        """One end leaves; the other is told, with `detail`, once it has heard what was on its way."""
        if self.state in ("ending", "ended") or party not in self.parties:
            return
        other = self.other(party)
        if self.state != "answered" and party is self.parties[1]:
            self.refuse(DECLINED)
            return

        def end() -> None:
            if self.state != "ended":
                self._end()
                other.hung_up(detail)

        if self.state == "answered" and self._line.slowest_ms:
            self.state = "ending"
            asyncio.get_running_loop().call_later(self._line.slowest_ms / 1000, end)
        else:
            end()

    def press(self, party: Party, key: str) -> None:
        """One end presses a key, told beside the audio."""
        if self.state == "answered":
            self.other(party).digit(key)

    def carry(self, party: Party, packet: Packet) -> None:
        """One end sends a packet over the line."""
        if self.state == "answered" and party in self.parties:
            side = self.parties.index(party)
            self._paths[side].carry(packet, lambda arrived: self._arrive(side, arrived))

    def tick(self) -> None:
        """Twenty milliseconds have passed."""
        if self.state in ("answered", "ending"):
            for party in tuple(self.parties):
                for packet in party.speak():
                    self.carry(party, packet)

    def swap(self, old: Party, new: Party) -> None:
        """Put `new` in the place of `old`, who is out of it."""
        self.parties[self.parties.index(old)] = new
        old.call, new.call = None, self

    def close(self) -> None:
        """End it without a word to its parties: they are in another call now."""
        if self.state != "ended":
            self._end()

    def abandon(self, detail: str) -> None:
        """The network ends the call."""
        self._end_all(detail)

    def _arrive(self, side: int, packet: Packet) -> None:
        if self.state in ("answered", "ending"):
            self.parties[1 - side].hear(packet)

    def _give_up(self) -> None:
        caller, callee = self.parties
        if self.state in ("offered", "ringing"):
            self._end()
            caller.failed(NO_ANSWER)
            callee.hung_up("cancelled")

    def _end_all(self, detail: str) -> None:
        if self.state == "ended":
            return
        parties = tuple(self.parties)
        self._end()
        for party in parties:
            party.hung_up(detail)

    def _end(self) -> None:
        self.state = "ended"
        self._limit.cancel()
        self._on_end(self)
        for watch in self.watchers:
            watch()
