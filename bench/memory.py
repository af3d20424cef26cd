"""The server's memory while many texts go the whole way, each to another person and each told to a webhook."""

import itertools
import statistics
import threading
from collections.abc import Iterator

from bench.load import load, texts
from bench.peers.programs import Counter
from bench.pipeline import CONNECTIONS, look
from bench.server import Server

TEXTS = 100_000
MARKS = (10_000, 50_000, 100_000)
_LOOK_S = 2.0


def report() -> None:
    server = Server("real", pinned=False)
    receipts = Counter("bench.peers.receipts")
    try:
        server.furnish()
        told = {"url": f"http://127.0.0.1:{receipts.port}/", "ringback": {"events": ["message.delivered"]}}
        server.request("POST", "/v1/webhooks", told)
        sends = texts(server.host, server.key, server.numbers, recipients=TEXTS)
        seen = _watched(server, receipts, itertools.islice(sends, TEXTS))
    finally:
        server.stop()
        receipts.stop()
    print(f"\n## Memory over {TEXTS:,} texts\n")
    for kind, at in (("allocated", 1), ("RSS", 2)):
        marks = [next((one for one in seen if one[0] >= mark), seen[-1])[at] for mark in MARKS]
        said = ", ".join(f"{mb:.0f} MB after {mark:,}" for mb, mark in zip(marks, MARKS, strict=True))
        late = [one for one in seen if one[0] >= TEXTS // 2]
        slope, _ = statistics.linear_regression([one[0] / 10_000 for one in late], [one[at] for one in late])
        print(f"{kind}: {said}; over the second half {slope:+.2f} MB for each 10,000", flush=True)


def _watched(server: Server, receipts: Counter, sends: Iterator[bytes]) -> list[tuple[int, float, float]]:
    """By how many were delivered and told: allocated and RSS in MB, every few seconds, until all of them are."""
    seen: list[tuple[int, float, float]] = []
    over = threading.Event()

    def see() -> int:
        told: int = min(look(server).delivered, receipts.ask()["count"])
        seen.append((told, *server.own_memory_mb()))
        return told

    def watch() -> None:
        while not over.wait(_LOOK_S):
            see()

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        run = load(server.host, server.port, sends, connections=CONNECTIONS, seconds=3_600)
    finally:
        over.set()
        watching.join()
    if run.refused:
        raise SystemExit(f"{run.refused} texts were refused")
    over.clear()
    before = -1
    while (told := see()) < TEXTS and (told > before or not over.wait(20)):
        before = told
        over.wait(_LOOK_S)
    return seen
