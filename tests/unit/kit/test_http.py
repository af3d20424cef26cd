"""The outgoing client against endpoints that misbehave, each a real socket on this machine."""

import asyncio
import datetime
import gzip
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from ringback.kit.http import AddressPolicy, Failure, OutgoingHttp, RequestFailed, Response

pytestmark = pytest.mark.unit

LOCAL = AddressPolicy(loopback_allowed=True)
USUAL = AddressPolicy(loopback_allowed=False)
HEADERS = {"Content-Type": "application/json"}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Talk:
    """One connection to an endpoint."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> bytes:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return head + await self.reader.readexactly(length)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def repeat(self, data: bytes, pause_s: float = 0) -> None:
        while True:
            await self.send(data)
            await asyncio.sleep(pause_s)


Behaviour = Callable[[Talk], Awaitable[None]]


@dataclass
class Endpoint:
    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    def url(self, host: str = "127.0.0.1", path: str = "/hook") -> str:
        return f"http://{host}:{self.port}{path}"


@asynccontextmanager
async def endpoint(
    behave: Behaviour | None = None, *, tls: ssl.SSLContext | None = None, reads: bool = True
) -> AsyncIterator[Endpoint]:
    """An endpoint that answers as `behave` says once it `reads` a request, by default `OK` on and on."""
    tasks: set[asyncio.Task[None]] = set()

    async def converse(talk: Talk) -> None:
        it.connections += 1
        try:
            while True:
                if reads:
                    it.requests.append(await talk.request())
                if behave is None:
                    await talk.send(OK)
                else:
                    await behave(talk)
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            talk.writer.close()
            with suppress(OSError):
                await talk.writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(converse(Talk(reader, writer)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    it = Endpoint(server.sockets[0].getsockname()[1])
    try:
        yield it
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@asynccontextmanager
async def client(
    policy: AddressPolicy = LOCAL, names: Mapping[str, Sequence[str]] | None = None
) -> AsyncIterator[OutgoingHttp]:
    async def lookup(host: str, _port: int) -> Sequence[str]:
        if names is None or host not in names:
            raise OSError("no such name")
        return names[host]

    http = OutgoingHttp(policy, lookup=None if names is None else lookup)
    try:
        yield http
    finally:
        await http.close()


async def post_to(behave: Behaviour | None, *, timeout_s: float = 5, keep_bytes: int = 4096) -> Response:
    async with endpoint(behave) as it, client() as http:
        return await http.post(it.url(), b"{}", HEADERS, timeout_s=timeout_s, keep_bytes=keep_bytes)


async def fail_with(behave: Behaviour, *, timeout_s: float = 5) -> RequestFailed:
    with pytest.raises(RequestFailed) as failure:
        await post_to(behave, timeout_s=timeout_s)
    assert "\n" not in failure.value.message
    assert len(failure.value.message) < 140
    return failure.value


def saying(*parts: bytes) -> Behaviour:
    async def behave(talk: Talk) -> None:
        for part in parts:
            await talk.send(part)

    return behave


def for_ever(first: bytes, then: bytes, pause_s: float = 0) -> Behaviour:
    async def behave(talk: Talk) -> None:
        await talk.send(first)
        await talk.repeat(then, pause_s)

    return behave


async def keep_silent(_talk: Talk) -> None:
    await asyncio.sleep(60)


async def reset(talk: Talk) -> None:
    talk.writer.transport.abort()


# --- what well-behaved endpoints get


async def test_posts_the_bytes_and_gives_the_answer() -> None:
    body = '{"a":"é😀"}'.encode()
    async with endpoint() as it, client() as http:
        answer = await http.post(
            it.url(path="/a%2Fb?x={y}%41"), body, {"X-Webhook-ID": "é", **HEADERS}, timeout_s=5
        )
    assert (answer.status, answer.body) == (200, "ok")
    assert 0 <= answer.elapsed_ms < 5000
    head, _, sent = it.requests[0].partition(b"\r\n\r\n")
    assert sent == body
    assert head.startswith(b"POST /a%2Fb?x={y}%41 HTTP/1.1\r\n")
    assert b"\r\nAccept-Encoding: identity" in head
    assert b"\r\nUser-Agent: Ringback/" in head
    assert b"\r\nContent-Type: application/json" in head


async def test_a_url_outside_ascii_is_quoted() -> None:
    async with endpoint() as it, client(LOCAL, {"xn--mnchen-3ya.example": ["127.0.0.1"]}) as http:
        await http.post(it.url("münchen.example", "/ü"), b"", HEADERS, timeout_s=5)
    assert it.requests[0].startswith(b"POST /%C3%BC HTTP/1.1\r\nHost: xn--mnchen-3ya.example:")


async def test_connections_are_kept_and_used_again() -> None:
    async with endpoint() as it, client() as http:
        for _ in range(5):
            await http.post(it.url(), b"{}", HEADERS, timeout_s=5)
    assert (it.connections, len(it.requests)) == (1, 5)


async def test_many_at_once_have_no_limit_of_the_clients_own() -> None:
    everybody = asyncio.Barrier(150)

    async def wait_for_everybody(talk: Talk) -> None:
        await everybody.wait()
        await talk.send(OK)

    async with endpoint(wait_for_everybody) as it, client() as http:
        await asyncio.gather(*(http.post(it.url(), b"{}", HEADERS, timeout_s=20) for _ in range(150)))


@pytest.mark.parametrize("status", [204, 301, 302, 303, 307, 308, 401, 404, 410, 429, 500, 503, 999])
async def test_any_status_is_an_answer_and_no_redirect_is_followed(status: int) -> None:
    async with endpoint() as other:
        location = other.url().encode()
        head = b"HTTP/1.1 %d X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, location)
        answer = await post_to(saying(head))
    assert answer.status == status
    assert other.connections == 0


async def test_switching_protocols_is_an_answer_and_the_connection_is_left() -> None:
    switch = saying(b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + OK)
    async with endpoint(switch) as it, client() as http:
        for _ in range(2):
            assert (await http.post(it.url(), b"{}", HEADERS, timeout_s=5)).status == 101
    assert it.connections == 2


async def test_cookies_are_not_kept() -> None:
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    async with endpoint(saying(head)) as it, client(LOCAL, {"a.example": ["127.0.0.1"]}) as http:
        for _ in range(2):
            await http.post(it.url("a.example"), b"{}", HEADERS, timeout_s=5)
    assert len(it.requests) == 2
    assert b"cookie" not in it.requests[1].lower()


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with endpoint() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(path=""))
        await post_to(None)
    assert proxy.connections == 0


async def test_a_stale_connection_is_replaced_where_a_repetition_is_known() -> None:
    async def once_then_hang_up(talk: Talk) -> None:
        await talk.send(OK)
        it.requests.append(await talk.request())

    async with endpoint(once_then_hang_up) as it, client() as http:
        await http.post(it.url(), b"1", HEADERS, timeout_s=5)
        answer = await http.post(it.url(), b"2", HEADERS, timeout_s=5, repeatable=True)
        assert answer.status == 200
        with pytest.raises(RequestFailed, match="closed the connection without an answer"):
            await http.post(it.url(), b"3", HEADERS, timeout_s=5)
    assert [request[-1:] for request in it.requests] == [b"1", b"2", b"2", b"3"]


async def test_a_new_connection_that_is_hung_up_on_is_not_repeated() -> None:
    async with endpoint(reset) as it, client() as http:
        with pytest.raises(RequestFailed):
            await http.post(it.url(), b"1", HEADERS, timeout_s=5, repeatable=True)
    assert len(it.requests) == 1


# --- what misbehaving endpoints can't do


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
    bomb = gzip.compress(b"x" * 50_000_000, 1)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding, len(bomb))
    answer = await post_to(saying(head + bomb))
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
    failure = await fail_with(behave, timeout_s=0.3)
    assert failure.kind == "timeout", name
    assert "within 0.3 s" in failure.message
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
            await http.post(it.url(), b"x" * 30_000_000, HEADERS, timeout_s=0.3)
        await asyncio.sleep(0.05)
        assert [opened.fileno() for opened in sockets] == [-1]
    assert failure.value.kind == "timeout"


async def test_a_handshake_without_end_ends_at_the_timeout() -> None:
    async with endpoint(keep_silent, reads=False) as it, client() as http:
        with pytest.raises(RequestFailed) as failure:
            await http.post(it.url().replace("http:", "https:"), b"{}", HEADERS, timeout_s=0.3)
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
        failure = await fail_with(for_ever(first, b"x" * 1000 + b": y\r\n"), timeout_s=0.5)
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


# --- where it does not go


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.2", "127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "017700000001",
        "0.0.0.0", "0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[0:0::1]",
        "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "127.0.0.1.", "１２７.０.０.１", "127。0。0。1", "①②⑦.0.0.1",
        "localhost", "LOCALHOST",
    ],
)  # fmt: skip
async def test_no_spelling_leads_to_loopback(host: str) -> None:
    async with endpoint() as it, client(USUAL) as http:
        with pytest.raises(RequestFailed) as failure:
            await http.post(it.url(host, "/?token=secret"), b"{}", HEADERS, timeout_s=2)
        assert failure.value.kind == "refused_address"
        assert "secret" not in failure.value.message
    assert it.connections == 0


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200", "224.0.0.1"]
)
async def test_metadata_is_refused_even_on_loopback(host: str) -> None:
    async with client(LOCAL) as http:
        with pytest.raises(RequestFailed, match="which this server does not call") as failure:
            await http.post(f"http://{host}/latest/meta-data", b"", HEADERS, timeout_s=2)
    assert failure.value.kind == "refused_address"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "::",
        "169.254.169.254",
        "fe80::1%lo",
        "64:ff9b::7f00:1",
    ],
)
async def test_a_name_is_judged_by_its_address(address: str) -> None:
    async with endpoint() as it, client(USUAL, {"a.example": [address]}) as http:
        with pytest.raises(RequestFailed) as failure:
            await http.post(it.url("a.example"), b"{}", HEADERS, timeout_s=2)
    assert failure.value.kind == "refused_address"
    assert failure.value.message.startswith(f"a.example:{it.port} leads to a")
    assert it.connections == 0


async def test_a_name_that_moves_between_check_and_connection() -> None:
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])

    async def rebind(_host: str, _port: int) -> Sequence[str]:
        return next(answers)

    async with endpoint() as it:
        assert [USUAL.refusal(address) for address in await rebind("a.example", it.port)] == [None]
        http = OutgoingHttp(USUAL, lookup=rebind)
        with pytest.raises(RequestFailed) as failure:
            await http.post(it.url("a.example"), b"{}", HEADERS, timeout_s=2)
        await http.close()
    assert failure.value.kind == "refused_address"
    assert it.connections == 0


async def test_of_several_addresses_only_allowed_ones_are_tried() -> None:
    policy = AddressPolicy(loopback_allowed=True, private_allowed=False)
    names = {"a.example": ["10.255.255.1", "169.254.169.254", "0x7f.1", "127.0.0.1"]}
    async with endpoint() as it, client(policy, names) as http:
        assert (await http.post(it.url("a.example"), b"{}", HEADERS, timeout_s=2)).status == 200


async def test_the_socket_itself_is_the_last_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the judgement of names and literals passed by, no socket would be opened all the same."""
    monkeypatch.setattr(OutgoingHttp, "_judge_literal", lambda *_: None)
    async with endpoint() as it, client(USUAL) as http:
        with pytest.raises(RequestFailed) as failure:
            await http.post(it.url(), b"{}", HEADERS, timeout_s=2)
    assert failure.value.kind == "refused_address"
    assert it.connections == 0


