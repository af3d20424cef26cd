"""Media on the network: fetched from hostile places, bounded in number and memory, kept and forgotten."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringback.kit.clock import MovableClock
from ringback.kit.http import AddressPolicy, OutgoingHttp
from ringback.sim import Network, fetching, media, mmsc
from ringback.sim.errors import BadInput, LineDown, LineRefused, MediaNotFound, NeverAnswers, SenderThrottled
from ringback.sim.media import Attachment
from ringback.sim.memory import Memory
from ringback.sim.schema import open_store
from tests.media import GIF, JPEG, PAGE, PNG, Web, png
from tests.unit.kit.endpoint import Behaviour, Talk, endpoint, for_ever, keep_silent, saying
from tests.unit.sim.conftest import START_MS, MakeHandset, Side

pytestmark = pytest.mark.unit


class Sender:
    """A number that sends media to a phone."""

    def __init__(self, network: Network, side: Side, ours: str, phone_id: str, theirs: str) -> None:
        self.network = network
        self._side = side
        self.ours, self.phone_id, self.theirs = ours, phone_id, theirs

    async def send(self, *urls: str, **more: str) -> str:
        return await self._side.submit(self.ours, self.theirs, "look", media_urls=urls, channel="mms", **more)

    async def arrived(self) -> list[tuple[Attachment, ...]]:
        return [text.media for text in (await self.network.list_texts(self.phone_id))[0]]

    async def read(self, attachment: Attachment) -> bytes:
        found = await self.network.find_media(attachment.url.removeprefix(media.PATH))
        return b"".join([piece async for piece in self.network.read_media(found)])


@pytest.fixture
async def sender(network: Network, side: Side, handset: MakeHandset) -> Sender:
    phone = await handset("answers")
    return Sender(network, side, await side.buy(), phone.id, phone.e164)


async def test_bytes_come_out_as_they_went_in(sender: Sender, web: Web) -> None:
    large = png(media.MAX_BYTES - len(JPEG))
    await sender.send(web.put("/large.png", large), web.put("/small.jpg", JPEG, "image/jpg"))
    [(one, other)] = await sender.arrived()
    assert (one.content_type, one.size, other.content_type) == ("image/png", len(large), "image/jpeg")
    assert (await sender.read(one), await sender.read(other)) == (large, JPEG)


async def fetch(http: OutgoingHttp, url: str) -> None:
    with Memory(1_000_000).share(1) as share:
        await fetching.fetch(http, url, max_bytes=1_000, until=time.monotonic() + 5, share=share)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(sender: Sender, web: Web, status: int) -> None:
    web.put("/a/2", status=status, headers={"Location": web.url("/3?x=1")})
    web.put("/3", status=status, headers={"Location": "/cat.png"})
    web.put("/cat.png", PNG)
    await sender.send(web.put("/a/1", status=status, headers={"Location": "2"}))
    [(picture,)] = await sender.arrived()
    assert await sender.read(picture) == PNG
    assert web.asked == ["/a/1", "/a/2", "/3?x=1", "/cat.png"]


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/iam",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://0xa9fea9fe/",
        "http://metadata.test/",
        "http://2852039166/",
        "//169.254.169.254/",
        "file:///etc/passwd",
        "ftp://a.test/cat.png",
        "javascript:alert(1)",
        "http://user:hush@127.0.0.1/",
        "http://[::1",
        "\\\\evil",
        "",
    ],
)
async def test_a_redirect_to_where_nobody_may_go(
    tmp_path: Path, clock: MovableClock, web: Web, target: str
) -> None:
    async def lookup(host: str, _port: int) -> list[str]:
        assert host == "metadata.test"
        return ["169.254.169.254"]

    http = OutgoingHttp(AddressPolicy(loopback_allowed=True), lookup=lookup)
    url = web.put("/cat.png", status=302, headers={"Location": target})
    with pytest.raises(fetching.Unfit) as unfit:
        await fetch(http, url)
    await http.close()
    assert unfit.value.code == "11200"
    assert unfit.value.reason.startswith(f"{url} could not be fetched: ")
    assert "hush" not in unfit.value.reason


async def test_loopback_is_closed_where_the_policy_says_so(web: Web) -> None:
    http = OutgoingHttp(AddressPolicy(loopback_allowed=False))
    with pytest.raises(fetching.Unfit, match="leads to a loopback address"):
        await fetch(http, web.put("/1.png", PNG))
    await http.close()
    assert web.asked == []


def answer(body: bytes, *headers: bytes) -> Behaviour:
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: image/png", *headers]
    return saying(b"\r\n".join(lines) + b"\r\n\r\n" + body)


BOMB = gzip.compress(PNG + bytes(10_000_000), 9)


@pytest.mark.parametrize(
    ("behave", "code", "why"),
    [
        (answer(BOMB, b"Content-Encoding: gzip", b"Content-Length: %d" % len(BOMB)), "11200", "compressed its answer"),
        (answer(PNG, b"Content-Length: %d" % (len(PNG) + 1)), "11200", "in the middle of its answer"),
        (answer(PNG, b"Content-Length: 5"), "11200", "valid HTTP"),
        (answer(b"", b"Content-Length: 99999999999"), "11751", "larger than 5 MB"),
        (for_ever(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + PNG, b"x" * 65_536), "11751", "larger than 5 MB"),
        (answer(PAGE, b"Content-Length: %d" % len(PAGE)), "12300", "its bytes are something else"),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Type: image/\xff\xfe\r\nContent-Length: 0\r\n\r\n"), "12300", "can't be read"),
        (keep_silent, "11200", "s were not enough"),
        (for_ever(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n", b"x", 0.02), "11200", "s were not enough"),
        (saying(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), "11200", "it answered 302"),
        (saying(b"HTTP/1.1 206 Partial\r\nContent-Length: 0\r\n\r\n"), "11200", "it answered 206"),
        (saying(b"SSH-2.0\r\n"), "11200", "valid HTTP"),
        (saying(), "11200", "closed the connection"),
    ],
    ids=["bomb", "short", "long", "declared", "endless", "page", "bytes", "silent", "drip", "lost", "part", "ssh", "nothing"],
)  # fmt: skip
async def test_hostile_servers(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, behave: Behaviour, code: str, why: str
) -> None:
    monkeypatch.setattr(mmsc, "FETCH_S", 0.5)
    async with endpoint(behave) as it:
        started = time.perf_counter()
        with pytest.raises(LineRefused) as refused:
            await sender.send(it.url(path="/cat.png?token=hush"))
    assert time.perf_counter() - started < 3
    assert (refused.value.code, why in refused.value.message) == (code, True), refused.value.message
    assert it.url(path="/cat.png") in refused.value.message
    assert "hush" not in refused.value.message
    assert refused.value.message.encode().isascii()
    assert await sender.arrived() == []


async def test_the_time_is_for_all_of_a_message(
    sender: Sender, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mmsc, "FETCH_S", 0.6)

    async def slowly(talk: Talk) -> None:
        await asyncio.sleep(0.25)
        await talk.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nContent-Length: %d\r\n\r\n" % len(GIF) + GIF
        )

    async with endpoint(slowly) as it:
        await sender.send(it.url(), it.url())
        with pytest.raises(LineRefused, match="s were not enough"):
            await sender.send(it.url(), it.url(), it.url())
    assert len(await sender.arrived()) == 1


class Gate:
    """A server whose answers wait until it is opened; `most` is how many waited at one time."""

    def __init__(self, body: bytes) -> None:
        self.open = asyncio.Event()
        self.waiting = self.most = 0
        self._body = body

    async def __call__(self, talk: Talk) -> None:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.open.wait()
        self.waiting -= 1
        head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n"
        await talk.send(head % len(self._body) + self._body)

    async def filled(self, count: int) -> None:
        async with asyncio.timeout(5):
            while self.waiting < count:
                await asyncio.sleep(0.01)


async def test_only_so_many_of_one_number_are_fetched_at_a_time(
    sender: Sender, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next ones wait a moment, and are then sent back: that number is too fast, and nobody else."""
    monkeypatch.setattr(mmsc, "_PATIENCE_S", 0.1)
    gate = Gate(png(10_000))
    async with endpoint(gate) as it:
        under_way = [asyncio.ensure_future(sender.send(it.url())) for _ in range(mmsc.EACH)]
        await gate.filled(mmsc.EACH)
        assert not await network.idle()
        with pytest.raises(SenderThrottled):
            await sender.send(it.url())
        gate.open.set()
        await asyncio.gather(*under_way)
        monkeypatch.setattr(mmsc, "_PATIENCE_S", 5)
        await asyncio.gather(*[sender.send(it.url()) for _ in range(20)])
    assert gate.most == mmsc.EACH
    assert len(await sender.arrived()) == mmsc.EACH + 20


