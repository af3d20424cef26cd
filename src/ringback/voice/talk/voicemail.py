"""Leaving a message with an answering machine: when it listens."""

import asyncio
from collections.abc import Callable

from ringback.voice.talk.book import Book
from ringback.voice.talk.callee import Callee

VOICEMAIL = "voicemail"
"""The turn of the message that is left."""
_LONGEST_MS = 30_000
_FRESH_MS = 3_000
_SILENT_MS = 4_000
"""A machine that is silent for so long records without a beep."""
_LOOK_S = 0.1
_BREATH_S = 0.3


async def wait_for_beep(callee: Callee, book: Book, speaks: Callable[[], bool]) -> None:
    """Return a moment after the beep; without one, when the machine (`speaks()`) has been silent, or has talked, for long."""
    begun = silent_since = book.ms()
    while (now := book.ms()) - begun < _LONGEST_MS:
        if callee.beep_ms is not None and now - callee.beep_ms < _FRESH_MS:
            break
        if speaks():
            silent_since = now
        elif now - silent_since >= _SILENT_MS:
            break
        await asyncio.sleep(_LOOK_S)
    await asyncio.sleep(_BREATH_S)
