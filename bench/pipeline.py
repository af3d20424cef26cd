"""The whole way of a text, sustained: accepted, handed over, its receipt stored, its events written.

Offered as fast as it is accepted, and at a rate: what a server sustains is the rate at which its queue does not grow.
Server, simulated network and load share the machine's cores, as they would on a small host. While the load lasts the
server is asked by `/metrics` how many receipts it has stored and how deep and old its queue is.
"""

import re
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from bench.load import load, texts
from bench.server import Server

CONNECTIONS = 32
OFFERED = (500.0, 750.0, 1_000.0)
"""Texts a second."""
_DELIVERED = re.compile(r'^ringback_carrier_events_total\{.*kind="delivered".*\} (\S+)$', re.MULTILINE)
_DEPTH = re.compile(r'^ringback_queue_depth\{.*kind="texts".*\} (\S+)$', re.MULTILINE)
_AGE = re.compile(r'^ringback_queue_age_seconds\{.*kind="texts".*\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Look:
    """What the server says of itself at a moment."""

    at: float
    delivered: int
    depth: int
    age_s: float
    cpu_s: float


def look(server: Server) -> Look:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    found = [[float(value) for value in pattern.findall(text)] for pattern in (_DELIVERED, _DEPTH, _AGE)]
    return Look(
        time.monotonic(),
        int(sum(found[0])),
        int(sum(found[1])),
        max(found[2], default=0.0),
        server.cpu_s(),
    )


def run(server: Server, seconds: float, rate: float | None = None) -> tuple[float, float, float, Look, float]:
    """Accepted and delivered a second under load, CPU (us) of the server a text, the last look, and memory (MB)."""
    first = look(server)
    looks = [first]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(5):
            looks.append(look(server))

    watching = threading.Thread(target=watch)
    watching.start()
    asked = texts(server.host, server.key, server.numbers)
    result = load(server.host, server.port, asked, connections=CONNECTIONS, seconds=seconds, rate=rate)
    last = look(server)
    over.set()
    watching.join()
    server.rest()
    end = look(server)
    done = end.delivered - first.delivered
    return (
        result.rate,
        (last.delivered - first.delivered) / (last.at - first.at),
        (end.cpu_s - first.cpu_s) / max(1, done) * 1e6,
        last,
        server.memory_mb()[0],
    )


def _know_sizes(server: Server) -> None:
    """Let PostgreSQL know its tables, as it does by itself after a minute: it plans for empty ones until then."""
    if server.database is not None:
        import psycopg

        with psycopg.connect(server.database, autocommit=True) as conn:
            conn.execute("ANALYZE")


def report(rounds: int, seconds: float, database: Callable[[], str] | None) -> None:
    print(f"\n## The whole way of a text, {CONNECTIONS} connections, {seconds:.0f} s each\n")
    head = (
        "store",
        "offered/s",
        "accepted/s",
        "delivered/s",
        "CPU µs a text",
        "queue at the end",
        "its age s",
        "PSS MB",
    )
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head), flush=True)
    kinds: dict[str, Callable[[], Server]] = {"SQLite": lambda: Server("real", pinned=False)}
    if database is not None:
        kinds["PostgreSQL"] = lambda: Server("real", database=database(), pinned=False)
    found: dict[tuple[str, float | None], list[tuple[float, float, float, Look, float]]] = {}
    for _ in range(rounds):
        for name, make in kinds.items():
            for rate in (None, *OFFERED):
                server = make()
                try:
                    server.furnish()
                    run(server, 2)
                    _know_sizes(server)
                    found.setdefault((name, rate), []).append(run(server, seconds, rate))
                finally:
                    server.stop()
    for (name, offered), runs in found.items():
        middle = [statistics.median(values) for values in zip(*[one[:3] for one in runs], strict=True)]
        depth = statistics.median(one[3].depth for one in runs)
        age = statistics.median(one[3].age_s for one in runs)
        memory = statistics.median(one[4] for one in runs)
        print(
            f"| {name} | {'as it goes' if offered is None else f'{offered:,.0f}'} | {middle[0]:,.0f} |"
            f" {middle[1]:,.0f} | {middle[2]:,.0f} | {depth:,.0f} | {age:.1f} | {memory:.0f} |",
            flush=True,
        )
