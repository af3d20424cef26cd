"""A network with its exchange in this process, whose handsets speak in tones, and a server's carrier on it."""

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringback.carriers.protocol import InboundCall
from ringback.carriers.simulated.voice import LocalVoice
from ringback.kit.clock import MovableClock
from ringback.kit.private_sockets import socket_path
from ringback.sim import Network
from ringback.sim.calls import HandsetCall
from ringback.sim.exchange.exchange import Exchange
from ringback.sim.exchange.studio import Studio
from ringback.sim.handsets import Handset
from ringback.sim.inventory import Wish
from tests.faults.processes import Process, environment
from tests.legs import Leg
from tests.tones import Tones

Steps = list[dict[str, Any]]


@dataclass
class World:
    """`number` is one that the server has."""

    network: Network
    exchange: Exchange
    voice: LocalVoice
    number: str
    rings: "asyncio.Queue[InboundCall]"
    legs: list[Leg]
    folder: Path

    async def handset(self, manner: str = "answers", **more: Any) -> Handset:
        return await self.network.create_handset(call_personality=manner, **more)

    async def call(
        self, handset: Handset, *script: dict[str, Any], to: str | None = None, **more: Any
    ) -> HandsetCall:
        """A handset calls the server's number."""
        return await self.network.voice.place(handset.id, to or self.number, list(script), **more)

    async def take(self, op: str = "take", ref: str | None = None) -> Leg:
        """The server takes the next call that rings."""
        if ref is None:
            async with asyncio.timeout(5):
                ref = (await self.rings.get()).ref
        return await self._leg(op, ref)

    async def answer(self) -> Leg:
        """As `take`, and answers."""
        leg = await self.take()
        leg.say(op="ring")
        leg.say(op="answer")
        await leg.expect("answered")
        return leg

    async def dial(self, to: str, ref: str = "call_1", **more: Any) -> Leg:
        """The server calls."""
        return await self._leg("dial", ref, from_=self.number, to=to, **more)

    async def over(self, call: HandsetCall, timeout: float = 10.0) -> HandsetCall:
        """The call, once it has ended."""
        found = await self.network.voice.get(call.id, timeout)
        assert found.is_over, found
        return found

    async def call_at(self, handset: Handset, status: str | None = None, timeout: float = 5.0) -> HandsetCall:
        """The newest call of a handset, once there is one (that is so)."""
        found, _ = await self.network.voice.page(handset.id, 1, 0, status, timeout)
        assert found, f"no call that is {status}"
        return found[0]

    async def _leg(self, op: str, ref: str, **more: Any) -> Leg:
        leg = await Leg.open(await self.voice.trunk(), op, ref, **more)
        self.legs.append(leg)
        return leg


@asynccontextmanager
async def world(
    folder: Path,
    *,
    tones: Tones | None = None,
    mute: bool = False,
    handsets: Any = "auto",
    held_s: float = 30.0,
    listens: bool = True,
) -> AsyncIterator[World]:
    """Everything, and its end."""
    engine = None if mute else tones or Tones()
    pages = socket_path(folder, "exchange.pages")
    exchange = Exchange(Studio(engine, engine), pages, held_s=held_s, alone_s=2.0)
    await exchange.start()

    async def serve() -> None:
        await exchange.run()
        await exchange.stop()

    serving = asyncio.create_task(serve())
    where = folder / "voice" / "exchange.json"
    reached = {"host": "127.0.0.1", "port": exchange.port, "key": exchange.key, "pages": str(pages)}
    where.write_text(json.dumps(reached))
    network = Network(folder / "network.db", MovableClock(), handsets=handsets)
    await network.start()
    sale = (await network.search(Wish("US")))[0]
    await network.buy(sale.e164, "order")
    voice = LocalVoice(network.voice, lambda: network.stopping)
    rings: asyncio.Queue[InboundCall] = asyncio.Queue()

    async def listen() -> None:
        async for call in voice.calls():
            rings.put_nowait(call)

    listening = asyncio.create_task(listen()) if listens else None
    await asyncio.sleep(0)
    made = World(network, exchange, voice, sale.e164, rings, [], folder)
    try:
        yield made
    finally:
        for leg in made.legs:
            await leg.close()
        await network.stop()
        if listening is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await listening
        await serving


def wait_until_it_answers(url: str) -> None:
    """A network's process says where it is a moment before it is there."""
    end = time.monotonic() + 10
    while True:
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=5).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@contextmanager
def network_apart(folder: Path) -> Iterator[Process]:
    """The simulated network in a process of its own, with its phones' speech made of tones."""
    env = environment(speech_stt="fake", speech_tts="fake")
    process = Process(folder, "sim", "--port", "0", "--data", str(folder), env=env)
    asyncio.run(process.start())
    wait_until_it_answers(process.url)
    yield process
    assert process.stop() == 0
