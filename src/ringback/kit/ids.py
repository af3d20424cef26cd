"""Prefixed, sortable ids: 48 bits of milliseconds, 16 of a counter, 64 random, in 26 Crockford characters."""

import threading
from collections.abc import Callable

from ringback.kit.clock import Clock
from ringback.kit.machine import entropy as of_machine

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _CROCKFORD for b in _CROCKFORD]
_SHIFTS = tuple(range(120, -1, -10))
_POOL_BYTES = 4096


def spell(number: int) -> str:
    """A number below 2**128 in 26 lower-case Crockford characters, as its bits are read from the left."""
    pairs = _PAIRS
    number <<= 2
    return "".join([pairs[number >> shift & 0x3FF] for shift in _SHIFTS])


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` is an id with this prefix, as `IdMaker` makes them."""
    head, _, rest = text.partition("_")
    return head == prefix and len(rest) == 26 and all(character in _CROCKFORD for character in rest)


class IdMaker:
    """Makes ids that sort by the clock's time and, within one millisecond of one process, by the order made."""

    def __init__(self, clock: Clock, entropy: Callable[[int], bytes] = of_machine) -> None:
        self._clock = clock
        self._entropy = entropy
        self._lock = threading.Lock()
        self._last_ms = 0
        self._counter = 0
        self._pool = b""
        self._at = 0

    def new(self, prefix: str, now: int | None = None) -> str:
        """A new id such as `msg_01jd...`: the prefix, an underscore and 26 lower-case characters.

        `now` is the clock's time where the caller has just read it.
        """
        with self._lock:
            if now is None:
                now = self._clock.now_ms()
            if now > self._last_ms:
                self._last_ms, self._counter = now, 0
            else:
                self._counter += 1
                if self._counter > 0xFFFF:
                    self._last_ms, self._counter = self._last_ms + 1, 0
            if self._at + 8 > len(self._pool):
                self._pool, self._at = self._entropy(_POOL_BYTES), 0
            random = int.from_bytes(self._pool[self._at : self._at + 8], "big")
            self._at += 8
            number = self._last_ms << 80 | self._counter << 64 | random
        return f"{prefix}_{spell(number)}"

    def secret(self, prefix: str) -> str:
        """A new id of 128 random bits: whoever knows it may see what it names, so it can't be guessed or sorted."""
        return f"{prefix}_{spell(int.from_bytes(self._entropy(16), 'big'))}"
