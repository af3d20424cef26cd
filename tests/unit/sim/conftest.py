"""A network on a frozen clock, and how to make the usual things on it."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from ringback.kit.clock import MovableClock
from ringback.kit.http import AddressPolicy, OutgoingHttp
from ringback.sim import Network
from ringback.sim.carrier_events import CarrierEvent
from ringback.sim.handsets import Handset
from ringback.sim.inventory import Wish
from ringback.sim.outbound import Submission
from tests.media import Web, serving

START_MS = 1_800_000_000_000


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(frozen_ms=START_MS)


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as web:
        yield web


@pytest.fixture
async def http() -> AsyncIterator[OutgoingHttp]:
    http = OutgoingHttp(AddressPolicy(loopback_allowed=True))
    yield http
    await http.close()


@pytest.fixture
async def network(tmp_path: Path, clock: MovableClock, http: OutgoingHttp) -> AsyncIterator[Network]:
    network = Network(tmp_path / "network.db", clock, http=http)
    await network.start()
    yield network
    await network.stop()


class Side:
    """What a server does at the network's other side."""

    def __init__(self, network: Network, clock: MovableClock) -> None:
        self.network = network
        self.clock = clock
        self.seen = 0
        self._numbers = itertools.count(1)

    async def buy(self, country: str = "US", area_code: str | None = None) -> str:
        sale = (await self.network.search(Wish(country, area_code)))[0]
        await self.network.buy(sale.e164, f"ord_{sale.e164}")
        return sale.e164

    async def submit(self, sender: str, to: str, body: str = "hello", **more: object) -> str:
        """A text of its own, unless `reference` says which it is."""
        reference = str(more.pop("reference", f"msg_{next(self._numbers)}"))
        return await self.network.submit(Submission(reference, sender, to, body, **more))  # type: ignore[arg-type]

    async def hear(self) -> list[CarrierEvent]:
        """New carrier events, acknowledged."""
        found = await self.network.carrier_events(self.seen)
        await self.network.acknowledge([event.token for event in found])
        if found:
            self.seen = int(found[-1].token)
        return found

    async def advance(self, seconds: float) -> None:
        """Move the clock step by step, firing all that falls due on the way."""
        target = self.clock.now_ms() + round(seconds * 1000)
        while (due := await self.network.next_due()) is not None and due <= target:
            self.clock.move_to(due)
            await self.network.fire_due()
        self.clock.move_to(target)
        self.network.wake()


@pytest.fixture
def side(network: Network, clock: MovableClock) -> Side:
    return Side(network, clock)


MakeHandset = Callable[[str], Awaitable[Handset]]


@pytest.fixture
def handset(network: Network) -> MakeHandset:
    async def make(personality: str = "answers") -> Handset:
        return await network.create_handset(personality=personality)

    return make
