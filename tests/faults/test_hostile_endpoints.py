"""Endpoints that hang, drip, reset, pour or send elsewhere: each event reaches them at last, and nobody else waits."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from ringback.testing import Clock, Handsets, Ringback, WebhookInbox
from tests.phones import until
from tests.scenarios.lines import Line, together
from tests.unit.kit.endpoint import OK, Behaviour, Talk, endpoint, keep_silent, reset

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]

PLACES = 12


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    """Fewer places than two endpoints that hang would fill."""
    return {"webhook_concurrency": PLACES}


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


@dataclass
class Kept:
    """An endpoint in a thread of its own, and the requests that came, whatever became of them."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def kept(behave: Behaviour) -> Iterator[Kept]:
    """Serve an endpoint that behaves so."""
    it, up, over = Kept(), threading.Event(), threading.Event()

    async def serve() -> None:
        async with endpoint(behave) as found:
            it.url, it.requests = found.url(), found.requests
            up.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    up.wait()
    try:
        yield it
    finally:
        over.set()
        thread.join()


async def drip(talk: Talk) -> None:
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    await talk.repeat(b"x", 0.2)


async def drip_its_head(talk: Talk) -> None:
    await talk.send(b"HTTP/1.1 200 OK\r\n")
    await talk.repeat(b"X-Wait: 1\r\n", 0.2)


async def pour(talk: Talk) -> None:
    await talk.send(b"HTTP/1.1 500 No\r\nContent-Length: 1000000000\r\n\r\n")
    await talk.repeat(b"y" * 65_536)


async def say_nonsense(talk: Talk) -> None:
    await talk.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n")


async def send_elsewhere(talk: Talk) -> None:
    await talk.send(b"HTTP/1.1 307 There\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")


async def end_too_soon(talk: Talk) -> None:
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort")
    talk.writer.close()


MANNERS: dict[str, tuple[Behaviour, str]] = {
    "drips": (drip, "no complete answer"),
    "drips its head": (drip_its_head, "no complete answer"),
    "says nothing": (keep_silent, "no complete answer"),
    "resets": (reset, "closed the connection"),
    "pours": (pour, "answered 500"),
    "says nonsense": (say_nonsense, "valid HTTP"),
    "sends elsewhere": (send_elsewhere, "answered 307"),
    "ends too soon": (end_too_soon, "in the middle"),
}


@pytest.mark.parametrize("manner", MANNERS)
def test_the_event_comes_again_once_the_endpoint_is_well(line: Line, clock: Clock, manner: str) -> None:
    misbehave, told = MANNERS[manner]
    well = threading.Event()

    async def behave(talk: Talk) -> None:
        await (talk.send(OK) if well.is_set() else misbehave(talk))

    with kept(behave) as it:
        path = f"/v1/agents/{line.agent_id}/webhook"
        line.ask("POST", path, {"url": it.url, "timeout": 5})
        line.hear("whatever you do")
        [ill] = until(lambda: [d for d in line.ask("GET", f"{path}/deliveries") if d["attemptCount"]])
        assert (ill["status"], told in ill["errorMessage"]) == ("pending", True), ill["errorMessage"]
        assert len(ill["responseBody"] or "") <= 4_096
        well.set()
        clock.advance(seconds=10)
        [fine] = until(lambda: [d for d in line.ask("GET", f"{path}/deliveries") if d["success"]])
        assert (fine["id"], fine["attemptCount"], fine["errorMessage"]) == (ill["id"], 2, None)
        bodies = {request.partition(b"\r\n\r\n")[2] for request in it.requests}
        assert len(bodies) == 1, "byte for byte"


def test_one_that_answers_slowly_is_told_once(line: Line) -> None:
    """Almost as slowly as it may, and in drops: that is an answer like any other."""

    async def take_its_time(talk: Talk) -> None:
        await asyncio.sleep(3)
        for piece in (OK[:20], OK[20:-1], OK[-1:]):
            await talk.send(piece)
            await asyncio.sleep(0.3)

    with kept(take_its_time) as it:
        path = f"/v1/agents/{line.agent_id}/webhook"
        line.ask("POST", path, {"url": it.url, "timeout": 5})
        line.hear("no hurry")
        [told] = until(lambda: [d for d in line.ask("GET", f"{path}/deliveries") if d["attemptCount"]])
        assert (told["status"], told["attemptCount"], len(it.requests)) == ("delivered", 1, 1)


def test_a_gigabyte_is_not_read(line: Line) -> None:
    """Its status is its answer; of what it pours, a few pieces leave it before it is hung up on."""
    poured = 0

    async def pour_gladly(talk: Talk) -> None:
        nonlocal poured
        await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            await talk.send(b"y" * 65_536)
            poured += 65_536

    with kept(pour_gladly) as it:
        path = f"/v1/agents/{line.agent_id}/webhook"
        line.ask("POST", path, {"url": it.url, "timeout": 30})
        for n in range(5):
            line.hear(f"{n}")
        told = until(
            lambda: (
                [d for d in line.ask("GET", f"{path}/deliveries") if d["success"]][4:]
                and line.ask("GET", f"{path}/deliveries")
            )
        )
        assert {(d["status"], d["attemptCount"], d["httpStatus"]) for d in told} == {("delivered", 1, 200)}
        assert {len(d["responseBody"]) for d in told} == {4_096}
        assert len(it.requests) == 5
    assert poured < 5 * 20_000_000


def test_endpoints_that_hang_take_no_place_of_others(
    line: Line, handset: Handsets, webhook_inbox: WebhookInbox
) -> None:
    """Two that hang hold twenty attempts, of twelve that may be made: one that answers does not wait for their end."""
    slow = [line.ask("POST", "/v1/agents", {"name": f"slow {n}"})["id"] for n in range(2)]
    numbers = [line.ask("POST", "/v1/numbers", {"agentId": agent})["phoneNumber"] for agent in slow]
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    with kept(keep_silent) as it:
        for agent in slow:
            line.ask("POST", f"/v1/agents/{agent}/webhook", {"url": it.url, "timeout": 30})
        together(*[partial(line.phone.text, number, f"{n}") for n in range(12) for number in numbers])
        until(lambda: len(it.requests) == 20)
        waits = []
        for n in range(20):
            began = time.monotonic()
            line.phone.text(line.number, f"quick {n}")
            webhook_inbox.wait_for(timeout=10)
            waits.append(time.monotonic() - began)
        assert max(waits) < 5, "far from the thirty seconds that the others hang"
        assert sorted(waits)[10] < 0.5
        assert len(it.requests) == 20, "ten to each endpoint that hangs, and no more"
        for agent in slow:
            line.ask("DELETE", f"/v1/agents/{agent}/webhook")
