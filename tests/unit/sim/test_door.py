"""`/sim/v1` on the wire."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ringback.doors.sim.clock import ClockReading
from ringback.doors.sim.links import Links
from ringback.doors.sim.router import build_router
from ringback.doors.sim.standalone import create, guarded
from ringback.kit.clock import MovableClock
from ringback.kit.ids import IdMaker
from ringback.sim import Network
from tests.media import PNG, Web
from tests.unit.sim.conftest import START_MS, Side

pytestmark = pytest.mark.unit


@pytest.fixture
async def door(network: Network) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create(network, own_url="http://localhost"))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


def refused(answer: httpx.Response, status: int, field: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    if field:
        assert [detail["field"] for detail in body["error"]["details"]] == [field]
    return body


async def test_handsets(door: httpx.AsyncClient, network: Network, side: Side) -> None:
    made = (await door.post("/sim/v1/handsets")).json()
    assert made == {
        "id": made["id"],
        "phoneNumber": made["phoneNumber"],
        "name": None,
        "country": "US",
        "personality": "answers",
        "callPersonality": "answers",
        "capabilities": ["sms", "mms", "voice"],
        "online": True,
        "createdAt": "2027-01-15T08:00:00.000Z",
    }
    assert made["id"].startswith("hs_")
    given = {"phoneNumber": "415 555 0112", "name": "Desk", "personality": "stops", "surprise": 1}
    other = (await door.post("/sim/v1/handsets", json=given)).json()
    assert (other["phoneNumber"], other["name"], other["personality"]) == ("+14155550112", "Desk", "stops")
    refused(await door.post("/sim/v1/handsets", json=given), 409)
    refused(await door.post("/sim/v1/handsets", json={"phoneNumber": await side.buy()}), 409)
    page = (await door.get("/sim/v1/handsets?limit=1")).json()
    assert (page["data"], page["hasMore"], page["total"]) == ([other], True, 2)
    path = f"/sim/v1/handsets/{made['id']}"
    changed = (await door.patch(path, json={"online": False, "name": "Attic"})).json()
    assert changed == {**made, "online": False, "name": "Attic"}
    assert (await door.get(path)).json() == changed
    assert (await door.delete(path)).json() == {"success": True}
    refused(await door.get(path), 404)
    refused(await door.patch(path, json={}), 404)


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("personality", {"personality": "grumpy"}),
        ("callPersonality", {"callPersonality": "grumpy"}),
        ("areaCode", {"areaCode": "41"}),
        ("areaCode", {"areaCode": "999"}),
        ("country", {"country": "USA"}),
        ("phoneNumber", {"phoneNumber": "hello"}),
        ("name", {"name": 7}),
        ("name", {"name": "a\x00"}),
    ],
)
async def test_wrong_handsets(door: httpx.AsyncClient, field: str, body: dict[str, Any]) -> None:
    answer = refused(await door.post("/sim/v1/handsets", json=body), 422, field)
    if body == {"personality": "grumpy"}:
        assert "out-of-order" in answer["error"]["message"]


async def test_texts(door: httpx.AsyncClient, network: Network, side: Side, web: Web) -> None:
    ours = await side.buy()
    phone = (await door.post("/sim/v1/handsets", json={})).json()
    path = f"/sim/v1/handsets/{phone['id']}/messages"
    picture = web.put("/x.png", PNG)
    sent = (await door.post(path, json={"to": ours, "body": "hi", "mediaUrls": [picture]})).json()
    [url] = sent["mediaUrls"]
    assert sent == {
        "id": sent["id"],
        "direction": "out",
        "from": phone["phoneNumber"],
        "to": ours,
        "body": "hi",
        "mediaUrls": [url],
        "media": [{"url": url, "contentType": "image/png", "bytes": len(PNG)}],
        "channel": "mms",
        "at": "2027-01-15T08:00:00.000Z",
        "status": "sent",
    }
    await side.submit(ours, phone["phoneNumber"], "hello")
    page = (await door.get(path)).json()
    assert [message["body"] for message in page["data"]] == ["hello", "hi"]
    assert page["hasMore"] is False
    newer = (await door.get(path, params={"after": sent["id"]})).json()["data"]
    assert [message["body"] for message in newer] == ["hello"]
    assert (await door.get(path, params={"before": sent["at"]})).json()["data"] == []
    assert (await door.get(path + "?before=&after=&wait=")).json() == page
    for field, query in (
        ("limit", "limit=201"),
        ("limit", "limit=0"),
        ("wait", "wait=61"),
        ("before", "before=x"),
    ):
        refused(await door.get(f"{path}?{query}"), 422, field)
    for field, body in (("to", {"body": "x"}), ("to", {"to": "x", "body": "x"}), ("body", {"to": ours})):
        refused(await door.post(path, json=body), 422, field)
    for raw in (b'{"to":"%s","body":"a\\u0000b"}', b'{"to":"%s","body":"\\ud800"}'):
        answer = await door.post(
            path, content=raw % ours.encode(), headers={"content-type": "application/json"}
        )
        refused(answer, 422, "body")
    refused(await door.get("/sim/v1/handsets/hs_nowhere/messages"), 404)


async def test_network(door: httpx.AsyncClient) -> None:
    before = (await door.get("/sim/v1/network")).json()
    assert before == {
        "seed": 1,
        "latencyMs": 0,
        "lossPercent": 0,
        "jitterMs": 0,
        "messagesPerSecond": None,
        "registration": "instant",
        "reviewSeconds": 3600,
        "campaign": None,
        "inventory": {},
    }
    change = {
        "lossPercent": 2.5,
        "messagesPerSecond": 10,
        "inventory": {"US-415": 3},
        "campaign": "high_trust",
    }
    assert (await door.patch("/sim/v1/network", json=change)).json() == {**before, **change}
    cleared = (await door.patch("/sim/v1/network", json={"messagesPerSecond": None, "campaign": None})).json()
    assert (cleared["messagesPerSecond"], cleared["campaign"], cleared["lossPercent"]) == (None, None, 2.5)
    for field, wrong in (
        ("registration", {"registration": "maybe"}),
        ("latencyMs", {"latencyMs": -1}),
        ("latencyMs", {"latencyMs": "5"}),
        ("lossPercent", {"lossPercent": 101}),
        ("messagesPerSecond", {"messagesPerSecond": 0}),
        ("inventory", {"inventory": {"415": 3}}),
        ("campaign", {"campaign": "tiny"}),
    ):
        refused(await door.patch("/sim/v1/network", json={**wrong, "seed": 99}), 422, field)
    assert (await door.get("/sim/v1/network")).json()["seed"] == 1


async def test_faults(door: httpx.AsyncClient) -> None:
    body = {"kind": "throttled", "count": 2, "match": {"from": "(415) 555-0100", "number": None}}
    fault = (await door.post("/sim/v1/faults", json=body)).json()
    assert fault == {
        "id": fault["id"],
        "kind": "throttled",
        "count": 2,
        "match": {"from": "+14155550100"},
        "createdAt": "2027-01-15T08:00:00.000Z",
    }
    assert (await door.get("/sim/v1/faults")).json() == {"data": [fault], "hasMore": False, "total": 1}
    assert (await door.delete(f"/sim/v1/faults/{fault['id']}")).json() == {"success": True}
    refused(await door.delete(f"/sim/v1/faults/{fault['id']}"), 404)
    for field, wrong in (
        ("kind", {"kind": "meteor"}),
        ("kind", {}),
        ("times", {"kind": "throttled", "times": 2}),
        ("match.person", {"kind": "throttled", "match": {"person": "x"}}),
        ("match.number", {"kind": "number-reclaimed"}),
        ("count", {"kind": "throttled", "count": 0}),
        ("count", {"kind": "throttled", "count": "1"}),
    ):
        refused(await door.post("/sim/v1/faults", json=wrong), 422, field)


async def test_streams_resume(network: Network, side: Side) -> None:
    ours, phone, other = await side.buy(), await network.create_handset(), await network.create_handset()
    await side.submit(ours, phone.e164, "one")
    await side.submit(ours, other.e164, "elsewhere")
    await network.send_text(phone.id, ours, "line\nbreak")

    async def read(path: str, count: int, last: str | None) -> list[dict[str, str]]:
        events: list[dict[str, str]] = []
        async for chunk in stream(network, path, last):
            if chunk.startswith("event:"):
                lines = chunk.strip().split("\n")
                assert [line.split(":")[0] for line in lines] == ["event", "id", "data"]
                events.append(dict(line.split(": ", 1) for line in lines))
            if len(events) == count:
                break
        return events

    mine = await read(f"/sim/v1/handsets/{phone.id}/events", 2, "0")
    assert [json.loads(event["data"])["body"] for event in mine] == ["one", "line\nbreak"]
    everything = await read("/sim/v1/events", 2, mine[0]["id"])
    assert [json.loads(event["data"])["body"] for event in everything] == ["elsewhere", "line\nbreak"]
    live = asyncio.create_task(read("/sim/v1/events", 1, None))
    await asyncio.sleep(0.05)
    await side.submit(ours, phone.e164, "now")
    assert json.loads((await asyncio.wait_for(live, 3))[0]["data"])["body"] == "now"


async def stream(network: Network, path: str, last: str | None) -> AsyncIterator[str]:
    """The chunks of a stream; httpx's ASGI transport would wait for its end."""
    chunks: asyncio.Queue[str] = asyncio.Queue()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), *([(b"last-event-id", last.encode())] if last else [])],
        "client": None,
        "server": ("localhost", 80),
    }

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            await chunks.put(message["body"].decode())

    task = asyncio.create_task(create(network)(scope, receive, send))
    try:
        while True:
            yield await asyncio.wait_for(chunks.get(), 3)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Clock:
    """A clock's door as a server makes it."""

    def __init__(self, clock: MovableClock) -> None:
        self.clock = clock

    async def read(self) -> ClockReading:
        return {
            "now_ms": self.clock.now_ms(),
            "mode": "frozen" if self.clock.frozen else "real",
            "offset_s": self.clock.offset_ms / 1000,
        }

    async def freeze(self) -> None:
        self.clock.freeze()

    async def resume(self) -> None:
        self.clock.resume()

    async def advance_to(self, at_ms: int) -> bool:
        self.clock.move_to(at_ms)
        return True


