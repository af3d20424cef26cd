"""Traces: one for each request, from it to the carrier's answer, the receipt and the webhook, as OTLP has them."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ringback.testing import Ringback
from ringback.tracing import ids_of
from tests.phones import until

pytestmark = pytest.mark.scenario

Spans = list[Any]


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[str, Spans]]:
    """A collector's address, and the spans that it got."""
    spans: Spans = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/v1/traces"
            spans.extend(
                span for all_ in sent.resource_spans for scope in all_.scope_spans for span in scope.spans
            )
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()
    server.server_close()


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@pytest.fixture(scope="module")
def ringback_settings(collector: tuple[str, Spans]) -> dict[str, Any]:
    return {"otel_endpoint": collector[0]}


def test_a_text_is_one_trace(ringback: Ringback, collector: tuple[str, Spans]) -> None:
    _, spans = collector
    caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    hook = f"{ringback.base_url}/nowhere"
    ringback.request("POST", "/v1/webhooks", json={"url": hook})
    number = ringback.request("POST", "/v1/numbers", json={}).json
    phone = ringback.request("POST", "/sim/v1/handsets", json={}).json
    asked = {"number_id": number["id"], "to_number": phone["phoneNumber"], "body": "secret words"}
    sent = ringback.request("POST", "/v1/messages", json=asked, headers={"traceparent": caller})
    message = sent.json["id"]

    def status() -> str:
        page = ringback.request("GET", f"/v1/numbers/{number['id']}/messages").json
        return str(page["data"][0]["status"])

    until(lambda: status() == "delivered")
    text = {"to": number["phoneNumber"], "body": "back"}
    ringback.request("POST", f"/sim/v1/handsets/{phone['id']}/messages", json=text)
    traces = ringback.server.traces
    assert traces is not None

    def hooks() -> Spans:
        traces.flush()
        return [span for span in spans if span.name == "webhook"]

    until(hooks)
    trace_id, root_id = ids_of(sent.headers["x-request-id"])
    mine = {span.name: span for span in spans if int.from_bytes(span.trace_id, "big") == trace_id}
    assert mine.keys() == {"POST /v1/messages", "submit simulated", "receipt delivered"}
    root = mine["POST /v1/messages"]
    assert int.from_bytes(root.span_id, "big") == root_id
    assert not root.parent_span_id
    assert root.links[0].trace_id.hex() == caller.split("-")[1]
    for name in ("submit simulated", "receipt delivered"):
        assert mine[name].parent_span_id == root.span_id
        assert attributes(mine[name])["ringback.message_id"] == message
    [hooked] = hooks()
    [heard] = [span for span in spans if span.name == "receive text"]
    assert (hooked.trace_id, hooked.parent_span_id) == (heard.trace_id, heard.span_id)
    assert attributes(hooked)["http.response.status_code"] == 404
    told = str(spans)
    assert not [
        secret for secret in ("secret words", phone["phoneNumber"], ringback.api_key) if secret in told
    ]
