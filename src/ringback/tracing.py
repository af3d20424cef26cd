"""OpenTelemetry: spans from a request to the carrier's answer, the receipt and the webhook, sent by OTLP over HTTP.

A request id names its work in every process and after every restart, so the ids of a trace are made from it: what
belongs together finds together without being stored.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ringback import __version__
from ringback.kit.trace import Side

_KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "consumer": SpanKind.CONSUMER}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_LAST_S = 2.0
_root: ContextVar[tuple[int, int] | None] = ContextVar("root", default=None)


def ids_of(work: str) -> tuple[int, int]:
    """The trace id of a request's work (128 bits) and the span id of the request itself (64 bits)."""
    digest = blake2b(work.encode(), digest_size=24).digest()
    return int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:], "big")


class _Ids(RandomIdGenerator):
    """Chance, but for the span that begins a piece of work."""

    def generate_trace_id(self) -> int:
        root = _root.get()
        return super().generate_trace_id() if root is None else root[0]

    def generate_span_id(self) -> int:
        root = _root.get()
        return super().generate_span_id() if root is None else root[1]


class _Span:
    def __init__(self, span: Any) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, **attributes: str | int) -> None:
        self._span.set_attributes({name.replace("__", "."): value for name, value in attributes.items()})


class Collected:
    """Spans on their way to a collector at `endpoint`, such as `http://127.0.0.1:4318`."""

    def __init__(self, endpoint: str, *, role: str) -> None:
        resource = Resource.create(
            {"service.name": "ringback", "service.version": __version__, "ringback.role": role}
        )
        self._provider = TracerProvider(resource=resource, id_generator=_Ids(), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("ringback", __version__)
        # A daemon, since the SDK's own limit is half a minute and no process should live on for a collector that hangs.
        self._last = threading.Thread(target=self._provider.shutdown, daemon=True)

    def flush(self) -> None:
        """Send what has ended so far."""
        self._provider.force_flush()

    def stop(self) -> None:
        """Begin to send what is left, which may take as long as the collector does."""
        self._last.start()

    def wait(self) -> None:
        """After `stop`, wait until it is sent, `_LAST_S` at most."""
        self._last.join(_LAST_S)

    @contextmanager
    def span(
        self,
        name: str,
        side: Side,
        work: str | None,
        *,
        root: bool,
        parent: str | None,
        **attributes: str | int,
    ) -> Iterator[_Span]:
        """As `ringback.kit.trace.span`. What it raises marks it as failed."""
        context, links, token = None, [], None
        if work is not None and root:
            token = _root.set(ids_of(work))
            if parent is not None:
                caller = TraceContextTextMapPropagator().extract({"traceparent": parent})
                found = get_current_span(caller).get_span_context()
                links = [Link(found)] if found.is_valid else []
        elif work is not None:
            trace_id, span_id = ids_of(work)
            begun = SpanContext(trace_id, span_id, is_remote=True, trace_flags=_SAMPLED)
            context = set_span_in_context(NonRecordingSpan(begun))
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        if work is not None:
            named["ringback.request_id"] = work
        span = self._tracer.start_span(name, context, kind=_KINDS[side], attributes=named, links=links)
        if token is not None:
            _root.reset(token)
        try:
            yield _Span(span)
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            span.end()

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
    ) -> None:
        """As `ringback.kit.trace.past`."""
        trace_id, request_span = ids_of(work)
        parent = request_span if under is None else ids_of(under)[1]
        found = SpanContext(trace_id, parent, is_remote=True, trace_flags=_SAMPLED)
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        token = None if name_of is None else _root.set((trace_id, ids_of(name_of)[1]))
        try:
            span = self._tracer.start_span(
                name,
                set_span_in_context(NonRecordingSpan(found)),
                kind=_KINDS[side],
                attributes={**named, "ringback.request_id": work},
                start_time=begun_ms * 1_000_000,
            )
        finally:
            if token is not None:
                _root.reset(token)
        if failed is not None:
            span.set_status(Status(StatusCode.ERROR, failed))
        span.end(end_time=max(begun_ms, ended_ms) * 1_000_000)
