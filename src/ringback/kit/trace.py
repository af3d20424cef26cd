"""The one id that follows a piece of work from the request that caused it to the webhook that tells of it."""

from contextvars import ContextVar

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
