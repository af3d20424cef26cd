"""What the line does to packets: it takes its time, loses some, and lets some overtake others."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ringback.kit.chance import chance
from ringback.kit.rtp import Packet

LONGEST_MS = 5_000
"""No packet of a call is later than that, whatever the network's settings say of texts."""


@dataclass(slots=True)
class Line:
    """The settings that hold now, for all calls: ms one way, ms more at most, percent."""

    seed: int = 1
    latency_ms: int = 0
    jitter_ms: int = 0
    loss_percent: float = 0

    @property
    def slowest_ms(self) -> int:
        """How long a packet may be under way."""
        return min(self.latency_ms + self.jitter_ms, LONGEST_MS)

    def change(self, settings: dict[str, Any]) -> None:
        """Take over what `settings` name."""
        for name in ("seed", "latency_ms", "jitter_ms", "loss_percent"):
            setattr(self, name, settings.get(name, getattr(self, name)))


class Path:
    """One direction of one call. Each packet's fate is a keyed choice: of seed, call, direction and count."""

    def __init__(self, line: Line, ref: str, direction: str) -> None:
        self._line = line
        self._key = (ref, direction)
        self._count = 0

    def carry(self, packet: Packet, deliver: Callable[[Packet], None]) -> None:
        """Deliver the packet when the line has done with it, or never."""
        line, count = self._line, self._count
        self._count += 1
        if line.loss_percent and chance(line.seed, "rtp-lost", *self._key, count) * 100 < line.loss_percent:
            return
        delay_ms: float = line.latency_ms
        if line.jitter_ms:
            delay_ms += line.jitter_ms * chance(line.seed, "rtp-late", *self._key, count)
        if delay_ms:
            asyncio.get_running_loop().call_later(min(delay_ms, LONGEST_MS) / 1000, deliver, packet)
        else:
            deliver(packet)
