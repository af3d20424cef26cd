"""What lies beyond the server in a world: endpoints that behave by the seed, and the network with the way to it."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from fastapi import APIRouter

from ringback.carriers.protocol import (
    CarrierEvent,
    EventBatch,
    InboundMessage,
    LineRecord,
    NoAnswer,
    Offer,
    OutboundText,
    Unreachable,
)
from ringback.carriers.simulated.local import SimulatedCarrier
from ringback.carriers.simulated.stream import Fetched
from ringback.doors.sim.clock import ClockDoor
from ringback.doors.sim.moving import Timed
from ringback.kit import sqlite
from ringback.kit.addresses import AddressPolicy
from ringback.kit.chance import chance
from ringback.kit.clock import Clock, MovableClock
from ringback.kit.groups import Groups
from ringback.kit.http import OutgoingHttp, RequestFailed, Response
from ringback.sim.network import Network
from tests.worlds.virtual import Process, VirtualMachine

T = TypeVar("T")
Note = Callable[..., None]
_AWAY_S = 0.05


@dataclass(frozen=True)
class Received:
    """One attempt as the endpoint saw it."""

    endpoint: str
    body: bytes
    status: int | None
    """What it answered; None for no whole answer."""
    turn: int
    """The how-manieth attempt of all."""
    at: float
    """When it came, in seconds of the world."""
    signed: tuple[int, str]
    """The timestamp of its signature, and this."""


class Endpoints:
    """Every endpoint of a world. What one does with an attempt depends on its mood, its name and the attempt."""

    def __init__(self, seed: int, note: Note, machine: VirtualMachine) -> None:
        self._seed = seed
        self._note = note
        self._machine = machine
        self.moods: dict[str, str] = {}
        self._turns = 0
        self.attempts: defaultdict[str, list[Received]] = defaultdict(list)
        """By delivery: what came."""

    async def take(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Response:
        delivery_id = headers["X-Webhook-ID"]
        signed = int(headers["X-Webhook-Timestamp"]), headers["X-Webhook-Signature"]
        host = url.split("/")[2]
        attempts = self.attempts[delivery_id]
        count = len(attempts)
        draw = chance(self._seed, "endpoint", host, delivery_id, count)
        does = self._does(self.moods.get(host, "well"), draw)
        takes_s = 0.001 + 0.1 * chance(self._seed, "takes", host, delivery_id, count)
        self._note("hook", host, delivery_id, count, does)
        await asyncio.sleep(takes_s / 2)
        if does == "refuse":
            raise RequestFailed("connect", f"could not connect to {host}: Connection refused")
        status = does if isinstance(does, int) else None
        self._turns += 1
        attempts.append(Received(host, body, status, self._turns, self._machine.now, signed))
        if status is not None:
            await asyncio.sleep(takes_s / 2)
            return Response(status, "thanks", round(takes_s * 1000))
        if does == "reset":
            raise RequestFailed("connect", f"{host} closed the connection without an answer")
        await asyncio.sleep(timeout_s)
        raise RequestFailed("timeout", f"no complete answer from {host} within {timeout_s:g} s")

    @staticmethod
    def _does(mood: str, draw: float) -> int | str:
        if mood == "well":
            return 200 if draw < 0.9 else 204
        if mood == "down":
            return "refuse" if draw < 0.5 else 503
        if mood == "hanging":
            return "hang"
        if mood == "dripping":
            return "drip" if draw < 0.5 else 200
        choices: tuple[int | str, ...] = (200, 200, 500, 404, 302, 429, "reset", "refuse", "hang")
        return choices[int(draw * len(choices))]


class WorldHttp(OutgoingHttp):
    """The one outgoing client, leading to the world's endpoints."""

    def __init__(self, endpoints: Endpoints, policy: AddressPolicy) -> None:
        super().__init__(policy)
        self._endpoints = endpoints

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        keep_bytes: int = 4096,
        repeatable: bool = False,
        method: Literal["POST", "GET"] = "POST",
    ) -> Response:
        return await self._endpoints.take(url, body, headers, timeout_s)

    async def warm_up(self, *, after_s: float) -> None:
        pass


def cut(writer: Groups) -> None:
    """A writer's process is dead: what it has not committed is gone, and it takes nothing more."""
    inside: Any = writer
    inside._closed = True
    inside._gathered = []
    while not inside._jobs.empty():
        inside._jobs.get()
    with contextlib.suppress(
        sqlite.module.ProgrammingError, AttributeError
    ):  # closed already, or not yet open
        if inside._conn.in_transaction:
            inside._conn.execute("ROLLBACK")
        inside._conn.close()


def cut_network(network: Network) -> None:
    inside: Any = network
    inside._engine.stopping = True
    cut(inside._engine._store)