async def test_a_text_that_is_handed_over_again_is_not_refused_while_it_is_fetched_for(
    sender: Sender, network: Network
) -> None:
    gate = Gate(PNG)
    async with endpoint(gate) as it:
        first = asyncio.ensure_future(sender.send(it.url(), reference="acct_1/msg_9"))
        await gate.filled(1)
        await network.create_fault("submit-refused")
        again = asyncio.ensure_future(sender.send(it.url(), reference="acct_1/msg_9"))
        await asyncio.wait((again,), timeout=0.2)
        gate.open.set()
        assert await again == await first
    assert len(await sender.arrived()) == 1


async def test_a_slow_place_delays_only_those_who_send_from_there(
    sender: Sender, side: Side, network: Network, web: Web
) -> None:
    """Many numbers hold all that they may while others, and phones, send as ever; phones hold no more of each other."""
    gate, picture = Gate(PNG), web.put("/cat.png", PNG)
    kept = await network.upload("image/png", PNG)
    async with endpoint(gate) as it:
        slow = [await side.buy() for _ in range(13)]
        under_way = [
            asyncio.ensure_future(side.submit(number, sender.theirs, media_urls=(it.url(),), channel="mms"))
            for number in slow
            for _ in range(mmsc.EACH)
        ]
        await gate.filled(len(under_way))
        await sender.send(picture)
        await network.send_text(sender.phone_id, sender.ours, "", [picture])
        phones = [
            asyncio.ensure_future(network.send_text(sender.phone_id, sender.ours, "", [it.url()]))
            for _ in range(mmsc.EACH)
        ]
        await gate.filled(len(under_way) + mmsc.EACH)
        other = await network.create_handset()
        await network.send_text(other.id, sender.ours, "", [picture])
        await side.submit(
            slow[0],
            sender.theirs,
            media_urls=(f"http://localhost{media.attachment(kept).url}",),
            channel="mms",
        )
        assert not any(task.done() for task in (*under_way, *phones))
        gate.open.set()
        await asyncio.gather(*under_way, *phones)
    assert len(await sender.arrived()) == len(under_way) + len(phones) + 3


