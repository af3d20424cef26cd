"""Getting what others offer: whole or not at all, and never more than was agreed."""

import asyncio
import gzip
import time

import pytest

from ringback.kit.http import RequestFailed
from tests.unit.kit.endpoint import USUAL, Behaviour, Talk, client, endpoint, for_ever, saying

pytestmark = pytest.mark.unit

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK", length: int | None = None) -> bytes:
    lines = [
        b"HTTP/1.1 " + status,
        *headers,
        b"Content-Length: %d" % (len(body) if length is None else length),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def refused(behave: Behaviour, *, timeout_s: float = 5, max_bytes: int = 1_000_000) -> RequestFailed:
    async with endpoint(behave) as it, client() as http:
        with pytest.raises(RequestFailed) as failure:
            await http.get(it.url(path="/secret.png?token=hush"), timeout_s=timeout_s, max_bytes=max_bytes)
    assert "secret" not in failure.value.message
    assert "hush" not in failure.value.message
    return failure.value


async def test_the_whole_body_and_what_it_says_it_is() -> None:
    async with endpoint(saying(answer(PICTURE, b"Content-Type: image/png"))) as it, client() as http:
        got = await http.get(it.url(), timeout_s=5, max_bytes=len(PICTURE))
    assert (got.status, got.content_type, got.location, got.body) == (200, "image/png", None, PICTURE)
    [request] = it.requests
    assert request.startswith(b"GET /hook HTTP/1.1\r\n")
    assert b"accept-encoding: identity\r\n" in request.lower()
    assert b"content-length" not in request.lower()


async def test_a_body_that_comes_in_chunks() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with endpoint(saying(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) as it, client() as http:
        got = await http.get(it.url(), timeout_s=5, max_bytes=5)
    assert (got.body, got.content_type) == (b"abcde", None)


@pytest.mark.parametrize(
    ("behave", "most"),
    [
        (saying(answer(PICTURE)), len(PICTURE)),
        (saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), 200_000),
    ],
)
async def test_a_body_is_read_where_there_is_room_for_it(behave: Behaviour, most: int) -> None:
    asked: list[int] = []

    async def has_room(size: int) -> bool:
        asked.append(size)
        return len(asked) == 1

    async with endpoint(behave) as it, client() as http:
        got = await http.get(it.url(), timeout_s=5, max_bytes=200_000, has_room=has_room)
        assert got.body in (PICTURE, b"abc")
        with pytest.raises(RequestFailed) as failure:
            await http.get(it.url(), timeout_s=5, max_bytes=200_000, has_room=has_room)
    assert (failure.value.kind, asked) == ("no_room", [most, most])


@pytest.mark.parametrize(
    "status", [b"301 Moved", b"302 Found", b"307 Temporary", b"404 Not Found", b"500 Oops"]
)
async def test_of_any_other_answer_only_the_head_is_read(status: bytes) -> None:
    said = answer(b"x" * 5_000_000, b"Location: /elsewhere", status=status)
    async with endpoint(saying(said)) as it, client() as http:
        got = await http.get(it.url(), timeout_s=5, max_bytes=10)
    assert (got.status, got.location, got.body) == (int(status[:3]), "/elsewhere", b"")
    assert it.connections == 1


async def test_one_byte_too_many() -> None:
    declared = await refused(saying(answer(b"x" * 11)), max_bytes=10)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    counted = await refused(saying(head + b"b\r\nxxxxxxxxxxx\r\n0\r\n\r\n"), max_bytes=10)
    assert (declared.kind, counted.kind) == ("too_large", "too_large")
    assert "larger than 10 bytes" in declared.message


async def test_an_endless_body_is_hung_up_on() -> None:
    sent = 0

    async def pour(talk: Talk) -> None:
        nonlocal sent
        await talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
        while True:
            await talk.send(b"x" * 65_536)
            sent += 65_536

    started = time.perf_counter()
    assert (await refused(pour)).kind == "too_large"
    assert sent < 32_000_000
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"identity, gzip"])
async def test_a_compressed_body_is_not_read(coding: bytes) -> None:
    bomb = gzip.compress(b"x" * 10_000_000, 1)
    failure = await refused(saying(answer(bomb, b"Content-Encoding: " + coding)))
    assert failure.kind == "protocol"
    assert "compressed" in failure.message


async def test_a_length_that_is_not_kept_to() -> None:
    short = await refused(saying(answer(b"abc", length=9)))
    assert (short.kind, "in the middle" in short.message) == ("protocol", True)
    long = await refused(saying(answer(b"abcdef", length=3)))
    assert (long.kind, "valid HTTP" in long.message) == ("protocol", True)


async def test_slowness_ends_at_the_timeout() -> None:
    drip = for_ever(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", b"x", 0.02)
    started = time.perf_counter()
    failure = await refused(drip, timeout_s=0.2)
    assert (failure.kind, "within 0.2 s" in failure.message) == ("timeout", True)
    assert time.perf_counter() - started < 1.5


async def test_addresses_are_judged_as_for_posts() -> None:
    async with endpoint() as it, client(USUAL, {"inside.test": ["127.0.0.1"]}) as http:
        for url in (
            it.url(),
            it.url("inside.test"),
            "http://169.254.169.254/latest/meta-data/",
            "ftp://x.test/",
        ):
            with pytest.raises(RequestFailed) as failure:
                await http.get(url, timeout_s=5, max_bytes=10)
            assert failure.value.kind == "refused_address"
    assert it.connections == 0


async def test_a_cancelled_get_hangs_up() -> None:
    gone = asyncio.Event()

    async def wait(talk: Talk) -> None:
        await talk.reader.read()
        gone.set()

    async with endpoint(wait) as it, client() as http:
        task = asyncio.create_task(http.get(it.url(), timeout_s=60, max_bytes=10))
        while not it.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 2)