class NetworkProcess:
    """The network on its file. It can die and begin again; `death` is set while it is dead."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self.process = Process("network")
        self.network: Network
        self.death = asyncio.Event()

    async def begin(self) -> None:
        self.process = Process("network")
        self.network = Network(self._file, self._clock)
        await self.process.spawn(self.network.start())
        self.death = asyncio.Event()

    async def die(self) -> None:
        self.death.set()
        self.process.dead = True
        cut_network(self.network)
        await self.process.end_tasks()

    async def stop(self) -> None:
        if not self.death.is_set():
            await self.process.spawn(self.network.stop())


@dataclass
class Watched:
    """What passed between server and carrier, in seconds of the world."""

    submits: list[tuple[str, float]]
    """Our reference, and when its submit began."""
    stored: dict[str, tuple[InboundMessage, float]]
    """By carrier ref: texts in, and when the server said that it has them."""
    handed: dict[str, float]
    """By carrier ref: when a text in was handed to the server first."""


class WorldCarrier(SimulatedCarrier):
    """The adapter, watched. With `away` it reaches a network in another process, over a connection that can be lost."""

    def __init__(
        self, network: Network, note: Note, watched: Watched, away: NetworkProcess | None, timeout_s: float
    ) -> None:
        super().__init__(network, answer_timeout_s=timeout_s)
        self._note = note
        self._watched = watched
        self._away = away
        self._given: dict[str, CarrierEvent] = {}

    async def submit(self, text: OutboundText) -> str:
        self._watched.submits.append((text.reference, asyncio.get_running_loop().time()))
        try:
            ref = await self._ask(lambda: super(WorldCarrier, self).submit(text))
        except Exception as error:
            self._note("submit", text.reference, repr(error))
            raise
        self._note("submit", text.reference, ref)
        return ref

    async def search(self, country: str, **wish: Any) -> Sequence[Offer]:
        return await self._look(lambda: super(WorldCarrier, self).search(country, **wish))

    async def buy(self, e164: str, reference: str) -> None:
        await self._ask(lambda: super(WorldCarrier, self).buy(e164, reference))

    async def order_of(self, reference: str) -> str | None:
        return await self._ask(lambda: super(WorldCarrier, self).order_of(reference))

    async def release(self, e164: str) -> None:
        await self._ask(lambda: super(WorldCarrier, self).release(e164))

    async def lookup(self, numbers: Sequence[str]) -> Sequence[LineRecord]:
        return await self._look(lambda: super(WorldCarrier, self).lookup(numbers))

    async def acknowledge(self, tokens: Sequence[str]) -> None:
        now = asyncio.get_running_loop().time()
        for token in tokens:
            event = self._given.get(token)
            if isinstance(event, InboundMessage):
                self._watched.stored.setdefault(event.ref, (event, now))
        self._note("acknowledge", *tokens)
        await self._ask(lambda: super(WorldCarrier, self).acknowledge(tokens))

    async def events(self) -> AsyncGenerator[EventBatch, None]:
        now = asyncio.get_running_loop().time
        async for batch in super().events():
            for token, event in zip(batch.tokens, batch.events, strict=True):
                self._given[token] = event
                if isinstance(event, InboundMessage):
                    self._watched.handed.setdefault(event.ref, now())
            yield batch

    async def _fetch(self, after: int) -> list[Fetched] | None:  # type: ignore[override]
        if self._away is None:
            return await super()._fetch(after)
        try:
            return await self._ask(lambda: super(WorldCarrier, self)._fetch(after))
        except (NoAnswer, Unreachable):
            await asyncio.sleep(0.5)
            return None

    async def _look(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._ask(call)
        except NoAnswer as error:
            raise Unreachable(error.message) from None

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Ask over the connection, if there is one: what was asked may have been done when it is lost."""
        away = self._away
        if away is None:
            return await call()
        if away.death.is_set():
            raise Unreachable("no connection to the simulated network")
        await asyncio.sleep(_AWAY_S / 10)
        if away.death.is_set():
            raise NoAnswer("the connection was lost")
        self._network = away.network
        asked, death = asyncio.ensure_future(call()), asyncio.ensure_future(away.death.wait())
        try:
            await asyncio.wait((asked, death), return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise NoAnswer("the connection was lost")
            answer = await asked
        finally:
            asked.cancel()
            death.cancel()
        await asyncio.sleep(_AWAY_S / 10)
        return answer


class WorldLine:
    """The line that a world's server holds: a network of its own process, or one `away`. It has no doors."""

    def __init__(
        self, file: Path, clock: MovableClock, note: Note, watched: Watched, away: NetworkProcess | None
    ) -> None:
        self._away = away
        self._own = Network(file, clock) if away is None else None
        self.carrier = WorldCarrier(self.network, note, watched, away, 5.0)

    @property
    def network(self) -> Network:
        if self._own is not None:
            return self._own
        assert self._away is not None
        return self._away.network

    async def start(self) -> None:
        if self._own is not None:
            await self._own.start()
        await self.carrier.start()

    async def stop(self) -> None:
        await self.carrier.stop()
        if self._own is not None:
            await self._own.stop()

    def die(self) -> None:
        """With the server's process."""
        if self._own is not None:
            cut_network(self._own)

    def end_waits(self) -> None:
        if self._own is not None:
            self._own.end_waits()

    def router(self, clock: ClockDoor) -> APIRouter:
        return APIRouter()

    def open_router(self) -> APIRouter:
        return APIRouter()

    def timed(self) -> list[Timed]:
        return []

    async def trouble(self) -> str | None:
        return None

    async def first_handset(self) -> str | None:
        return None
