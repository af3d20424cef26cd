"""Fifty pages of phones that stay open: what they cost while ten texts a second come, and what each of them holds."""

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from bench.console.desk import Desk, desk
from bench.console.table import head, percentile, row

PAGES, RATE, PHONES = 50, 10, 2
CPU_PERCENT, MEMORY_MB = 6.0, 0.1
_SETTLE_S = 1.5
_SENT = re.compile(r"text (\d+) sent at (\d+)")


class Pages:
    """Sockets that read what comes. `waits` are the ms from a text's request to the first page."""

    def __init__(self, found: Desk, count: int) -> None:
        shows = "&".join(f"show={quote(name)}" for name in found.blocks())
        self._address = f"ws://{found.server.host}:{found.server.port}/console/live?{shows}"
        self._headers = {"Cookie": found.cookie, "Origin": found.server.url}
        self._count = count
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._open = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._live()))
        self._opened_ms = time.time() * 1000
        self.waits: dict[str, float] = {}

    async def _live(self) -> None:
        from websockets.asyncio.client import connect

        pages = [
            await connect(
                self._address, additional_headers=self._headers, compression=None, ping_interval=None
            )
            for _ in range(self._count)
        ]
        tasks = [asyncio.create_task(self._read(page, first=page is pages[0])) for page in pages]
        self._open.set()
        await self._stop.wait()
        for task, page in zip(tasks, pages, strict=True):
            task.cancel()
            await page.close()

    async def _read(self, page: object, *, first: bool) -> None:
        async for frame in page:  # type: ignore[attr-defined]
            if first:
                now = time.time() * 1000
                for n, at in _SENT.findall(frame):
                    if float(at) > self._opened_ms:
                        self.waits.setdefault(n, now - float(at))

    def open(self) -> None:
        self._thread.start()
        if not self._open.wait(30):
            raise SystemExit("the pages were not let in")

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()


@contextmanager
def pages(found: Desk, count: int) -> Iterator[Pages]:
    opened = Pages(found, count)
    opened.open()
    try:
        yield opened
    finally:
        opened.close()


def report(seconds: float) -> None:
    head(f"{PAGES} open pages at {RATE}/s")
    with desk(PHONES) as found:
        _cpu(found, seconds / 4)
        alone = _cpu(found, seconds)
        with pages(found, 1):
            time.sleep(_SETTLE_S)
            one = _cpu(found, seconds)
        before = found.server.own_memory_mb()[0]
        with pages(found, PAGES) as opened:
            time.sleep(_SETTLE_S)
            held = found.server.own_memory_mb()[0]
            all_of_them = _cpu(found, seconds)
            after = found.server.own_memory_mb()[0]
    row("texts alone: CPU", alone, unit="% of a core")
    row("one page more", one - alone, unit="% of a core")
    row(f"{PAGES} pages more", all_of_them - alone, CPU_PERCENT, "% of a core")
    row("at a socket, p50", percentile([*opened.waits.values()], 0.5))
    row("at a socket, p95", percentile([*opened.waits.values()], 0.95), 100)
    row("memory of a page, opened", (held - before) / PAGES, MEMORY_MB, "MB")
    row(f"after {RATE * seconds:.0f} texts", (after - before) / PAGES, MEMORY_MB, "MB")


def _cpu(found: Desk, seconds: float) -> float:
    """Percent of a core while texts come."""
    before, began = found.server.cpu_s(), time.perf_counter()
    found.texting(RATE, seconds).result()
    return (found.server.cpu_s() - before) / (time.perf_counter() - began) * 100
