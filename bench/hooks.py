"""Webhooks: how many a second reach endpoints that answer at once, and what endpoints that hang do to the others.

The worker runs over a store of its own in a process that is pinned to one core, the endpoints in another on the other.
Beside it stands a bare loop of aiohttp's client that posts as many bodies of the same size to the same endpoints, with
as many at once, keeps nothing and promises nothing: what is left of it is the price of a durable, signed delivery.
"""

import asyncio
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.server import SERVER_CORE, cores
from ringback import logs
from ringback.accounts import keys
from ringback.carriers.protocol import InboundMessage
from ringback.doors.http.loop import loop_factory
from ringback.flows import receive_text as flow
from ringback.flows.send_text import Line
from ringback.kit.addresses import AddressPolicy
from ringback.kit.clock import MovableClock
from ringback.kit.http import OutgoingHttp
from ringback.kit.ids import IdMaker
from ringback.live.inprocess import InProcess
from ringback.settings import Settings
from ringback.storage import schema
from ringback.storage.opening import open_store
from ringback.storage.sealing import Sealer, load_or_create
from ringback.storage.store import Store
from ringback.storage.tx import Tx
from ringback.webhooks import service as webhooks
from ringback.webhooks.attempts import Patience
from ringback.webhooks.jobs import Deliverer

LINE = Line(lambda e164, country: "enabled", b"k" * 32)
COUNT, IN_FLIGHT = 10_000, 200
HANGING = (0.0, 0.01, 0.2)
ENDPOINTS, RATE, SETTLED_S, SECONDS = 100, 200, 8.0, 12.0


class Sink:
    """The process of the endpoints."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{self._process.stdout.readline().strip()}"

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


class Desk:
    """An account whose numbers each have an agent with an endpoint; the first of them hang."""

    account: str
    numbers: list[str]

    def __init__(self, store: Store, sealer: Sealer, sink: str) -> None:
        self.store = store
        self._sealer = sealer
        self.sink = sink
        self._refs = 0
        self._ids: dict[str, str] = {}

    async def furnish(self, endpoints: int, hanging: int) -> None:
        self.numbers = [f"+1415555{n:04d}" for n in range(endpoints)]
        self.account = await self.store.write(lambda tx: self._fill(tx, hanging))

    def _fill(self, tx: Tx, hanging: int) -> str:
        account = keys.create_account(tx, "bench")
        for n, e164 in enumerate(self.numbers):
            number, agent = tx.new_id("num"), tx.new_id("agt")
            self._ids[e164] = number
            tx.insert(
                schema.numbers,
                account_id=account,
                id=number,
                e164=e164,
                country="US",
                area_code="415",
                agent_id=agent,
                carrier="simulated",
                order_id="ord",
                created_at=tx.now,
            )
            tx.insert(schema.number_owners, e164=e164, account_id=account, number_id=number)
            webhooks.set_endpoint(
                tx,
                account,
                agent,
                url=f"{self.sink}/{'hang' if n < hanging else 'fast'}/{n}",
                context_limit=10,
                timeout_s=5,
                secret=webhooks.new_secret(),
                seal=lambda plain, context: self._sealer.seal(plain, context=context),
            )
        return account

    async def hear(self, number: str) -> None:
        """A text comes in, and says when."""
        self._refs += 1
        from_ = f"+1212555{self._refs % 5_000:04d}"
        text = InboundMessage(
            "simulated", f"in {self._refs}", from_, number, f"It is @{time.time_ns()}@ now."
        )
        owner = {"account_id": self.account, "number_id": self._ids[number]}
        await self.store.write(
            lambda tx: flow.receive_text(tx, LINE, self.account, text),
            account=self.account,
            needs=flow.needs(LINE, owner, text),
        )

    async def delivered(self) -> int:
        head = await self.store.read(lambda db: db.get(schema.accounts, self.account))
        assert head is not None
        count: int = head["deliveries_delivered"]
        return count


async def _with_desk(
    act: Callable[[Desk, Deliverer], Awaitable[dict[str, float]]],
    sink: str,
    endpoints: int,
    hanging: int,
    database: str | None,
) -> dict[str, float]:
    clock, live = MovableClock(), InProcess()
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(data=Path(data), database_url=database)
        store = await open_store(settings, clock, IdMaker(clock), live.wake)
        http, sealer = OutgoingHttp(AddressPolicy(loopback_allowed=True)), load_or_create(Path(data), None)
        deliverer = Deliverer(
            store, http, sealer, clock, live, concurrency=IN_FLIGHT, base="http://x", patience=Patience()
        )
        desk = Desk(store, sealer, sink)
        await desk.furnish(endpoints, hanging)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)  # as the server does
        try:
            return await act(desk, deliverer)
        finally:
            await deliverer.drain(0)
            await http.close()
            await store.stop()


async def _drain(desk: Desk, deliverer: Deliverer) -> dict[str, float]:
    """Deliver what has gathered; how long it took, and the processor's part of it."""
    numbers = len(desk.numbers)
    for first in range(0, COUNT, 500):
        await asyncio.gather(*[desk.hear(desk.numbers[n % numbers]) for n in range(first, first + 500)])
    began, cpu = time.monotonic(), _cpu_s()
    running = asyncio.create_task(deliverer.run())
    while await desk.delivered() < COUNT:
        await asyncio.sleep(0.02)
    took, cpu = time.monotonic() - began, _cpu_s() - cpu
    await deliverer.drain()
    await running
    return {"rate": COUNT / took, "cpu_us": cpu / COUNT * 1e6}


