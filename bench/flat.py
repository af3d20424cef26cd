"""What the number of texts that are stored costs: sending one, and lists, beside stores of several sizes, alternated.

Each size has a server of its own, all up at once. The events and deliveries of the stored texts aren't filled in: what
is sent adds its own at the end of those tables, whose length an insert by key doesn't meet.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.fill import Filler
from bench.lists import ask, paths_of_texts
from bench.load import Run, load, texts
from bench.server import Server

SIZES = (10_000, 100_000, 1_000_000)
LARGEST = 10_000_000
"""On PostgreSQL alone, and where it is asked for: it takes many minutes to fill."""
SENDING = "POST /v1/messages"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Stored:
    """A server over a store of `count` texts, and what was measured of each request."""

    count: int
    server: Server
    database: str | None
    paths: dict[str, str]
    p50_ms: dict[str, list[float]] = field(default_factory=dict)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)

    def measure(self, name: str, seconds: float) -> None:
        before = self._cpu_s()
        run = ask(self.server, self.paths[name], seconds) if name in self.paths else self._send(seconds)
        self.p50_ms.setdefault(name, []).append(run.percentile_ms(0.5))
        cpu = (self._cpu_s() - before) / len(run.latencies_s) * 1e3
        self.cpu_ms.setdefault(name, []).append(cpu)

    def _send(self, seconds: float) -> Run:
        server = self.server
        sends = texts(server.host, server.key, server.numbers)
        run = load(server.host, server.port, sends, connections=8, seconds=seconds)
        if run.refused:
            raise SystemExit(f"{run.refused} texts were refused")
        return run

    def _cpu_s(self) -> float:
        return self.server.cpu_s() + (postgres_cpu_s(self.database) if self.database else 0.0)


def postgres_cpu_s(url: str) -> float:
    """User and system time so far of PostgreSQL's processes that serve a database; they hold its name in their title."""
    name, ticks = urlsplit(url).path.strip("/").encode(), 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
            if title.startswith(b"postgres:") and name in title.split():
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            pass  # it has ended
    return ticks / _TICKS


@contextmanager
def _filled(count: int, database: str | None) -> Iterator[Stored]:
    with tempfile.TemporaryDirectory(prefix="ringback-flat-") as place:
        folder = Path(place)
        server = Server("idle", data=folder, database=database)
        server.furnish()
        numbers = server.numbers
        number = server.request("GET", f"/v1/numbers/{numbers[0]}")
        server.stop(keep=True)
        until = int(time.time() * 1000)
        store = database or folder / "ringback-data" / "ringback.db"
        began = time.perf_counter()
        Filler(store, number=number, until_ms=until).fill(count, texts_only=True)
        print(f"{count:,} texts filled in within {time.perf_counter() - began:.0f} s", flush=True)
        server = Server("idle", data=folder, database=database)
        server.numbers = numbers
        paths = paths_of_texts(server, numbers[0], until)
        del paths["messages: last page"]  # the fewer are stored, the fewer stand on it
        paths["conversations: first page"] = "/v1/conversations?limit=50"
        try:
            yield Stored(count, server, database, paths)
        finally:
            server.stop(keep=True)


def report(rounds: int, seconds: float, database: Callable[[], str] | None, *, largest: bool) -> None:
    """`database` makes an empty PostgreSQL database; None measures SQLite alone."""
    print("\n## What the texts that are stored cost\n")
    _report("SQLite", SIZES, None, rounds, seconds)
    if database is not None:
        _report("PostgreSQL", (*SIZES, LARGEST) if largest else SIZES, database, rounds, seconds)


def _report(
    kind: str, sizes: tuple[int, ...], database: Callable[[], str] | None, rounds: int, seconds: float
) -> None:
    with ExitStack() as stack:
        stores = [stack.enter_context(_filled(size, database() if database else None)) for size in sizes]
        names = [SENDING, *stores[0].paths]
        for n in range(rounds + 1):
            for name in names:
                for store in stores:
                    store.measure(name, seconds if n else 0.2)
    heads = [f"{size:,}" for size in sizes]
    print(f"\n{kind}: p50 ms, CPU ms\n")
    print(f"| request | {' | '.join(heads)} | slowest by fastest | by CPU |\n|" + " --- |" * (len(sizes) + 3))
    for name in names:
        # The first run warmed up.
        p50 = [statistics.median(store.p50_ms[name][1:]) for store in stores]
        cpu = [statistics.median(store.cpu_ms[name][1:]) for store in stores]
        cells = [f"{one:.2f}, {other:.2f}" for one, other in zip(p50, cpu, strict=True)]
        print(
            f"| {name} | {' | '.join(cells)} | {max(p50) / min(p50):.2f} | {max(cpu) / min(cpu):.2f} |",
            flush=True,
        )
