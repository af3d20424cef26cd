"""`make bench`: medians of alternated runs, as a table with ratios.

The server is pinned to one core and the load to another. In the variant `real` the dispatcher, the webhook worker and
the simulated network run in the server's process, as they do with `ringback serve`, and take their part of its core;
`idle` is the same server that dispatches nothing, which is the cost of the route and the store alone. On a busy machine
rates fall and tails grow; the processor time a request hardly moves, and is the figure to compare.
"""

import argparse
import contextlib
import os
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.postgres import Databases, cluster, installed, own_server

from bench import claims, cold, flat, hooks, inbound, lists, memory, pipeline
from bench.load import Run, load, texts
from bench.peers import report as peers
from bench.server import LOAD_CORE, Server, cores

VARIANTS = ("real", "idle", "idle+long_way", "unstored", "unstored+long_way", "idle+single")


@dataclass
class Measured:
    """The runs of one variant at one number of connections."""

    runs: list[Run] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    whole_us: list[float] = field(default_factory=list)

    def add(self, server: Server, connections: int, seconds: float) -> None:
        before = server.cpu_s()
        run = load(
            server.host,
            server.port,
            texts(server.host, server.key, server.numbers),
            connections=connections,
            seconds=seconds,
        )
        after = server.cpu_s()
        server.rest()
        if run.refused:
            raise SystemExit(f"{run.refused} requests were refused: the figures would mean nothing")
        self.runs.append(run)
        self.cpu_us.append((after - before) / len(run.latencies_s) * 1e6)
        self.whole_us.append((server.cpu_s() - before) / len(run.latencies_s) * 1e6)

    @property
    def rate(self) -> float:
        return statistics.median(run.rate for run in self.runs)

    def cells(self) -> list[str]:
        p50 = statistics.median(run.percentile_ms(0.5) for run in self.runs)
        p99 = statistics.median(run.percentile_ms(0.99) for run in self.runs)
        cpu, whole = statistics.median(self.cpu_us), statistics.median(self.whole_us)
        return [f"{self.rate:,.0f}", f"{p50:.1f} / {p99:.1f}", f"{cpu:.0f}", f"{whole:.0f}"]


def row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def sends(rounds: int, seconds: float, database: Callable[[], str] | None) -> None:
    """POST /v1/messages in its variants."""
    servers = {name: Server(name) for name in VARIANTS}
    if database is not None:
        for name in ("real", "idle"):
            servers[f"{name} on PostgreSQL"] = Server(name, database=database())
    found: dict[tuple[str, int], Measured] = {}
    try:
        for server in servers.values():
            server.furnish()
            Measured().add(server, 64, min(seconds, 2))
        for _ in range(rounds):
            for connections in (64, 1):
                for name, server in servers.items():
                    found.setdefault((name, connections), Measured()).add(server, connections, seconds)
    finally:
        for server in servers.values():
            server.stop()
    print("\n## POST /v1/messages\n")
    row(
        "variant",
        "connections",
        "a second",
        "p50 / p99 ms",
        "CPU µs",
        "CPU µs with its dispatch",
        "of unstored",
        "by CPU",
    )
    row(*["---"] * 8)
    for (name, connections), measured in found.items():
        share = measured.rate / found["unstored", connections].rate
        by_cpu = statistics.median(found["unstored", connections].cpu_us) / statistics.median(measured.cpu_us)
        row(name, str(connections), *measured.cells(), f"{share:.0%}", f"{by_cpu:.0%}")
    together, single = found["idle", 64], found["idle+single", 64]
    grouped, by_cpu = (
        together.rate / single.rate,
        statistics.median(single.cpu_us) / statistics.median(together.cpu_us),
    )
    print(
        f"\nCommitting together is {grouped:.1f} times a transaction for each request (by CPU {by_cpu:.1f})."
    )


@contextlib.contextmanager
def databases(named: str | None) -> Iterator[Callable[[], str] | None]:
    """What makes an empty database on the PostgreSQL that is named, or on one of our own, which fsyncs as it is shipped."""
    with contextlib.ExitStack() as stack:
        url, binaries = named, installed()
        if url is None:
            url = own_server(stack) if binaries is None else stack.enter_context(cluster(binaries)).url
        yield Databases(url).empty if url else None


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure; see the docstring of bench."
    )
    parser.add_argument("--rounds", type=int, default=3, help="alternated runs a variant (3)")
    parser.add_argument("--seconds", type=float, default=4, help="length of a run (4)")
    parser.add_argument(
        "--pg",
        default=os.environ.get("RINGBACK_BENCH_PG"),
        help="URL of a PostgreSQL where databases may be made (one of our own, if it is installed)",
    )
    parser.add_argument(
        "--first-run", action="store_true", help="also time a first `make run` in a fresh clone"
    )
    parser.add_argument("--largest", action="store_true", help="flat: also 10,000,000 texts on PostgreSQL")
    parser.add_argument("--peer", default="", help="of the peers, those whose names hold this")
    parser.add_argument(
        "only",
        nargs="*",
        help="sends, inbound, cold, claims (these if none is named), hooks, lists, flat, memory, pipeline, peers",
    )
    asked = parser.parse_args()
    parts = asked.only or ["cold", "inbound", "claims", "sends"]
    if "pipeline" in parts:
        with databases(asked.pg) as new:
            pipeline.report(asked.rounds, asked.seconds, new)
    if "peers" in parts:
        peers.report(asked.rounds, asked.peer)
    if "memory" in parts:
        memory.report()
    if cores():
        os.sched_setaffinity(0, {LOAD_CORE})
    else:
        print("One core only: server and load share it, and rates mean little.")
    print(f"Load average at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    if "cold" in parts:
        cold.report(asked.rounds, first_run=asked.first_run)
    if "inbound" in parts:
        inbound.report(asked.rounds)
    if "hooks" in parts:
        with databases(asked.pg) as new:
            hooks.report(asked.rounds, new)
    if "claims" in parts:
        with databases(asked.pg) as new:
            claims.report(new)
    if "lists" in parts:
        lists.report(asked.rounds, min(asked.seconds, 1))
    if "flat" in parts:
        with databases(asked.pg) as new:
            flat.report(asked.rounds, min(asked.seconds, 1), new, largest=asked.largest)
    if "sends" in parts:
        with databases(asked.pg) as new:
            sends(asked.rounds, asked.seconds, new)


if __name__ == "__main__":
    main()
