"""The seams of a leg: `CallLeg` for control, `AudioPort` for sound."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

RATE = 8_000
FRAME_MS = 20
FRAME = RATE * FRAME_MS // 1000 * 2
"""Bytes of one frame: 20 ms of signed 16-bit little-endian samples, one channel."""
SILENCE = bytes(FRAME)


class Frame(NamedTuple):
    """Twenty milliseconds of a call: what came in, and what went out in the same instant."""

    heard: bytes
    spoken: bytes


@dataclass(frozen=True, slots=True)
class Ringing:
    """The other end rings."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The other end has answered."""


@dataclass(frozen=True, slots=True)
class Failed:
    """There was no answer: `reason` is `busy`, `declined`, `no_answer`, `invalid_destination` or `carrier_error`."""

    reason: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class HungUp:
    """The other end has hung up, or is taken to have; then `detail` says why."""

    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The way to the other end broke: nobody hung up."""

    detail: str


@dataclass(frozen=True, slots=True)
class Digit:
    """A key was pressed: one of `0123456789*#ABCD`."""

    digit: str


@dataclass(frozen=True, slots=True)
class Transferred:
    """How a transfer ended. After `ok` this leg has no more to do."""

    ok: bool
    reason: str | None = None


LegEvent = Ringing | Answered | Failed | HungUp | Lost | Digit | Transferred


class CallLeg(Protocol):
    """One side of a call, as whoever holds it sees it. What it is asked is done without waiting; events tell the rest."""

    retakable: bool
    """Whether another process can go on with the call when this one dies."""

    @property
    def audio(self) -> "AudioPort": ...

    async def open(self) -> None:
        """Reach the other end. Raises `OSError` where it can't be reached."""
        ...

    def events(self) -> AsyncIterator[LegEvent]:
        """What happens, in its order; ends with `Failed`, `HungUp`, `Lost`, or a `Transferred` that is ok."""
        ...

    async def ring(self) -> None: ...

    async def answer(self) -> None: ...

    async def reject(self, code: int) -> None:
        """Refuse a call that rings, with a SIP code (RFC 3261 section 21)."""
        ...

    async def hangup(self) -> None: ...

    async def hold(self, on: bool) -> None: ...

    async def send_digits(self, digits: str) -> None: ...

    async def transfer(self, to: str) -> None:
        """Join the other end with `to` (E.164); `Transferred` tells how it went."""
        ...

    async def close(self) -> None:
        """Leave, without a word to the other end if the call is not over."""
        ...


class AudioPort(Protocol):
    """Sound both ways, in real time: a frame each 20 ms goes out (silence where nothing was written) as one comes in."""

    rate: int

    async def read(self) -> Frame:
        """The next frame, as its time comes."""
        ...

    def write(self, pcm: bytes) -> None:
        """Say `pcm` after what was written before."""
        ...

    def play_behind(self, mix: Callable[[bytes], bytes]) -> None:
        """From now on each frame goes out as `mix` makes it, those of silence too."""
        ...

    def flush(self) -> int:
        """Forget what was written and is not spoken yet; answers how many milliseconds that was."""
        ...

    @property
    def waiting_ms(self) -> int:
        """How much was written and has not left us."""
        ...

    @property
    def buffered_ms(self) -> int:
        """How much was written and is not spoken yet: what waits here, and what waits at the other end."""
        ...
