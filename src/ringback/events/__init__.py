"""The event log: what happened, in one gapless sequence an account."""

from ringback.events.log import Event, record

__all__ = ["Event", "record"]
