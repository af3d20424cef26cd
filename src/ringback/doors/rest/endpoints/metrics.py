"""/metrics: rates, latencies and queues of the whole server, as Prometheus reads them. It answers this machine, or a key."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from ringback.calls import store as calls
from ringback.doors.rest.caller import require_operator
from ringback.doors.rest.near import is_near
from ringback.doors.rest.parts import parts_of
from ringback.kit import measures
from ringback.kit.measures import Count, Spread
from ringback.storage import queues
from ringback.storage.queues import Queue

if TYPE_CHECKING:
    from prometheus_client.core import Metric

router = APIRouter(tags=["probes"])
_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
_KINDS = {"text": "texts", "webhook": "webhooks"}


@router.get("/metrics", operation_id="metrics", response_class=Response, responses=_TEXT)
async def metrics(request: Request) -> Response:
    if "authorization" in request.headers or not is_near(request):
        await require_operator(request, to="read the metrics of the whole server")
    parts = parts_of(request)
    now = parts.clock.now_ms()
    found = await parts.store.read(lambda db: queues.look(db, now=now))
    living = await parts.store.read(calls.count_living)
    text, content_type = await asyncio.to_thread(_render, found, dict(request.app.state.circuits()), living)
    return Response(text, media_type=content_type)


def _render(
    found: list[Queue], circuits: dict[str, bool], living: dict[tuple[str, str], int]
) -> tuple[bytes, str]:
    # A tenth of a second that no start should pay.
    from prometheus_client import CollectorRegistry, platform_collector, process_collector
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
    from prometheus_client.registry import Collector

    class Everything(Collector):
        def collect(self) -> Iterator["Metric"]:
            yield from map(_metric_of, list(measures.ALL))
            yield from _of_queues(found)
            yield _of_circuits(circuits)
            yield _of_calls(living)

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


def _of_calls(living: dict[tuple[str, str], int]) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    gauge = GaugeMetricFamily(
        "ringback_calls_living", "Calls that are not over.", labels=("direction", "status")
    )
    for labels, count in living.items():
        gauge.add_metric(labels, count)
    return gauge