async def test_clock(network: Network, clock: MovableClock) -> None:
    from fastapi import FastAPI

    app = create(network)
    bare = FastAPI(exception_handlers=app.exception_handlers)  # type: ignore[arg-type]
    bare.include_router(build_router(network, Clock(clock), Links("")))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bare), base_url="http://localhost") as client:
        assert (await client.get("/sim/v1/clock")).json() == {
            "now": "2027-01-15T08:00:00.000Z",
            "mode": "frozen",
            "offsetSeconds": 0.0,
        }
        moved = (await client.post("/sim/v1/clock", json={"advanceSeconds": 1.5})).json()
        assert moved == {"now": "2027-01-15T08:00:01.500Z", "settled": True}
        moved = (await client.post("/sim/v1/clock", json={"advanceTo": "2027-01-16T00:00:00+01:00"})).json()
        assert moved["now"] == "2027-01-15T23:00:00.000Z"
        for field, wrong in (
            ("advanceTo", {"advanceTo": "2020-01-01T00:00:00Z"}),
            ("advanceTo", {"advanceTo": "soon"}),
            ("advanceSeconds", {"advanceSeconds": -1}),
            ("advanceSeconds", {"advanceSeconds": 1e300}),
            ("body", {}),
            ("body", {"freeze": True, "resume": True}),
            ("body", {"freeze": False}),
        ):
            refused(await client.post("/sim/v1/clock", json=wrong), 422, field)
        assert (await client.post("/sim/v1/clock", json={"resume": True})).json()["mode"] == "real"
        assert clock.now_ms() >= START_MS


