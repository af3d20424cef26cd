"""Lists, pages and usage at 10^3 and 10^6 rows: what a page costs, wherever in the list it stands."""

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

from bench.fill import DAY_MS, SPREAD_DAYS, Filler
from bench.load import Run, load
from bench.server import Server

SIZES = (1_000, 1_000_000)


def report(rounds: int, seconds: float) -> None:
    for count in SIZES:
        _report(count, rounds, seconds)


def _report(count: int, rounds: int, seconds: float) -> None:
    server = Server("idle")
    folder = server.folder
    try:
        server.furnish()
        number = server.request("GET", f"/v1/numbers/{server.numbers[0]}")
        server.stop(keep=True)
        until = int(time.time() * 1000)
        filler = Filler(folder / "ringback-data" / "ringback.db", number=number, until_ms=until)
        began = time.perf_counter()
        filler.fill(count)
        print(f"\n## Lists with {count:,} rows each (filled in {time.perf_counter() - began:.0f} s)\n")
        server = Server("idle", data=folder)
        _measure(server, paths(server, number["id"], count, until), rounds, seconds)
    finally:
        server.stop()


def paths_of_texts(server: Server, number_id: str, until: int) -> dict[str, str]:
    """The requests by what they are called; the first of a group ("group: what") is what the group compares with."""

    def at(part: float) -> str:
        ms = until - int(SPREAD_DAYS * DAY_MS * part)
        return quote(
            datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )

    conversation = server.request("GET", "/v1/conversations?limit=1")["data"][0]["id"]
    messages = f"/v1/numbers/{number_id}/messages?limit=50"
    return {
        "messages: first page": messages,
        "messages: middle page": f"{messages}&before={at(0.5)}",
        "messages: deep page": f"{messages}&before={at(0.95)}",
        "messages: last page": f"{messages}&before={at(0.99995)}",
        "messages: after a cursor": f"{messages}&after={at(0.5)}",
        "messages of a conversation": f"/v1/conversations/{conversation}/messages",
        "a conversation": f"/v1/conversations/{conversation}",
        "usage": "/v1/usage",
        "usage: daily, a year": "/v1/usage/daily?days=365",
    }


def paths(server: Server, number_id: str, count: int, until: int) -> dict[str, str]:
    contact = server.request("GET", "/v1/contacts?limit=1")["data"][0]["id"]
    found = paths_of_texts(server, number_id, until) | {
        "a contact": f"/v1/contacts/{contact}",
        "contacts: search, rare": f"/v1/contacts?search=Person%20{count - 3}",
        "contacts: search, common": "/v1/contacts?search=person",
        "deliveries: stats, a day": "/v1/webhooks/deliveries/stats",
        "deliveries: stats, 30 days": "/v1/webhooks/deliveries/stats?hours=720",
        "deliveries: all time": "/v1/webhooks/deliveries/all-time",
        "search: often there": "/v1/search?q=table",
        "search: nowhere": "/v1/search?q=nowhere",
        "usage: monthly": "/v1/usage/monthly?months=24",
        "usage: by number": "/v1/usage/by-number",
        "usage: by agent, a year": "/v1/usage/by-agent?period=year&tz=Asia/Kathmandu",
    }
    for name, path in {
        "conversations": "/v1/conversations",
        "contacts": "/v1/contacts",
        "deliveries": "/v1/webhooks/deliveries",
    }.items():
        for where, offset in (("first", 0), ("middle", count // 2), ("last", count - 50)):
            found[f"{name}: {where} page"] = f"{path}?limit=50&offset={offset}"
    return dict(sorted(found.items(), key=lambda pair: pair[0].partition(":")[0]))


def _measure(server: Server, paths: dict[str, str], rounds: int, seconds: float) -> None:
    runs: dict[str, list[Run]] = {name: [] for name in paths}
    cpu: dict[str, list[float]] = {name: [] for name in paths}
    for path in paths.values():
        ask(server, path, 0.1)
    for _ in range(rounds):
        for name, path in paths.items():
            before = server.cpu_s()
            run = ask(server, path, seconds)
            runs[name].append(run)
            cpu[name].append((server.cpu_s() - before) / len(run.latencies_s) * 1e3)
    print("| request | p50 ms | p99 ms | CPU ms | of its first |\n| --- | --- | --- | --- | --- |")
    first: dict[str, float] = {}
    for name, found in runs.items():
        p50 = statistics.median(run.percentile_ms(0.5) for run in found)
        p99 = statistics.median(run.percentile_ms(0.99) for run in found)
        group = name.partition(":")[0]
        of_first = f"{p50 / first.setdefault(group, p50):.2f}" if ":" in name else ""
        print(
            f"| {name} | {p50:.2f} | {p99:.2f} | {statistics.median(cpu[name]):.2f} | {of_first} |",
            flush=True,
        )


def ask(server: Server, path: str, seconds: float) -> Run:
    run = load(server.host, server.port, _again(server, path), connections=1, seconds=seconds)
    if run.refused or not run.latencies_s:
        raise SystemExit(f"{path} was refused {run.refused} times")
    return run


def _again(server: Server, path: str) -> Iterator[bytes]:
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {server.host}\r\nAuthorization: Bearer {server.key}\r\n\r\n".encode()
    )
    while True:
        yield request
