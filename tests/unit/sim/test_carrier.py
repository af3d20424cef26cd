"""The carrier's client, over a network in this process and over one in a process of its own."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import httpx
import pytest
from fastapi import FastAPI

from ringback.carriers.protocol import (
    Carrier,
    CarrierEvent,
    DeliveryReceipt,
    InboundMessage,
    LineRecord,
    NoAnswer,
    NumberReclaimed,
    OutboundText,
    Refused,
    Throttled,
    Unreachable,
)
from ringback.carriers.simulated import RemoteSimulatedCarrier, SimulatedCarrier
from ringback.doors.sim.proxy import RemoteNetwork
from ringback.kit.http import AddressPolicy, OutgoingHttp
from ringback.sim import Network
from ringback.sim.operators import SHARES, operator_of
from tests.media import PNG, Web

pytestmark = pytest.mark.unit


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sim:
    """A network in a process of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        code = (
            "import sys; from pathlib import Path; from ringback.doors.sim.standalone import run;"
            f"sys.exit(run('127.0.0.1', {self.port}, Path({str(self.data)!r}), 'warning'))"
        )
        self.process = subprocess.Popen([sys.executable, "-c", code])
        for _ in range(200):
            try:
                if httpx.get(f"{self.url}/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            import time

            time.sleep(0.05)
        raise AssertionError("the network did not start")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(10)


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sim]:
    sim = Sim(tmp_path_factory.mktemp("sim"))
    sim.start()
    yield sim
    if sim.process is not None and sim.process.poll() is None:
        assert sim.stop() == 0


@pytest.fixture(params=["local", "remote"])
async def world(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[Carrier, httpx.AsyncClient]]:
    """A carrier, and a client of the network behind it."""
    if request.param == "remote":
        sim: Sim = request.getfixturevalue("sim")
        remote = RemoteSimulatedCarrier(sim.url, answer_timeout_s=0.5)
        await remote.start()
        async with httpx.AsyncClient(base_url=sim.url) as client:
            yield remote, client
        await remote.stop()
        return
    from ringback.doors.sim.standalone import create
    from ringback.kit.clock import MovableClock

    http = OutgoingHttp(AddressPolicy(loopback_allowed=True))
    network = Network(tmp_path / "network.db", MovableClock(), http=http)
    await network.start()
    carrier = SimulatedCarrier(network, answer_timeout_s=0.2)
    await carrier.start()
    transport = httpx.ASGITransport(create(network))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield carrier, client
    await carrier.stop()
    await network.stop()
    await http.close()


async def hear(carrier: Carrier, count: int) -> list[CarrierEvent]:
    """So many events, acknowledged."""
    heard: list[CarrierEvent] = []
    async with asyncio.timeout(5):
        async for batch in carrier.events():
            await carrier.acknowledge(batch.tokens)
            heard += batch.events
            if len(heard) >= count:
                break
    return heard


async def buy(carrier: Carrier, reference: str) -> str:
    (offer,) = await carrier.search("US")
    await carrier.buy(offer.e164, reference)
    return offer.e164


async def test_buying(world: tuple[Carrier, httpx.AsyncClient]) -> None:
    carrier, _ = world
    offers = await carrier.search("US", area_code="212", limit=3)
    assert [offer.e164[:5] for offer in offers] == ["+1212"] * 3
    assert (offers[0].city, offers[0].state) == ("New York", "NY")
    await carrier.buy(offers[0].e164, "ord/a b")
    await carrier.buy(offers[0].e164, "ord/a b")
    assert await carrier.order_of("ord/a b") == offers[0].e164
    assert await carrier.order_of("ord_unknown") is None
    with pytest.raises(Refused):
        await carrier.buy(offers[0].e164, "ord_other")
    await carrier.release(offers[0].e164)
    await carrier.release(offers[0].e164)


async def test_lookup(world: tuple[Carrier, httpx.AsyncClient]) -> None:
    carrier, client = world
    ours = await buy(carrier, "ord_lookup")
    asked = {"personality": "landline"}
    phone = (await client.post("/sim/v1/handsets", json=asked)).json()["phoneNumber"]
    found = await carrier.lookup([ours, phone, "+14155550199"])
    assert sorted(found, key=lambda line: line.line_type or "") == [
        LineRecord(phone, "landline", False),
        LineRecord(ours, "voip", False),
    ]
    assert await carrier.lookup([]) == []
    outage = (await client.post("/sim/v1/faults", json={"kind": "outage"})).json()
    with pytest.raises(Unreachable):
        await carrier.lookup([ours])
    await client.delete(f"/sim/v1/faults/{outage['id']}")