async def test_loopback_by_name_on_a_loopback_server() -> None:
    async with endpoint() as it, client(LOCAL) as http:
        assert (await http.post(it.url("localhost"), b"{}", HEADERS, timeout_s=2)).status == 200


# --- what the failures say


async def test_failures_to_connect() -> None:
    async with endpoint() as it:
        pass
    async with client(LOCAL, {"none.example": []}) as http:
        for host, kind, words in (
            ("127.0.0.1", "connect", "could not connect to 127.0.0.1"),
            ("unknown.example", "connect", "unknown.example"),
            ("none.example", "connect", "none.example"),
        ):
            with pytest.raises(RequestFailed, match=words) as failure:
                await http.post(it.url(host, "/x?token=secret"), b"{}", HEADERS, timeout_s=2)
            assert failure.value.kind == kind
            assert "secret" not in failure.value.message


async def test_user_info_is_refused_and_not_repeated() -> None:
    async with client() as http:
        with pytest.raises(RequestFailed) as failure:
            await http.post("http://user:secret@127.0.0.1:9/", b"", HEADERS, timeout_s=2)
    assert "secret" not in str(failure.value)


async def test_a_certificate_nobody_vouches_for(tmp_path: Path) -> None:
    async with endpoint(tls=self_signed(tmp_path)) as it, client() as http:
        with pytest.raises(RequestFailed, match=r"certificate .* self-signed") as failure:
            await http.post(it.url().replace("http:", "https:"), b"{}", HEADERS, timeout_s=5)
    assert failure.value.kind == "tls"
    assert not it.requests


async def test_https_to_a_port_without_tls() -> None:
    async with endpoint(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), reads=False) as it, client() as http:
        with pytest.raises(RequestFailed) as failure:
            await http.post(it.url().replace("http:", "https:"), b"{}", HEADERS, timeout_s=5)
    assert failure.value.kind == "tls"


@pytest.mark.parametrize("headers", [{"X-A": "a\r\nX-Evil: 1"}, {"X-A\nX-Evil": "1"}, {"X-A": "a\0"}])
async def test_a_header_with_a_line_break_is_never_sent(headers: dict[str, str]) -> None:
    async with endpoint() as it, client() as http:
        with pytest.raises(ValueError, match="line break"):
            await http.post(it.url(), b"{}", headers, timeout_s=5)
    assert it.connections == 0


def test_aiohttp_is_imported_on_first_use() -> None:
    code = (
        "import sys; from ringback.kit.http import *; OutgoingHttp(AddressPolicy(loopback_allowed=True)); "
        "check_url('http://example.com/'); assert not {'aiohttp', 'yarl'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def self_signed(folder: Path) -> ssl.SSLContext:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "endpoint.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
