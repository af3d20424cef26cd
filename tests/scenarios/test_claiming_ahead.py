"""Endpoints that answer quickly get more claimed than is posted at once; no endpoint is posted to more than ten times."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import select

from ringback.flows.deliver_webhook import CAP
from ringback.storage.schema import lanes
from ringback.storage.statements import Statement
from ringback.testing import Handsets, Ringback
from tests.phones import until
from tests.scenarios.lines import Line

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]
COUNT = 60
IN_FLIGHT = Statement(select(lanes.c.in_flight).where(lanes.c.kind == "webhook"))


class Endpoint(ThreadingHTTPServer):
    """Counts who posts at the same time, and how many deliveries wait in the server's memory meanwhile."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, ringback: Ringback) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ringback = ringback
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.lock = threading.Lock()
        self.delay_s = 0.0
        self.here = self.most = self.waited = 0


class Handler(BaseHTTPRequestHandler):
    server: Endpoint
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        seen = self.server
        with seen.lock:
            seen.here += 1
            seen.most = max(seen.most, seen.here)
            seen.waited = max(seen.waited, seen.ringback.server.deliverer._turns.waiting)
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(seen.delay_s)
        with seen.lock:
            seen.here -= 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def endpoint(ringback: Ringback) -> Iterator[Endpoint]:
    with Endpoint(ringback) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def line(ringback: Ringback, handset: Handsets, endpoint: Endpoint) -> Line:
    """Its endpoint has had `COUNT` deliveries, and takes them quickly."""
    line = Line(ringback, handset)
    line.ask("POST", "/v1/webhooks", {"url": endpoint.url})
    for n in range(COUNT):
        line.phone.text(line.number, f"text {n}")
    until(lambda: delivered(line) == COUNT)
    return line


def delivered(line: Line) -> int:
    count: int = line.ask("GET", "/v1/webhooks/deliveries/all-time")["success"]
    return count


def in_flight(line: Line) -> Any:
    [row] = line.ringback.on_loop(line.ringback.server.store.read(lambda db: db.all(IN_FLIGHT)))
    return row["in_flight"]


def all_again(line: Line) -> None:
    asked = {"from": "2020-01-01T00:00:00Z", "status": "all"}
    assert line.ask("POST", "/v1/webhooks/redeliver", asked)["count"] == COUNT


def test_a_quick_endpoint_is_claimed_ahead_and_posted_to_as_any(line: Line, endpoint: Endpoint) -> None:
    endpoint.most = endpoint.waited = 0
    all_again(line)
    until(lambda: delivered(line) == COUNT)
    assert endpoint.waited > CAP
    assert 1 < endpoint.most <= CAP
    until(lambda: in_flight(line) == 0)


def test_one_that_slows_down_keeps_ten(line: Line, endpoint: Endpoint) -> None:
    endpoint.most, endpoint.delay_s = 0, 0.4
    all_again(line)
    until(lambda: endpoint.here == CAP)
    until(lambda: in_flight(line) <= CAP)
    assert delivered(line) < COUNT / 2, "the rest waits in the store"
    endpoint.waited = 0
    until(lambda: delivered(line) == COUNT)
    assert (endpoint.most, endpoint.waited) == (CAP, 0)