async def test_texts_and_events(world: tuple[Carrier, httpx.AsyncClient], web: Web) -> None:
    carrier, client = world
    ours = await buy(carrier, "ord_texts")
    phone = (await client.post("/sim/v1/handsets", json={})).json()
    path = f"/sim/v1/handsets/{phone['id']}/messages"
    picture = web.put("/1", PNG)
    text = OutboundText("msg_texts", ours, phone["phoneNumber"], "héllo 🙂", (picture,), "mms")
    ref = await carrier.submit(text)
    (receipt,) = await hear(carrier, 1)
    assert receipt == DeliveryReceipt(
        "simulated", ref, "delivered", reference="msg_texts", to=phone["phoneNumber"]
    )
    (arrived,) = (await client.get(path)).json()["data"]
    assert (arrived["body"], arrived["mediaUrls"]) == (text.body, [one["url"] for one in arrived["media"]])
    assert (await client.get(arrived["mediaUrls"][0])).content == PNG
    sent = (await client.post(path, json={"to": ours, "body": "back"})).json()
    (inbound,) = await hear(carrier, 1)
    assert isinstance(inbound, InboundMessage)
    assert inbound == InboundMessage("simulated", inbound.ref, phone["phoneNumber"], ours, "back")
    told = (await client.get(path)).json()["data"][0]
    assert (told["id"], told["status"]) == (sent["id"], "delivered")
    with pytest.raises(Refused) as caught:
        await carrier.submit(replace(text, reference="msg_texts_2", from_="+14155550100"))
    assert caught.value.code == "21606"
    await client.post("/sim/v1/faults", json={"kind": "number-reclaimed", "match": {"number": ours}})
    (reclaimed,) = await hear(carrier, 1)
    assert isinstance(reclaimed, NumberReclaimed)
    assert reclaimed.e164 == ours


async def test_faults(world: tuple[Carrier, httpx.AsyncClient]) -> None:
    carrier, client = world
    ours = await buy(carrier, "ord_faults")
    phone = (await client.post("/sim/v1/handsets", json={})).json()
    text = OutboundText("msg_faults", ours, phone["phoneNumber"], "hi")
    for kind, error in (
        ("throttled", Throttled),
        ("connection-lost", Unreachable),
        ("submit-refused", Refused),
        ("submit-timeout", NoAnswer),
    ):
        await client.post("/sim/v1/faults", json={"kind": kind, "match": {"from": ours}})
        with pytest.raises(error):
            await carrier.submit(text)
    (receipt,) = await hear(carrier, 1)
    assert isinstance(receipt, DeliveryReceipt)
    assert (receipt.ref, receipt.reference) == (await carrier.submit(text), "msg_faults")
    messages = (await client.get(f"/sim/v1/handsets/{phone['id']}/messages")).json()["data"]
    assert [message["body"] for message in messages] == ["hi"]


