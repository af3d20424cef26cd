"""When nothing may be handed to a carrier: it can't be reached, or it asked to slow down.

Both are things of one process. A circuit runs on real time, as connections do, or on the clock where that is moved, so
that nobody who moves it waits for anything. A slowdown runs on the clock, as a carrier's pace does.
"""

import math
from collections import deque
from dataclasses import dataclass

import structlog

from ringback.kit.chance import chance
from ringback.kit.clock import Clock, real_ms
from ringback.kit.machine import monotonic

_log = structlog.get_logger("ringback.circuit")
UNREACHABLE_IN_A_ROW = 5
LOOKED_AT = 20
"""So many of the latest answers are judged by their share without an answer."""
UNANSWERED_SHARE = 0.5
FIRST_PROBE_S = 1.0
LONGEST_PROBE_S = 30.0
LONGEST_PROBE_CLOCK_S = 300.0
"""The longest wait by the clock, for whoever moves it: days of an outage are then walked through in seconds."""
FIRST_SLOWDOWN_MS = 1_000
LONGEST_SLOWDOWN_MS = 30_000
JITTER = 0.2
"""A wait is made longer by up to this share of it."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to hand over up to `most` texts."""

    most: int
    era: int


class Circuit:
    """While it is open nothing is handed to its carrier but a probe now and then; closed at first.

    What is claimed has a ticket, so that only a probe decides about an open circuit, and no straggler of before.
    """

    def __init__(self, carrier: str, clock: Clock) -> None:
        self.carrier = carrier
        self.reason = ""
        """Why it opened last."""
        self.opened_ms: int | None = None
        """Since when (real time) it is open; None while it is closed."""
        self.opened_count = 0
        self._clock = clock
        self._era = 0
        self._in_a_row = 0
        self._latest: deque[bool] = deque(maxlen=LOOKED_AT)
        self._failed_probes = 0
        self._probe_at = 0.0
        self._probe_due_ms = 0
        self._probing = False

    @property
    def is_open(self) -> bool:
        return self.opened_ms is not None

    def enter(self, most: int) -> Ticket | None:
        """Leave to claim up to `most` texts; None where nothing may be claimed now (ask again after `wait_s`)."""
        if not self.is_open:
            return Ticket(most, self._era)
        if self._probing or self.due_ms() > self._clock.now_ms():
            return None
        self._probing = True
        return Ticket(1, self._era)

    def leave(self, ticket: Ticket) -> None:
        """Nothing was asked of the carrier under this ticket: the next may probe."""
        if ticket.era == self._era:
            self._probing = False

    def wait_s(self) -> float | None:
        """Real seconds until the next probe may begin; None while nothing has to wait."""
        if not self.is_open:
            return None
        if self._probing:
            return LONGEST_PROBE_S
        return None if self.due_ms() <= self._clock.now_ms() else self._probe_at - monotonic()

    def due_ms(self) -> int:
        """When (clock) the next probe may begin, unless real time comes before; 0 when it may begin now."""
        return 0 if not self.is_open or monotonic() >= self._probe_at else self._probe_due_ms

    def probe_now(self) -> None:
        """The clock was moved: don't wait for the next probe's time."""
        self._probe_at = 0.0

    def answered(self, ticket: Ticket) -> None:
        """The carrier answered, whatever it said."""
        if ticket.era != self._era:
            return
        if self.is_open:
            self._close()
            return
        self._in_a_row = 0
        self._latest.append(True)

    def unreachable(self, ticket: Ticket, key: str, reason: str) -> None:
        """No connection. `key` tells the text, for the jitter."""
        if ticket.era != self._era:
            return
        self._in_a_row += 1
        if self.is_open or self._in_a_row >= UNREACHABLE_IN_A_ROW:
            self._open(key, reason)

    def unanswered(self, ticket: Ticket, key: str) -> None:
        """The carrier said nothing, and may have taken the text: each probe costs one that nobody can tell of."""
        if ticket.era != self._era:
            return
        self._in_a_row = 0
        self._latest.append(False)
        full = len(self._latest) == LOOKED_AT
        if self.is_open or (full and self._latest.count(False) >= UNANSWERED_SHARE * LOOKED_AT):
            self._open(key, "it gives no answer to too many texts")

    def _open(self, key: str, reason: str) -> None:
        if self.is_open:
            self._failed_probes += 1
        else:
            self.opened_ms = real_ms()
            self.opened_count += 1
            self._failed_probes = 0
        doubled = FIRST_PROBE_S * 2.0 ** min(self._failed_probes, 20)
        doubled *= 1 + JITTER * chance(0, "probe", self.carrier, key, self._failed_probes)
        wait = min(doubled, LONGEST_PROBE_S)
        self._probe_at = monotonic() + wait
        self._probe_due_ms = self._clock.now_ms() + int(min(doubled, LONGEST_PROBE_CLOCK_S) * 1000)
        self._probing = False
        self._era += 1
        self.reason = reason
        told = {"carrier": self.carrier, "reason": reason, "next_probe_s": round(wait, 1)}
        if self._failed_probes == 0:
            _log.warning("the carrier's circuit is open: texts wait", **told)
        else:
            _log.info("a probe failed: the circuit stays open", **told)

    def _close(self) -> None:
        assert self.opened_ms is not None
        _log.warning(
            "the carrier's circuit is closed again",
            carrier=self.carrier,
            open_s=round((real_ms() - self.opened_ms) / 1000, 1),
        )
        self.opened_ms = None
        self._era += 1
        self._in_a_row = 0
        self._latest.clear()
        self._probing = False

    def trouble(self) -> str | None:
        """A line for `ringback check`; None while it is closed."""
        if self.opened_ms is None:
            return None
        open_s = (real_ms() - self.opened_ms) // 1000
        left_s = math.ceil(self._probe_at - monotonic())
        tried = "one is being tried" if self._probing or left_s <= 0 else f"one is tried in {left_s} s"
        return f"{self.carrier}: texts wait since {open_s} s ({self.reason}); {tried}"


class Slowdown:
    """The carrier asked to slow down: nothing is handed over until `until_ms` (clock)."""

    def __init__(self) -> None:
        self.until_ms = 0
        self._in_a_row = 0

    def throttled(self, now_ms: int, key: str) -> None:
        """It was told "too fast": wait a second, and twice as long each time that nothing was taken in between."""
        if now_ms < self.until_ms:
            return
        wait = min(FIRST_SLOWDOWN_MS * 2 ** min(self._in_a_row, 20), LONGEST_SLOWDOWN_MS)
        self.until_ms = now_ms + int(wait * (1 + JITTER * chance(0, "throttled", key, self._in_a_row)))
        self._in_a_row += 1

    def taken(self) -> None:
        """The carrier took a text."""
        self._in_a_row = 0
