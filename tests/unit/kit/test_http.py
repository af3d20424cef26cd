"""The outgoing client: what well-behaved endpoints get, and what failures say."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from ringback.kit.http import OutgoingHttp, RequestFailed
from tests.unit.kit.endpoint import (
    HEADERS,
    LOCAL,
    OK,
    Talk,
    client,
    endpoint,
    post_to,
    reset,
    saying,
    self_signed,
)

pytestmark = pytest.mark.unit


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


@pytest.mark.parametrize(("kept_s", "connections"), [(0.02, 2), (5.0, 1)])
async def test_a_connection_is_kept_as_long_as_is_asked_for(kept_s: float, connections: int) -> None:
    http = OutgoingHttp(LOCAL, keep_alive_s=kept_s)
    async with endpoint() as it:
        await http.post(it.url(), b"1", HEADERS, timeout_s=5)
        await asyncio.sleep(0.1)
        await http.post(it.url(), b"2", HEADERS, timeout_s=5)
        await http.close()
    assert it.connections == connections


async def test_a_new_connection_that_is_hung_up_on_is_not_repeated() -> None:
    async with endpoint(reset) as it, client() as http:
        with pytest.raises(RequestFailed):
            await http.post(it.url(), b"1", HEADERS, timeout_s=5, repeatable=True)
    assert len(it.requests) == 1


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
