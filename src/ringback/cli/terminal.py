"""What a terminal can show beyond plain lines: colour, and that something is under way."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

import click

_AFTER_S = 2.0
"""What takes longer says that it goes on."""
_TICK_S = 0.5


def has_colour(stream: TextIO | None = None) -> bool:
    """Whether colour is seen and wanted there (no-color.org); `stream` is standard output unless given."""
    stream = stream or sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
    """The text in a colour, on a terminal; anywhere else as it is."""
    return click.style(text, fg=colour, bold=bold or None, dim=dim or None) if has_colour() else text


@contextlib.contextmanager
def under_way(what: str) -> Iterator[None]:
    """While inside, a terminal is told after two seconds that `what` goes on and for how long; nothing of it stays."""
    out = sys.stderr
    if not out.isatty():
        yield
        return
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(out, what, over), daemon=True, name="progress")
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _tell(out: TextIO, what: str, over: threading.Event) -> None:
    begun, shown = time.monotonic(), ""
    wait = _AFTER_S
    while not over.wait(wait):
        shown = f"{what} ... {time.monotonic() - begun:.0f} s"
        out.write(f"\r{shown}")
        out.flush()
        wait = _TICK_S
    if shown:
        out.write("\r" + " " * len(shown) + "\r")
        out.flush()
