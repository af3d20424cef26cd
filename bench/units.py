"""`python -m bench.units [postgresql://...]`: units of sending a text through a store, from 64 tasks, without HTTP.

The database, if one is named, is filled with a new account; give it one of its own. Beside busy neighbours compare the
processor time a unit, not the rate.
"""

import asyncio
import gc
import resource
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from ringback.accounts import keys
from ringback.flows import send_text as flow
from ringback.flows.send_text import Line, SendText
from ringback.kit.clock import MovableClock
from ringback.kit.ids import IdMaker
from ringback.settings import Settings
from ringback.storage import schema
from ringback.storage.opening import open_store
from ringback.storage.store import Store
from ringback.storage.tx import Tx

TASKS, NUMBERS, PARTIES, SECONDS = 64, 50, 200, 5.0
LINE = Line(lambda e164, country: "enabled", b"k" * 32)


async def measure(store: Store, seconds: float) -> tuple[float, float, float]:
    """Units per second, processor microseconds a unit (this process), and the 99th percentile in ms."""
    account, numbers = await store.write(_fill)
    end = time.monotonic() + seconds
    waits: list[float] = []

    async def client(first: int) -> None:
        n = first
        while time.monotonic() < end:
            n += TASKS
            to = f"+1212555{n % PARTIES:04d}"
            asked = SendText(
                account, to, f"Hello, this is text number {n}", number_id=numbers[n * 7 % NUMBERS]
            )
            began = time.perf_counter()
            await store.write(
                lambda tx, asked=asked: flow.send_text(tx, LINE, asked),  # type: ignore[misc]
                account=account,
                needs=flow.needs(LINE, asked),
            )
            waits.append(time.perf_counter() - began)

    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the server does
    began, cpu = time.monotonic(), _cpu_s()
    await asyncio.gather(*[client(n) for n in range(TASKS)])
    took, cpu = time.monotonic() - began, _cpu_s() - cpu
    waits.sort()
    return len(waits) / took, cpu / len(waits) * 1e6, waits[len(waits) * 99 // 100] * 1e3


def _fill(tx: Tx) -> tuple[str, list[str]]:
    account = keys.create_account(tx, "bench")
    rows = [
        tx.insert(
            schema.numbers,
            account_id=account,
            id=tx.new_id("num"),
            e164=f"+1415555{n:04d}",
            country="US",
            area_code="415",
            carrier="simulated",
            order_id="ord",
            created_at=tx.now,
        )
        for n in range(NUMBERS)
    ]
    return account, [row["id"] for row in rows]


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main(database_url: str | None) -> None:
    clock = MovableClock()
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(data=Path(data), database_url=database_url)
        store = await open_store(settings, clock, IdMaker(clock), lambda topic: None)
        rate, cpu_us, p99_ms = await measure(store, SECONDS)
        await store.stop()
    kind = "PostgreSQL" if database_url else "SQLite"
    print(f"{kind}: {rate:,.0f} units/s, {cpu_us:.0f} µs of processor a unit, p99 {p99_ms:.1f} ms")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
