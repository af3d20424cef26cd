"""/metrics: rates, latencies and queues of the whole server, as Prometheus reads them. It answers this machine, or a key."""

import asyncio
import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from ringback.doors.rest.caller import require_operator
from ringback.doors.rest.parts import parts_of
from ringback.kit import measures
from ringback.kit.measures import Count, Spread
from ringback.storage import queues
from ringback.storage.queues import Queue

if TYPE_CHECKING:
    from prometheus_client.core import Metric

router = APIRouter(tags=["probes"])
_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_KINDS = {"text": "texts", "webhook": "webhooks"}


@router.get("/metrics", operation_id="metrics", response_class=Response, responses=_TEXT)
async def metrics(request: Request) -> Response:
    if not _is_near(request):
        await require_operator(request, to="read the metrics of the whole server")
    parts = parts_of(request)
    now = parts.clock.now_ms()
    found = await parts.store.read(lambda db: queues.look(db, now=now))
    text, content_type = await asyncio.to_thread(_render, found, dict(request.app.state.circuits()))
    return Response(text, media_type=content_type)


def _is_near(request: Request) -> bool:
    """Whether the peer is on this machine, and asks this machine: a proxy passes on whom its own client asked."""
    if request.client is None or request.url.hostname not in _THIS_MACHINE:
        return False
    if any(name in request.headers for name in ("forwarded", "x-forwarded-for")):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _render(found: list[Queue], circuits: dict[str, bool]) -> tuple[bytes, str]:
    # A tenth of a second that no start should pay.
    from prometheus_client import CollectorRegistry, platform_collector, process_collector
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
    from prometheus_client.registry import Collector

    class Everything(Collector):
        def collect(self) -> Iterator["Metric"]:
            yield from map(_metric_of, list(measures.ALL))
            yield from _of_queues(found)
            yield _of_circuits(circuits)

    registry = CollectorRegistry()
    process_collector.ProcessCollector(registry=registry)
    platform_collector.PlatformCollector(registry=registry)
    registry.register(Everything())
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _metric_of(measure: Count | Spread) -> Any:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    if isinstance(measure, Count):
        counter = CounterMetricFamily(measure.name, measure.help, labels=measure.labels)
        for labels, value in list(measure.values.items()):
            counter.add_metric(labels, value)
        return counter
    histogram = HistogramMetricFamily(measure.name, measure.help, labels=measure.labels)
    for labels, (_, total) in list(measure.values.items()):
        histogram.add_metric(labels, list(measure.buckets(labels)), sum_value=total[0])
    return histogram


def _of_queues(found: list[Queue]) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily

    names = ("kind", "lane", "carrier")
    depth = GaugeMetricFamily("ringback_queue_depth", "Work that waits or is under way.", labels=names)
    flying = GaugeMetricFamily("ringback_queue_in_flight", "Work that is under way.", labels=names)
    age = GaugeMetricFamily(
        "ringback_queue_age_seconds", "How long the first in line has been due.", labels=names
    )
    for queue in found:
        labels = (_KINDS.get(queue.kind, queue.kind), queue.lane, queue.carrier)
        depth.add_metric(labels, queue.depth)
        flying.add_metric(labels, queue.in_flight)
        age.add_metric(labels, queue.age_ms / 1000)
    yield from (depth, flying, age)


def _of_circuits(circuits: dict[str, bool]) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    gauge = GaugeMetricFamily(
        "ringback_carrier_circuit_open", "1 while nothing is handed to the carrier.", labels=("carrier",)
    )
    for carrier, is_open in circuits.items():
        gauge.add_metric((carrier,), int(is_open))
    return gauge
