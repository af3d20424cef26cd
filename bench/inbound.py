"""From a person's text to the agent's webhook, on an idle server."""

import statistics
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.server import Server

TEXTS = 200


class _Sink(ThreadingHTTPServer):
    def __init__(self) -> None:
        self.came = threading.Event()
        self.at = 0.0
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Sink

    def do_POST(self) -> None:
        self.server.at = time.perf_counter()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.came.set()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def measure() -> list[float]:
    """Milliseconds from the handset's request to the webhook's arrival, one text at a time."""
    sink = _Sink()
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    server = Server()
    try:
        server.furnish()
        server.request("POST", "/v1/webhooks", {"url": f"http://127.0.0.1:{sink.server_port}/"})
        number = server.request("GET", f"/v1/numbers/{server.numbers[0]}")["phoneNumber"]
        [phone] = server.request("GET", "/sim/v1/handsets")["data"]
        times = []
        for n in range(TEXTS + 10):
            sink.came.clear()
            began = time.perf_counter()
            server.request(
                "POST", f"/sim/v1/handsets/{phone['id']}/messages", {"to": number, "body": f"text {n}"}
            )
            if not sink.came.wait(10):
                raise SystemExit("a webhook didn't come")
            times.append((sink.at - began) * 1000)
            time.sleep(0.01)
        return sorted(times[10:])
    finally:
        server.stop()
        sink.shutdown()


def report(rounds: int) -> None:
    found = [measure() for _ in range(rounds)]
    p50 = statistics.median(times[len(times) // 2] for times in found)
    p99 = statistics.median(times[int(len(times) * 0.99)] for times in found)
    print(
        f"\n## Inbound text to webhook, idle\n\nmedian {p50:.1f} ms, p99 {p99:.1f} ms (goal: median below 15 ms)"
    )
