"""The one id that follows a piece of work from the request that caused it to the webhook that tells of it; and spans of
that work, where somebody collects them (`ringback.tracing`)."""

from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any, Literal, Protocol

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
Side = Literal["server", "client", "consumer"]
"""Whose part of a call it is, as OpenTelemetry has it (SpanKind)."""


class Span(Protocol):
    """A stretch of work while it lasts."""

    def rename(self, name: str) -> None: ...

    def note(self, **attributes: str | int) -> None:
        """Add attributes; in their names `__` stands for a dot."""
        ...


class Tracer(Protocol):
    """Where spans go."""

    def span(
        self,
        name: str,
        side: Side,
        work: str | None,
        *,
        root: bool,
        parent: str | None,
        **attributes: str | int,
    ) -> AbstractContextManager[Span]: ...

    def past(
        self,
        name: str,
        side: Side,
        work: str,
        begun_ms: int,
        ended_ms: int,
        *,
        name_of: str | None,
        under: str | None,
        failed: str | None,
        **attributes: str | int,
    ) -> None: ...


tracer: Tracer | None = None
_OFF: AbstractContextManager[Any] = nullcontext()


def span(
    name: str,
    side: Side,
    work: str | None,
    *,
    root: bool = False,
    parent: str | None = None,
    **attributes: str | int,
) -> AbstractContextManager[Span | None]:
    """A span of the work that `work`, a request id, names: every span of one request is in one trace.

    `root`: it is what began the work. `parent` is a W3C `traceparent` that a caller sent. None where nobody collects.
    """
    if tracer is None:
        return _OFF
    return tracer.span(name, side, work, root=root, parent=parent, **attributes)


def past(
    name: str,
    side: Side,
    work: str,
    begun_ms: int,
    ended_ms: int,
    *,
    name_of: str | None = None,
    under: str | None = None,
    failed: str | None = None,
    **attributes: str | int,
) -> None:
    """A span of the work `work` that is over already, in real ms.

    `name_of` is an id by which others find it: they are `under` it, which without one is the request. `failed` says why
    it was no success.
    """
    if tracer is not None:
        tracer.past(
            name, side, work, begun_ms, ended_ms, name_of=name_of, under=under, failed=failed, **attributes
        )
