"""Doing something again and again."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from ringback.kit.faults import Fault

_log = structlog.get_logger("ringback.every")


async def every(period_s: float, what: Callable[[], Awaitable[object]]) -> None:
    """Do `what` each `period_s` real seconds until cancelled; what it raises is logged and ends nothing."""
    while True:
        await asyncio.sleep(period_s)
        try:
            await what()
        except Fault as fault:
            _log.warning("a periodic job could not be done", reason=fault.message)
        except Exception:
            _log.exception("a periodic job failed", job=getattr(what, "__qualname__", repr(what)))
