"""Endpoints that behave and misbehave for the outgoing client: real sockets on this machine."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest

from ringback.kit.http import AddressPolicy, OutgoingHttp, RequestFailed, Response

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
        _, found, rest = head.lower().partition(b"content-length: ")
        length = int(rest.split(b"\r\n")[0]) if found else 0
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
    talks: dict[asyncio.Task[None], Talk] = {}

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        it.connections += 1
        talk = Talk(reader, writer)
        talks[asyncio.get_running_loop().create_task(_converse(it, talk, behave, reads))] = talk

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls, backlog=512)
    it = Endpoint(server.sockets[0].getsockname()[1])
    try:
        yield it
    finally:
        server.close()
        await asyncio.sleep(0.01)  # connections that were being accepted
        for task, talk in talks.items():
            task.cancel()
            talk.writer.transport.abort()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()
        await asyncio.sleep(0)  # aborted transports close their sockets in the next round of the loop


async def _converse(it: Endpoint, talk: Talk, behave: Behaviour | None, reads: bool) -> None:
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
