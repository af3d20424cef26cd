"""What a process has of its machine: real time, chance, and threads. The one place where a simulated world puts its own.

Read through `current` at the moment of use. Only tests ever put another machine there, before anything else runs.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Machine:
    """The machine that this process runs on."""

    threads = True
    """Whether a store's writer has a thread of its own; otherwise the event loop's executor, which runs one job at a time,
    commits what a turn of the loop hands over."""

    # They are asked for every id: another frame in between would be felt.
    time_ns: Callable[[], int] = staticmethod(time.time_ns)
    """Real UTC time in nanoseconds, which whoever keeps the machine may set forward and back."""

    monotonic: Callable[[], float] = staticmethod(time.monotonic)
    """Seconds of a clock that never goes back, from some start."""

    def entropy(self, size: int) -> bytes:
        """`size` bytes that nobody can foresee."""
        return os.urandom(size)


current: Machine = Machine()


@contextmanager
def put(machine: Machine) -> Iterator[None]:
    """Run on `machine` inside; one thread only."""
    global current
    before, current = current, machine
    try:
        yield
    finally:
        current = before


def monotonic() -> float:
    """Seconds of the machine's clock that never goes back: for timeouts, not for what is stored."""
    return current.monotonic()


def entropy(size: int) -> bytes:
    """`size` bytes of the machine's chance: for ids and tokens. Secrets are made by `secrets`, nonces by the system."""
    return current.entropy(size)