async def test_a_process_of_its_own_has_no_clock(door: httpx.AsyncClient) -> None:
    for answer in (await door.get("/sim/v1/clock"), await door.post("/sim/v1/clock", json={"freeze": True})):
        error = refused(answer, 409)["error"]
        assert error["code"] == "CLOCK_FIXED"
        assert error["message"] == "the simulated network in a process of its own runs on real time"
    for unknown in ("/sim/v1/nowhere", "/sim/v1/handsets/", "/sim/v1/handsets/%00"):
        refused(await door.get(unknown), 404)
    assert (await door.get("/healthz")).json() == {"status": "ok"}


async def test_only_known_hosts_are_heard(tmp_path: Path, network: Network) -> None:
    def door_on(host: str) -> httpx.ASGITransport:
        ids = IdMaker(MovableClock())
        return httpx.ASGITransport(guarded(create(network), host=host, names=("sim.test",), ids=ids))

    async with httpx.AsyncClient(transport=door_on("127.0.0.1"), base_url="http://evil.test") as client:
        assert refused(await client.get("/healthz"), 403)["error"]["code"] == "HOST_NOT_ALLOWED"
        for host in ("localhost:8643", "[::1]:8643", "localhost", "127.0.0.1:1", "sim.test"):
            assert (await client.get("/healthz", headers={"host": host})).status_code == 200
        refused(await client.get("/sim/v1/handsets?limit=1%00"), 403)
        answer = await client.get("/sim/v1/handsets?limit=1%00", headers={"host": "localhost"})
        refused(answer, 422, "limit")
        assert answer.headers["x-request-id"].startswith("req_")
    async with httpx.AsyncClient(transport=door_on("0.0.0.0"), base_url="http://any.test") as client:
        assert (await client.get("/healthz")).status_code == 200