async def test_registration_reaches_the_carrier(world: tuple[Carrier, httpx.AsyncClient]) -> None:
    carrier, client = world
    listening = asyncio.create_task(hear(carrier, 1))
    assert carrier.outbound_sms("+14155550100", "US") == "enabled"
    await client.patch("/sim/v1/network", json={"registration": "never"})
    async with asyncio.timeout(3):
        while carrier.outbound_sms("+14155550100", "US") != "registration_required":
            if isinstance(carrier, RemoteSimulatedCarrier):
                await carrier.refresh()
            await asyncio.sleep(0.02)
    assert carrier.outbound_sms("+442079460000", "GB") == "enabled"
    await client.patch("/sim/v1/network", json={"registration": "instant"})
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_the_pace_reaches_the_carrier(world: tuple[Carrier, httpx.AsyncClient]) -> None:
    """With an answer of events or by itself, in this process and over the wire; so does whose customer a number is."""
    carrier, client = world
    listening = asyncio.create_task(hear(carrier, 1))
    before = carrier.paced_as
    assert carrier.pace("+14155550100", "US") is None
    await client.patch("/sim/v1/network", json={"campaign": "high_standard", "seed": 7})
    async with asyncio.timeout(3):
        while (pace := carrier.pace("+14155550100", "US")) is None:
            if isinstance(carrier, RemoteSimulatedCarrier):
                await carrier.refresh()
            await asyncio.sleep(0.02)
    assert (pace.messages_per_second, pace.segments_a_day, pace.tmobile_a_day) == (12, 30_000, 10_000)
    assert carrier.paced_as != before
    assert carrier.pace("+442079460000", "GB") is None
    numbers = [f"+1415555{n:04d}" for n in range(1000)]
    told = Counter(carrier.operator_of(number) for number in numbers)
    assert [carrier.operator_of(number) for number in numbers] == [
        operator_of(7, number) for number in numbers
    ]
    for name, share in SHARES.items():
        assert abs(told[name] / 1000 - share) < 0.05
    assert carrier.operator_of("+442079460000") is None
    assert carrier.operator_of("+14165550100") is None, "Canada's are not T-Mobile's"
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_unacknowledged_events_come_again(tmp_path: Path) -> None:
    from ringback.carriers.simulated.stream import EventStream, Fetched

    queue: list[Fetched] = [
        (str(n), "reclaimed", {"ref": f"r{n}", "e164": "+14155550100"}) for n in range(1, 4)
    ]

    async def fetch(after: int) -> list[Fetched]:
        await asyncio.sleep(0.01)
        return [event for event in queue if int(event[0]) > after]

    stream = EventStream(fetch, again_s=0.05)
    seen: list[str] = []
    async with asyncio.timeout(3):
        async for batch in stream.batches():
            seen += batch.tokens
            if len(seen) > 3:
                stream.stop()
            else:
                stream.acknowledged(["2"])
                del queue[1]
    assert seen == ["1", "2", "3", "1", "3"]


async def test_nobody_there() -> None:
    carrier = RemoteSimulatedCarrier(f"http://127.0.0.1:{free_port()}", answer_timeout_s=0.5)
    await carrier.start()
    with pytest.raises(Unreachable):
        await carrier.submit(OutboundText("msg_1", "+14155550100", "+14155550101", "x"))
    with pytest.raises(Unreachable):
        await carrier.search("US")
    await carrier.stop()


async def test_a_lost_connection_after_the_writing_is_no_answer() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    carrier = RemoteSimulatedCarrier(f"http://127.0.0.1:{port}", answer_timeout_s=0.5)
    await carrier.start()
    with pytest.raises(NoAnswer):
        await carrier.submit(OutboundText("msg_1", "+14155550100", "+14155550101", "x"))
    await carrier.stop()
    server.close()
    await server.wait_closed()


async def test_a_killed_network_remembers(sim: Sim) -> None:
    carrier = RemoteSimulatedCarrier(sim.url, answer_timeout_s=2)
    await carrier.start()
    ours = await buy(carrier, "ord_killed")
    ref = await carrier.submit(OutboundText("msg_killed", ours, "+14155550101", "x"))
    assert sim.stop(signal.SIGKILL) == -signal.SIGKILL
    with pytest.raises((Unreachable, NoAnswer)):
        await carrier.submit(OutboundText("msg_killed_2", ours, "+14155550101", "x"))
    sim.start()
    assert await carrier.order_of("ord_killed") == ours
    told = DeliveryReceipt("simulated", ref, "delivered", reference="msg_killed", to="+14155550101")
    assert await hear(carrier, 1) == [told]
    assert await carrier.submit(OutboundText("msg_killed", ours, "+14155550101", "x")) == ref
    await carrier.stop()


async def test_a_server_passes_its_api_on(sim: Sim) -> None:
    """Method, path, query, body, status and streams go through as they are."""
    changed = asyncio.Event()

    async def note() -> None:
        changed.set()

    remote = RemoteNetwork(sim.url, after_change=note)
    await remote.start()
    app = FastAPI()
    app.include_router(remote.router())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        phone = (await client.post("/sim/v1/handsets", json={"name": "Via"})).json()
        assert phone["name"] == "Via"
        assert (await client.get("/sim/v1/handsets?limit=0")).status_code == 422
        assert (await client.get("/sim/v1/handsets/hs_%2B1")).status_code == 404
        answer = await client.patch("/sim/v1/network", json={"seed": 1})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert changed.is_set()
        assert (await client.get("/sim/v1/clock")).status_code == 409
    await remote.stop()
    async with aiohttp.ClientSession() as session, session.get(f"{sim.url}/sim/v1/events") as stream:
        assert (await stream.content.readline()) == b": connected\n"