async def test_what_is_held_in_memory_is_bounded_by_its_bytes(
    sender: Sender, side: Side, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By those that are announced, before one of them is read."""
    monkeypatch.setattr(mmsc, "_PATIENCE_S", 0.1)
    gate, picture = Gate(b""), web.put("/cat.png", PNG)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % media.MAX_BYTES

    async def announce(talk: Talk) -> None:
        await talk.send(head)
        await gate(talk)

    fits = mmsc.HELD_BYTES // media.MAX_BYTES
    async with endpoint(announce) as it:
        numbers = [await side.buy() for _ in range(fits)]
        under_way = [
            asyncio.ensure_future(side.submit(number, sender.theirs, media_urls=(it.url(),), channel="mms"))
            for number in numbers[1:]
        ]
        await gate.filled(len(under_way))
        await sender.send(picture)
        under_way.append(
            asyncio.ensure_future(
                side.submit(numbers[0], sender.theirs, media_urls=(it.url(),), channel="mms")
            )
        )
        await gate.filled(fits)
        with pytest.raises(SenderThrottled):
            await sender.send(picture)
        assert not any(task.done() for task in under_way)
        gate.open.set()
        assert all(
            isinstance(end, LineRefused) for end in await asyncio.gather(*under_way, return_exceptions=True)
        )
    await sender.send(picture)
    assert len(await sender.arrived()) == 2


async def test_a_stop_ends_fetching_and_takes_nothing(sender: Sender, network: Network) -> None:
    gate = Gate(PNG)
    async with endpoint(gate) as it:
        under_way = asyncio.ensure_future(sender.send(it.url()))
        while not gate.waiting:
            await asyncio.sleep(0.01)
        network.end_waits()
        with pytest.raises(LineDown):
            await asyncio.wait_for(under_way, 2)
        with pytest.raises(LineDown):
            await sender.send(it.url())


async def test_nothing_is_fetched_for_a_text_that_is_refused_anyway(
    sender: Sender, side: Side, network: Network, handset: MakeHandset, web: Web
) -> None:
    picture = web.put("/cat.png", PNG)
    landline = await handset("landline")
    with pytest.raises(LineRefused):
        await side.submit(sender.ours, landline.e164, media_urls=(picture,), channel="mms")
    with pytest.raises(LineRefused):
        await side.submit("+14155550100", sender.theirs, media_urls=(picture,), channel="mms")
    for kind, error in (("outage", LineDown), ("connection-lost", LineDown), ("submit-refused", LineRefused)):
        fault = await network.create_fault(kind)
        with pytest.raises(error):
            await sender.send(picture)
        await network.delete_fault(fault.id)
    with pytest.raises(BadInput, match="telephone number"):
        await network.send_text(sender.phone_id, "nobody", "", [picture])
    assert web.asked == []
    await network.create_fault("submit-timeout")
    with pytest.raises(NeverAnswers):
        await sender.send(picture)
    assert (len(await sender.arrived()), web.asked) == (1, ["/cat.png"])


async def test_a_network_without_a_client_fetches_nothing(
    tmp_path: Path, clock: MovableClock, web: Web
) -> None:
    network = Network(tmp_path / "bare.db", clock)
    await network.start()
    phone = await network.create_handset()
    url = web.put("/cat.png", PNG)
    with pytest.raises(BadInput) as refused:
        await network.send_text(phone.id, "+14155550199", "", [url])
    assert refused.value.field == "mediaUrls.0"
    uploaded = await network.upload("image/png", PNG)
    sent = await network.send_text(
        phone.id, "+14155550199", "", [f"http://any.test{media.PATH}{uploaded.id}"]
    )
    assert [one.url for one in sent.media] == [media.PATH + uploaded.id]
    await network.stop()
    assert web.asked == []


async def test_a_link_to_media_that_are_not_here_is_fetched_like_any_other(sender: Sender, web: Web) -> None:
    other_server = web.put(f"{media.PATH}med_{'0' * 26}", PNG)
    await sender.send(other_server)
    [(picture,)] = await sender.arrived()
    assert await sender.read(picture) == PNG
    assert picture.url != f"{media.PATH}med_{'0' * 26}"


async def test_events_show_media(sender: Sender, network: Network, web: Web) -> None:
    await sender.send(web.put("/cat.png", PNG))
    [(picture,)] = await sender.arrived()
    [event] = await network.events_after(0, sender.phone_id)
    told = json.loads(event.data("https://phone.example"))
    url = f"https://phone.example{picture.url}"
    assert (told["mediaUrls"], told["media"]) == (
        [url],
        [{"url": url, "contentType": "image/png", "bytes": len(PNG)}],
    )


def test_ids_cannot_be_guessed(tmp_path: Path) -> None:
    """128 bits from the system, and nothing of the clock in them."""
    from ringback.kit.ids import IdMaker

    ids = [IdMaker(MovableClock(frozen_ms=START_MS)).secret("med") for _ in range(200)]
    assert len(set(ids)) == 200
    assert {len(one) for one in ids} == {30}
    columns = list(zip(*[one[4:] for one in ids], strict=True))
    assert min(len(set(column)) for column in columns[:-1]) > 16


# Keeping them


@pytest.fixture
async def small(tmp_path: Path, clock: MovableClock) -> AsyncIterator[mmsc.Mmsc]:
    """A centre with room for 10,000 bytes."""
    from ringback.sim.engine import Engine

    engine = Engine(tmp_path / "small.db", clock, "auto")
    await engine.start()
    yield mmsc.Mmsc(engine, None, kept_bytes=10_000)
    await engine.stop()


async def test_the_oldest_are_forgotten(small: mmsc.Mmsc, tmp_path: Path) -> None:
    kept = [await small.upload("image/png", png(3_000 + number)) for number in range(3)]
    assert [(await small.find(one.id)).size for one in kept] == [3_000, 3_001, 3_002]
    await small.upload("image/png", png(4_000))
    for one in kept[:2]:
        with pytest.raises(MediaNotFound):
            await small.find(one.id)
    assert (await small.find(kept[2].id)).size == 3_002
    reader = open_store(tmp_path / "small.db")
    assert [row["n"] for row in reader.execute("SELECT length(data) AS n FROM media_bytes ORDER BY n")] == [
        3_002,
        4_000,
    ]
    reader.close()


async def test_the_same_bytes_are_stored_once_under_ids_of_their_own(
    small: mmsc.Mmsc, tmp_path: Path
) -> None:
    ids = [(await small.upload("image/png", png(3_000))).id for _ in range(3)]
    assert len(set(ids)) == 3
    reader = open_store(tmp_path / "small.db")
    count = "SELECT count(*) AS n FROM media_bytes"
    assert reader.execute(count).fetchone()["n"] == 1
    await small.upload("image/png", png(9_000))
    with pytest.raises(MediaNotFound):
        await small.find(ids[2])
    assert reader.execute(count).fetchone()["n"] == 1
    reader.close()


async def test_media_that_are_forgotten_while_they_are_read(small: mmsc.Mmsc) -> None:
    first = await small.upload("image/png", png(5_000))
    await small.upload("image/png", png(9_999))
    with pytest.raises(MediaNotFound):
        [piece async for piece in small.read(first)]


# A file that an older version left


async def test_a_file_from_before_media_were_kept(tmp_path: Path, clock: MovableClock, web: Web) -> None:
    """Texts, parcels at the carrier and parcels on their way had URLs alone; they are shown and delivered as they were."""
    path = tmp_path / "network.db"
    first = Network(path, clock)
    await first.start()
    side = Side(first, clock)
    ours, phone = await side.buy(), await first.create_handset(personality="echo")
    await side.submit(ours, phone.e164, "here")
    await first.change_handset(phone.id, {"online": False})
    await side.submit(ours, phone.e164, "kept")
    await first.change_settings({"latency_ms": 1_000})
    await side.submit(ours, phone.e164, "on its way")
    await first.stop()
    _make_old(path)

    http = OutgoingHttp(AddressPolicy(loopback_allowed=True))
    second = Network(path, clock, http=http)
    await second.start()
    await second.change_handset(phone.id, {"online": True})
    await Side(second, clock).advance(5)
    old = Attachment("https://a.test/1.png")
    found, _ = await second.list_texts(phone.id)
    assert {(text.body, text.media) for text in found} == {
        ("here", (old,)),
        ("kept", (old,)),
        ("on its way", (old,)),
    }
    shown = found[0].to_wire("http://localhost")
    assert (shown["mediaUrls"], shown["media"]) == (["https://a.test/1.png"], [])
    sent = await second.send_text(phone.id, ours, "new", [web.put("/2.png", PNG)])
    assert sent.media[0].size == len(PNG)
    await second.stop()
    await http.close()


def _make_old(path: Path) -> None:
    """The file as version 1 wrote it, for texts with one picture each."""
    conn = open_store(path)
    conn.execute("DROP TABLE media")
    conn.execute("DROP TABLE submitted")
    conn.execute("DROP TABLE media_bytes")
    conn.execute("""UPDATE texts SET media = '["https://a.test/1.png"]'""")
    for table, column in (("stored", "parcel"), ("timers", "data")):
        for row in conn.execute(f"SELECT seq, {column} AS text FROM {table}").fetchall():
            data = json.loads(row["text"])
            data.pop("reference", None)
            if "media_urls" in data:
                data["media_urls"] = ["https://a.test/1.png"]
            conn.execute(f"UPDATE {table} SET {column} = ? WHERE seq = ?", (json.dumps(data), row["seq"]))
    conn.execute("PRAGMA user_version = 1")
    conn.close()


async def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    conn = open_store(tmp_path / "network.db")
    conn.execute("PRAGMA user_version = 99")
    conn.close()
    with pytest.raises(OSError, match="newer version"):
        open_store(tmp_path / "network.db")
