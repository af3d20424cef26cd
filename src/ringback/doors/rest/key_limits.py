"""How many requests a key may make: so many a second, and so many at once after a rest.

Kept in memory, so each process of the API counts by itself, and a restart forgives. The window goes by the clock, as the
simulated network promises of rate windows.
"""

import math

from ringback.doors.rest.errors import ApiError
from ringback.kit.clock import Clock, real_ms

_MOST_KEYS = 10_000


class KeyLimits:
    """One bucket a key (the generic cell rate algorithm: when each bucket is full again)."""

    def __init__(self, clock: Clock, *, per_second: float, burst: int) -> None:
        self._clock = clock
        self._interval_us = math.ceil(1_000_000 / per_second)
        self._burst = burst
        self._full_us: dict[str, int] = {}

    def take(self, key_id: str) -> None:
        """Count one request. Raises 429 when there is no room for it."""
        now_us = self._clock.now_ms() * 1000
        full_us = max(self._full_us.get(key_id, 0), now_us)
        wait_us = full_us - now_us - (self._burst - 1) * self._interval_us
        if wait_us > 0:
            raise self._refusal(wait_us)
        if len(self._full_us) >= _MOST_KEYS:
            self._full_us = {key: full for key, full in self._full_us.items() if full > now_us}
        self._full_us[key_id] = full_us + self._interval_us

    def _refusal(self, wait_us: int) -> ApiError:
        window_s = math.ceil(self._burst * self._interval_us / 1_000_000)
        wait_s = math.ceil(wait_us / 1_000_000)
        return ApiError(
            429,
            "RATE_LIMIT_EXCEEDED",
            f"Rate limit exceeded. Limit: {self._burst} requests per {window_s}s",
            headers={
                "Retry-After": str(wait_s),
                "X-RateLimit-Limit": str(self._burst),
                "X-RateLimit-Remaining": "0",
                # Real time, because clients compare it with their own.
                "X-RateLimit-Reset": str(math.ceil((real_ms() * 1000 + wait_us) / 1_000_000)),
            },
        )
