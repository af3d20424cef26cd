"""Ringback, started as its user starts it, with its simulated carrier (it speaks no SMPP yet)."""

import contextlib
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from bench.load import texts
from bench.peers.peer import Peer, Running
from bench.peers.programs import Counter
from bench.pipeline import look
from bench.server import Server


@contextlib.contextmanager
def _started(events: tuple[str, ...]) -> Iterator[Running]:
    with contextlib.ExitStack() as stack:
        server = Server("real", pinned=False)
        stack.callback(server.stop)
        server.furnish()
        receipts = Counter("bench.peers.receipts")
        stack.callback(receipts.stop)
        if events:
            asked = {"url": f"http://127.0.0.1:{receipts.port}/", "ringback": {"events": events}}
            server.request("POST", "/v1/webhooks", asked)

        def delivered() -> dict[str, Any]:
            """Texts whose receipts are stored: somewhat later than those at the carrier."""
            return {"count": look(server).delivered, "last": time.time()}

        yield Running(
            server.port,
            texts(server.host, server.key, server.numbers),
            receipts.ask if events else delivered,
            cpu_s=server.cpu_s,
            rss_mb=lambda: server.memory_mb()[1],
            sent=delivered,
            each=len(events) or 1,
        )


def peers() -> list[Peer]:
    """By how much is told to an endpoint: what gateways tell, what `emulate` tells, nothing."""
    kept = "every step fsynced to SQLite: the text, its hand-over, its receipt, their events"
    variants: dict[str, tuple[tuple[str, ...], str]] = {
        "one webhook": (("message.delivered",), f"{kept}, a signed webhook of the receipt"),
        "two webhooks": (("message.sent", "message.delivered"), f"{kept}, two signed webhooks"),
        "no webhook": ((), f"{kept}; these are read from the log of events"),
    }
    return [
        Peer(
            f"Ringback, {name}",
            f"HTTP to a simulated network, which takes its part of the same process; {does}",
            texts=6_000,
            connections=32,
            start=partial(_started, events),
            missing=lambda: None,
        )
        for name, (events, does) in variants.items()
    ]