async def _keep_coming(desk: Desk, deliverer: Deliverer) -> dict[str, float]:
    """Texts come at a steady pace to every number; what counts begins once those that hang have hung for a while."""
    running = asyncio.create_task(deliverer.run())
    began, sent = time.monotonic(), 0
    hearing: set[asyncio.Task[None]] = set()
    cleared = False
    while (passed := time.monotonic() - began) < SETTLED_S + SECONDS:
        if not cleared and passed > SETTLED_S:
            cleared = True
            await asyncio.to_thread(_came, desk.sink)
        while sent < passed * RATE:
            task = asyncio.create_task(desk.hear(desk.numbers[sent % len(desk.numbers)]))
            hearing.add(task)
            task.add_done_callback(hearing.discard)
            sent += 1
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.5)
    came = sorted((await asyncio.to_thread(_came, desk.sink))["latencies_s"])
    running.cancel()
    return {
        "rate": len(came) / SECONDS,
        "p50_ms": came[len(came) // 2] * 1e3,
        "p99_ms": came[len(came) * 99 // 100] * 1e3,
    }


def _came(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/", timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


async def _bare(sink: str, endpoints: int) -> dict[str, float]:
    """The peer: aiohttp's client in a loop."""
    import aiohttp

    left = iter(range(COUNT))
    body = b'{"at": "@%d@", "filling": "%s"}' % (time.time_ns(), b"x" * 900)
    most = min(IN_FLIGHT, endpoints * 10)

    async def worker(session: aiohttp.ClientSession) -> None:
        for n in left:
            async with session.post(f"{sink}/fast/{n % endpoints}", data=body) as answer:
                await answer.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        began, cpu = time.monotonic(), _cpu_s()
        await asyncio.gather(*[worker(session) for _ in range(most)])
        took, cpu = time.monotonic() - began, _cpu_s() - cpu
    return {"rate": COUNT / took, "cpu_us": cpu / COUNT * 1e6}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _measure(kind: str, sink: Sink, endpoints: int, hanging: int = 0, database: str = "") -> dict[str, float]:
    """One run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.hooks", kind, sink.url, str(endpoints), str(hanging), database],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    _came(sink.url)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def report(rounds: int, new_database: Callable[[], str] | None = None) -> None:
    """`new_database` makes an empty database on PostgreSQL and answers its URL, if there is one."""
    sink = Sink()
    try:
        _report_rates(sink, rounds, new_database)
        _report_hanging(sink, rounds)
    finally:
        sink.stop()


def _report_rates(sink: Sink, rounds: int, new_database: Callable[[], str] | None) -> None:
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _ in range(rounds):
        for endpoints in (1, 50):
            found.setdefault(("bare aiohttp", endpoints), []).append(_measure("bare", sink, endpoints))
            found.setdefault(("SQLite", endpoints), []).append(_measure("drain", sink, endpoints))
            if new_database is not None:
                measured = _measure("drain", sink, endpoints, database=new_database())
                found.setdefault(("PostgreSQL", endpoints), []).append(measured)
    print(
        f"\n## Webhooks to endpoints that answer at once ({COUNT:,} that have gathered)\n\n"
        "| | endpoints | a second | CPU µs | of bare | by CPU |\n| --- | --- | --- | --- | --- | --- |"
    )
    for (name, endpoints), runs in found.items():
        bare = found["bare aiohttp", endpoints]
        rate, cpu = _median(runs, "rate"), _median(runs, "cpu_us")
        of_bare, by_cpu = rate / _median(bare, "rate"), _median(bare, "cpu_us") / cpu
        print(
            f"| {name} | {endpoints} | {rate:,.0f} | {cpu:.0f} | {of_bare:.0%} | {by_cpu:.0%} |", flush=True
        )


def _median(runs: list[dict[str, float]], what: str) -> float:
    return statistics.median(run[what] for run in runs)


def _report_hanging(sink: Sink, rounds: int) -> None:
    found: dict[float, list[dict[str, float]]] = {part: [] for part in HANGING}
    for _ in range(rounds):
        for part in HANGING:
            found[part].append(_measure("keep_coming", sink, ENDPOINTS, round(ENDPOINTS * part)))
    print(
        f"\n## {RATE} texts a second to {ENDPOINTS} endpoints, of which some hang\n\n"
        "| hanging | a second to the others | p50 ms | p99 ms | p99 of none hanging |\n| --- | --- | --- | --- | --- |"
    )
    base = _median(found[0.0], "p99_ms")
    for part, runs in found.items():
        rate, p50, p99 = [_median(runs, what) for what in ("rate", "p50_ms", "p99_ms")]
        print(f"| {part:.0%} | {rate:,.0f} | {p50:.1f} | {p99:.1f} | {p99 / base:.2f} |", flush=True)


def main(kind: str, sink: str, endpoints: str, hanging: str, database: str) -> None:
    if cores():
        os.sched_setaffinity(0, {SERVER_CORE})
    logs.set_up("error")
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        if kind == "bare":
            done = runner.run(_bare(sink, int(endpoints)))
        else:
            act = _drain if kind == "drain" else _keep_coming
            done = runner.run(_with_desk(act, sink, int(endpoints), int(hanging), database or None))
    print(json.dumps(done))


if __name__ == "__main__":
    main(*sys.argv[1:])
