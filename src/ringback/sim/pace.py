"""How many messages the carrier takes in one second of the clock."""


class Pace:
    """A window of one second. It lives in memory: a carrier that restarts has forgotten the last second too."""

    def __init__(self) -> None:
        self._second = -1
        self._taken = 0

    def take(self, now_ms: int, limit: int) -> bool:
        """Whether one more fits into the second of `now_ms`."""
        second = now_ms // 1000
        if second != self._second:
            self._second, self._taken = second, 0
        if self._taken >= limit:
            return False
        self._taken += 1
        return True
