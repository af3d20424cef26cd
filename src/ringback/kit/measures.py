"""What a process counts and times, cheaply enough for every request. `doors/rest/endpoints/metrics.py` shows it.

The library that writes them out takes a tenth of a second to import, so only a scrape does. Names and units are Prometheus's: base units, `_total` for what only grows. Labels are few and from small sets, never ids
or numbers of people. A process has one of each, however many servers it holds.
"""

from bisect import bisect_left
from collections.abc import Iterator

Labels = tuple[str, ...]


class Count:
    """A number that only grows, by labels."""

    __slots__ = ("help", "labels", "name", "values")

    def __init__(self, name: str, help_: str, *labels: str) -> None:
        self.name = name
        self.help = help_
        self.labels = labels
        self.values: dict[Labels, int] = {}
        ALL.append(self)

    def add(self, *values: str, more: int = 1) -> None:
        self.values[values] = self.values.get(values, 0) + more


class Spread:
    """Durations in seconds, by labels: how many fell under each bound, their number and sum."""

    __slots__ = ("bounds", "help", "labels", "name", "values")

    def __init__(self, name: str, help_: str, *labels: str, bounds: tuple[float, ...]) -> None:
        self.name = name
        self.help = help_
        self.labels = labels
        self.bounds = bounds
        self.values: dict[Labels, tuple[list[int], list[float]]] = {}
        ALL.append(self)

    def add(self, seconds: float, *values: str) -> None:
        found = self.values.get(values)
        if found is None:
            found = self.values[values] = ([0] * (len(self.bounds) + 1), [0.0])
        found[0][bisect_left(self.bounds, seconds)] += 1
        found[1][0] += seconds

    def buckets(self, values: Labels) -> Iterator[tuple[str, float]]:
        """Each bound and how many were at most that, the last one being `+Inf`."""
        so_far = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.values[values][0], strict=True):
            so_far += count
            yield bound, so_far


ALL: list[Count | Spread] = []

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_REPLY = (0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 120.0)
_LONG = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0)

REQUESTS = Spread(
    "ringback_http_request_duration_seconds",
    "From a request's headers to those of its answer.",
    "method", "route", "status", bounds=_FAST,
)  # fmt: skip
SUBMITS = Spread(
    "ringback_carrier_submit_duration_seconds",
    "From handing a text to the carrier to its answer, by what the answer was.",
    "carrier", "outcome", bounds=_FAST,
)  # fmt: skip
TEXT_WAITS = Spread(
    "ringback_text_wait_seconds",
    "From a text's acceptance to the carrier's yes (clock).",
    "carrier", bounds=_LONG,
)  # fmt: skip
CARRIER_EVENTS = Count(
    "ringback_carrier_events_total",
    "What the carrier told and was stored: received (texts), delivered and failed (receipts), reclaimed (numbers).",
    "carrier", "kind",
)  # fmt: skip
ATTEMPTS = Spread(
    "ringback_webhook_attempt_duration_seconds",
    "Attempts to deliver a webhook, by outcome: delivered, refused (an answer other than 2xx), failed (none).",
    "outcome", bounds=_FAST,
)  # fmt: skip
CALLS_ENDED = Count(
    "ringback_calls_ended_total",
    "Calls that ended, by why and whose doing it was.",
    "direction", "status", "reason", "side",
)  # fmt: skip
CALL_LENGTHS = Spread(
    "ringback_call_duration_seconds",
    "From the answer of a call to its end; 0 for one that was not answered.",
    "direction", bounds=_LONG,
)  # fmt: skip
CALL_REPLIES = Spread(
    "ringback_call_reply_duration_seconds",
    "From a caller's last sound to the first sound of the answer.",
    "brain", bounds=_REPLY,
)  # fmt: skip
CALL_REPLY_PARTS = Spread(
    "ringback_call_reply_part_duration_seconds",
    "Parts of a reply: hear (to the transcript), think (to the brain's first words), speak (to the first sound).",
    "brain", "part", bounds=_REPLY,
)  # fmt: skip
