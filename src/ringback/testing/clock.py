"""The clock of the server under test."""

from datetime import UTC, datetime
from typing import Any

from ringback.testing.api import Api


class Clock:
    """Stored times, retries, receipts, validity: all that falls due does so by this clock."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def now(self) -> datetime:
        """Where the clock stands, in UTC."""
        return _time(self._api.call("GET", "/sim/v1/clock"))

    def freeze(self) -> None:
        """Let the clock stand still until it is moved or runs on."""
        self._change({"freeze": True})

    def resume(self) -> None:
        """Let the clock run on from where it stands."""
        self._change({"resume": True})

    def advance(
        self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> datetime:
        """Move the clock forward; all that falls due on the way has happened, in order, when this returns.

        Returns where the clock stands. Raises `TimeoutError` when something is still under way after 30 s.
        """
        total = seconds + 60 * (minutes + 60 * (hours + 24 * days))
        return self._moved({"advanceSeconds": total})

    def advance_to(self, time: datetime | str) -> datetime:
        """As `advance`, to a time: a `datetime` with a time zone, or ISO 8601."""
        if isinstance(time, datetime):
            if time.tzinfo is None:
                raise ValueError("the time needs a time zone, such as datetime(..., tzinfo=timezone.utc)")
            time = time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return self._moved({"advanceTo": time})

    def _moved(self, change: dict[str, Any]) -> datetime:
        answer = self._change(change)
        if not answer["settled"]:
            raise TimeoutError(
                f"the clock stands at {answer['now']}, but something that fell due was still under way after 30 s"
                " (does an endpoint hang?)"
            )
        return _time(answer)

    def _change(self, change: dict[str, Any]) -> Any:
        return self._api.call("POST", "/sim/v1/clock", change)


def _time(answer: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(answer["now"])
