"""The calls of a network in a process of its own, as a server's carrier hears and takes them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ringback.carriers.protocol import InboundCall, Unreachable
from ringback.carriers.simulated import RemoteSimulatedCarrier
from tests.calling import wait_until_it_answers
from tests.faults.processes import Process
from tests.legs import Leg

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120), pytest.mark.realtime]


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("sim")
    process = Process(folder, "sim", "--port", "0", "--data", str(folder))
    asyncio.run(process.start())
    wait_until_it_answers(process.url)
    yield process
    assert process.stop() == 0


class Server:
    """A carrier's client that listens for calls, and phones at the other side."""

    def __init__(self, url: str, carrier: RemoteSimulatedCarrier, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session
        self.carrier = carrier
        self.rings: asyncio.Queue[InboundCall] = asyncio.Queue()
        self.number = ""

    @property
    def voice(self) -> Any:
        return self.carrier.voice

    async def listen(self) -> None:
        async for call in self.voice.calls():
            if call.to == self.number:  # those of other tests may still ring
                self.rings.put_nowait(call)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self._session.request(method, f"{self._url}/sim/v1{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def call(self, **more: Any) -> Any:
        phone = await self.ask("POST", "/handsets", {})
        return await self.ask("POST", f"/handsets/{phone['id']}/calls", {"to": self.number, **more})

    async def over(self, call: Any) -> Any:
        return await self.ask("GET", f"/calls/{call['id']}?wait=10")


@pytest.fixture
async def server(sim: Process) -> AsyncIterator[Server]:
    carrier = RemoteSimulatedCarrier(sim.url)
    async with aiohttp.ClientSession() as session:
        await carrier.start()
        made = Server(sim.url, carrier, session)
        offer = (await carrier.search("US"))[0]
        await carrier.buy(offer.e164, f"order of {offer.e164}")
        made.number = offer.e164
        listening = asyncio.create_task(made.listen())
        await asyncio.sleep(0.3)
        yield made
        await carrier.stop()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_a_call_is_heard_taken_and_ended(server: Server) -> None:
    call = await server.call(script=[{"dtmf": "5"}])
    async with asyncio.timeout(5):
        ring = await server.rings.get()
    assert ring == InboundCall("simulated", call["id"], call["from"], server.number)
    trunk = await server.voice.trunk()
    assert trunk["kind"] == "line"
    leg = await Leg.open(trunk, "take", ring.ref)
    leg.say(op="answer")
    await leg.expect("answered")
    await leg.until(lambda: leg.keys == "5")
    await leg.hang_up()
    call = await server.over(call)
    assert (call["status"], call["reason"]) == ("completed", "other_hung_up")


async def test_a_call_is_refused(server: Server) -> None:
    call = await server.call()
    async with asyncio.timeout(5):
        await server.voice.reject((await server.rings.get()).ref, 486)
    call = await server.over(call)
    assert (call["status"], call["reason"]) == ("failed", "busy")


async def test_each_call_rings_once(server: Server) -> None:
    calls = [await server.call() for _ in range(5)]
    async with asyncio.timeout(5):
        heard = [(await server.rings.get()).ref for _ in calls]
    await asyncio.sleep(0.5)
    assert heard == [call["id"] for call in calls]
    assert server.rings.empty()


async def test_a_server_that_comes_later_hears_what_still_rings(server: Server) -> None:
    call = await server.call()
    async with asyncio.timeout(5):
        await server.rings.get()
        async for late in server.voice.calls():
            if late.ref == call["id"]:
                return


async def test_a_network_that_is_away_can_not_be_called_over(tmp_path: Path) -> None:
    carrier = RemoteSimulatedCarrier("http://127.0.0.1:9")
    await carrier.start()
    assert carrier.voice is not None
    with pytest.raises(Unreachable):
        await carrier.voice.trunk()
    await carrier.stop()
