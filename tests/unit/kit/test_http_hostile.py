"""The outgoing client against endpoints that are slow, endless or no HTTP."""

import asyncio
import gzip
import socket
import time
from typing import Any

import pytest

from ringback.kit.http import Failure, OutgoingHttp, RequestFailed
from tests.unit.kit.endpoint import (
    HEADERS,
    OK,
    Behaviour,
    Talk,
    client,
    endpoint,
    fail_with,
    for_ever,
    keep_silent,
    post_to,
    reset,
    saying,
)

pytestmark = pytest.mark.unit

BOMB = gzip.compress(b"x" * 10_000_000, 1)


async def test_a_gigabyte_is_hung_up_on() -> None:
    sent = 0

    async def pour(talk: Talk) -> None:
        nonlocal sent
        await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            await talk.send(b"x" * 65536)
            sent += 65536

    answer = await post_to(pour)
    assert (answer.status, answer.body) == (200, "x" * 4096)
    assert sent < 32_000_000
    assert answer.elapsed_ms < 2000


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 5000])
async def test_the_first_bytes_are_kept(length: int) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length
    answer = await post_to(saying(head + b"x" * length), keep_bytes=100)
    assert answer.body == "x" * min(length, 100)


async def test_a_long_answer_does_not_spoil_the_next() -> None:
    long = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + OK * 20)
    async with endpoint(long) as it, client() as http:
        for _ in range(3):
            answer = await http.post(it.url(), b"{}", HEADERS, timeout_s=5, keep_bytes=10)
            assert answer.body == "HTTP/1.1 2"
    assert it.connections == 3


async def test_odd_bytes_become_text_without_nul() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=klingon\r\nContent-Length: 6\r\n\r\n"
    assert (await post_to(saying(head + b"a\0\xffb\xc3\xa9"))).body == "a\ufffdbé"


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
async def test_a_compressed_answer_is_left_compressed(coding: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding, len(BOMB))
    answer = await post_to(saying(head + BOMB))
    assert answer.status == 200
    assert len(answer.body) <= 4096
    assert "xxxx" not in answer.body


@pytest.mark.parametrize(
    ("name", "behave"),
    [
        ("hang", keep_silent),
        ("drip", for_ever(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", b"x", 0.02)),
        ("drip of chunks", for_ever(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.02)),
        ("drip of a header", for_ever(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.02)),
        ("slow headers", for_ever(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n", 0.02)),
        ("interim answers", for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.002)),
        ("many interim answers", for_ever(b"", b"HTTP/1.1 103 Early\r\nX: y\r\n\r\n" * 100)),
        ("no end", for_ever(b"HTTP/1.1 200 OK\r\n\r\nhello", b"", 0.02)),
    ],
)  # fmt: skip
async def test_slowness_ends_at_the_timeout(name: str, behave: Behaviour) -> None:
    started = time.perf_counter()
    failure = await fail_with(behave, timeout_s=0.2)
    assert failure.kind == "timeout", name
    assert "within 0.2 s" in failure.message
    assert time.perf_counter() - started < 1.5


async def test_a_body_nobody_reads_ends_at_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    sockets: list[socket.socket] = []
    make_socket = OutgoingHttp._make_socket

    def note(self: OutgoingHttp, address_info: tuple[Any, ...]) -> socket.socket:
        sockets.append(make_socket(self, address_info))
        return sockets[-1]

    monkeypatch.setattr(OutgoingHttp, "_make_socket", note)
    async with endpoint(keep_silent, reads=False) as it, client() as http:
        with pytest.raises(RequestFailed) as failure:
            await http.post(it.url(), b"x" * 30_000_000, HEADERS, timeout_s=0.2)
        await asyncio.sleep(0.05)
        assert [opened.fileno() for opened in sockets] == [-1]
    assert failure.value.kind == "timeout"


async def test_a_handshake_without_end_ends_at_the_timeout() -> None:
    async with endpoint(keep_silent, reads=False) as it, client() as http:
        with pytest.raises(RequestFailed) as failure:
            await http.post(it.url().replace("http:", "https:"), b"{}", HEADERS, timeout_s=0.2)
    assert failure.value.kind == "timeout"


@pytest.mark.parametrize(
    ("name", "behave", "kinds"),
    [
        ("endless headers", for_ever(b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 1000 + b"\r\n"), {"protocol"}),
        ("endless header", for_ever(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536), {"protocol"}),
        ("endless reason", for_ever(b"HTTP/1.1 200 ", b"x" * 65536), {"protocol"}),
        ("endless name", for_ever(b"HTTP/1.1 200 OK\r\n", b"x" * 65536), {"protocol"}),
        ("no HTTP", saying(b"SSH-2.0-OpenSSH_9.2\r\n"), {"protocol"}),
        ("endless noise", for_ever(b"", b"\xff" * 65536), {"protocol"}),
        ("smuggled", saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok"), {"protocol"}),
        ("bad length", saying(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok"), {"protocol"}),
        ("bad chunk", saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), {"protocol"}),
        ("cut body", saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), {"protocol"}),
        ("cut head", saying(b"HTTP/1.1 200 OK\r\nContent-"), {"connect", "protocol"}),
        ("nothing", saying(), {"connect"}),
        ("reset", reset, {"connect"}),
    ],
)  # fmt: skip
async def test_nonsense_is_a_short_failure(name: str, behave: Behaviour, kinds: set[Failure]) -> None:
    started = time.perf_counter()
    failure = await fail_with(behave)
    assert failure.kind in kinds, (name, failure)
    assert time.perf_counter() - started < 2, name


async def test_endless_chunk_extension_or_trailer_does_no_harm() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for first in (head + b"1;", head + b"2\r\nok\r\n0\r\n"):
        failure = await fail_with(for_ever(first, b"x" * 1000 + b": y\r\n"), timeout_s=0.2)
        assert failure.kind in ("timeout", "protocol")


async def test_a_cancelled_post_hangs_up() -> None:
    gone = asyncio.Event()

    async def wait(talk: Talk) -> None:
        await talk.reader.read()
        gone.set()

    async with endpoint(wait) as it, client() as http:
        task = asyncio.create_task(http.post(it.url(), b"{}", HEADERS, timeout_s=60))
        while not it.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 2)
