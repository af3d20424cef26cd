"""What is measured of a peer: how it is started, what it is asked, and what a run of it gives."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from bench.load import Follow, load, no_more
from bench.peers.programs import Counter, Program

_IDLE_S = 20.0
"""A receipt that hasn't come after so long without any is lost."""
_SETTLE_S = 1.5


@dataclass(frozen=True)
class Running:
    """A peer that has started, and what tells of it: `receipts` told and texts `sent`, as a `Counter` counts."""

    port: int
    requests: Iterator[bytes]
    receipts: Callable[[], dict[str, Any]]
    cpu_s: Callable[[], float]
    rss_mb: Callable[[], float]
    sent: Callable[[], dict[str, Any]]
    each: int = 1
    """Receipts for each text."""
    follow: Follow | None = None


@dataclass(frozen=True)
class Peer:
    """One that can be measured. `missing` says in a line what to install, if something is."""

    name: str
    does: str
    texts: int
    connections: int
    start: Callable[[], AbstractContextManager[Running]]
    missing: Callable[[], str | None]


@dataclass(frozen=True)
class Outcome:
    """Of one run: texts a second (accepted; taken by the carrier; with the receipt told), and what they cost."""

    accepted: float
    p50_ms: float
    p99_ms: float
    sent: float
    whole: float
    cpu_us: float
    rss_mb: float
    lost: int


def measure(peer: Peer) -> Outcome:
    with peer.start() as running:
        _round(peer, running, max(50, peer.texts // 10))
        return _round(peer, running, peer.texts)


def _round(peer: Peer, running: Running, texts: int) -> Outcome:
    before, sent_before = running.receipts()["count"], running.sent()["count"]
    cpu = running.cpu_s()
    began = time.time()
    run = load(
        "127.0.0.1",
        running.port,
        itertools.islice(running.requests, texts),
        connections=peer.connections,
        seconds=600,
        follow=running.follow or no_more,
    )
    asked = texts * (1 if running.follow is None else 2)
    if run.refused or len(run.latencies_s) < asked:
        raise SystemExit(f"{peer.name} refused {run.refused} and answered {len(run.latencies_s)} of {asked}")
    counts, sent = _await(running, sent_before + texts, before + texts * running.each)
    time.sleep(_SETTLE_S)
    came = counts["count"] - before
    return Outcome(
        accepted=texts / run.seconds,
        p50_ms=run.percentile_ms(0.5),
        p99_ms=run.percentile_ms(0.99),
        sent=texts / (sent["last"] - began),
        whole=came / running.each / (counts["last"] - began),
        cpu_us=(running.cpu_s() - cpu) / texts * 1e6,
        rss_mb=running.rss_mb(),
        lost=texts * running.each - came,
    )


def _await(running: Running, sent: int, told: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The counts of receipts and of texts at the carrier, when they are `told` and `sent` or nothing comes any more."""
    at_carrier, receipts = running.sent(), running.receipts()
    came, since = receipts["count"], time.time()
    while (receipts["count"] < told or at_carrier["count"] < sent) and time.time() - since < _IDLE_S:
        time.sleep(0.1)
        if at_carrier["count"] < sent:
            at_carrier = running.sent()
        receipts = running.receipts()
        if receipts["count"] > came:
            came, since = receipts["count"], time.time()
    return receipts, at_carrier


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def behind_smpp(
    port: int, paths: Iterator[str], receipts: Counter, smsc: Counter, *programs: Program
) -> Running:
    """A gateway that takes texts by GET and hands them over by SMPP."""
    return Running(
        port,
        (get(path) for path in paths),
        receipts.ask,
        cpu_s=lambda: sum(each.cpu_s() for each in programs),
        rss_mb=lambda: sum(each.rss_mb() for each in programs),
        sent=smsc.ask,
    )
