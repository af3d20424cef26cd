"""A few steps that tests over a whole server take."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

T = TypeVar("T")


def at(time_on_the_wire: str) -> datetime:
    """A time as the wire has it; it must be UTC with `Z`."""
    assert time_on_the_wire.endswith("Z"), time_on_the_wire
    return datetime.fromisoformat(time_on_the_wire)


def until(look: Callable[[], T | None], *, timeout_s: float = 10) -> T:
    """Look until there is something, and return it; fails after `timeout_s` of real time."""
    end = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < end, f"nothing came within {timeout_s} s"
        time.sleep(0.02)
    return found
