"""Media where the network is a process of its own, and links after a server has moved."""

import asyncio
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ringback.testing import Handsets, Ringback, WebhookInbox
from ringback.testing.api import Api
from ringback.testing.server import OwnSettings
from tests.faults.processes import Process
from tests.media import JPEG, PNG, Web, png, serving
from tests.phones import until
from tests.wire import ContractGuard

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]
MB = 1024**2


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("sim")
    process = Process(folder, "sim", "--port", "0", "--data", str(folder))
    asyncio.run(process.start())
    yield process
    assert process.stop() == 0


@pytest.fixture
def ringback_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    if "sim" not in request.fixturenames:
        return {}
    process: Process = request.getfixturevalue("sim")
    return {"sim_url": process.url}


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as web:
        yield web


def fetch(url: str) -> tuple[bytes, Any]:
    with urllib.request.urlopen(url) as answer:
        return answer.read(), answer.headers


def test_both_ways_through_the_server(
    sim: Process, ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox, web: Web
) -> None:
    client, phone = ringback.client(), handset()
    number = client.numbers.buy(agent_id=client.agents.create(name="Desk").id)
    webhook_inbox.secret = client.webhooks.set(url=webhook_inbox.url).secret
    client.messages.send(
        number_id=number.id, to_number=phone.number, media_urls=[web.put("/cat.png", png(2 * MB))]
    )
    text = phone.wait_for()
    assert text.media[0].read() == png(2 * MB)
    assert text.media[0].url.startswith(f"{ringback.base_url}/sim/v1/media/med_")
    phone.text(number.phone_number, media=[png(5 * MB)])
    url = webhook_inbox.wait_for("agent.message").body["data"]["mediaUrl"]
    assert url.startswith(f"{ringback.base_url}/sim/v1/media/med_")
    body, headers = fetch(url)
    assert body == png(5 * MB)
    assert (headers["Content-Type"], headers["Content-Length"]) == ("image/png", str(5 * MB))
    path = url.removeprefix(ringback.base_url)
    head = ringback.request("HEAD", path, api_key=None)
    assert (head.status, head.headers["content-length"]) == (200, str(5 * MB))
    unchanged = ringback.request("GET", path, headers={"If-None-Match": headers["ETag"]}, api_key=None)
    assert unchanged.status == 304
    assert ringback.request("GET", "/sim/v1/media/med_0", api_key=None).status == 404
    assert ringback.request("GET", "/sim/v1/handsets", api_key=None).status == 401
    assert ringback.request("POST", "/sim/v1/media", content=PNG, api_key=None).status == 401
    claimed = {"X-Ringback-Base": "http://evil.example"}
    listed = ringback.request("GET", f"/sim/v1/handsets/{phone.id}/messages", headers=claimed)
    assert listed.json["data"][0]["mediaUrls"] == [url]
    # The network itself has them under its own address.
    body, headers = fetch(f"{sim.url}{path}")
    assert (body, headers["X-Content-Type-Options"]) == (png(5 * MB), "nosniff")
    with urllib.request.urlopen(f"{sim.url}/sim/v1/handsets/{phone.id}/messages") as answer:
        assert f"{sim.url}/sim/v1/media/".encode() in answer.read()


def test_what_cannot_be_sent(sim: Process, ringback: Ringback, handset: Handsets, web: Web) -> None:
    client, phone = ringback.client(), handset()
    number = client.numbers.buy()
    url = web.put("/cat.png", b"<!doctype html>")
    sent = client.messages.send(number_id=number.id, to_number=phone.number, media_urls=[url])
    failed = until(
        lambda: [one for one in client.numbers.get_messages(number.id).data if one.status == "failed"]
    )
    assert (failed[0].id, failed[0].failure_reason) == (
        sent["id"],
        f"{url} says it is image/png, and its bytes are something else",
    )
    large = ringback.request(
        "POST", "/sim/v1/media", content=png(5 * MB + 1), headers={"Content-Type": "image/png"}
    )
    assert large.status == 413


def test_links_follow_the_server(tmp_path: Path) -> None:
    """What is stored has no host: after a restart elsewhere, old messages link to where the server is now."""
    first, second = (Ringback(OwnSettings(data=tmp_path, stop_timeout_s=2), ContractGuard) for _ in range(2))
    first.start()
    client, phone = first.client(), Handsets(first.api)()
    number = client.numbers.buy()
    phone.text(number.phone_number, media=[JPEG])
    [before] = until(lambda: client.numbers.get_messages(number.id).data)
    first.stop()
    second.start()
    try:
        assert first.base_url != second.base_url
        [after] = second.client().numbers.get_messages(number.id).data
        assert before.media_urls[0].startswith(first.base_url)
        assert after.media_urls == [before.media_urls[0].replace(first.base_url, second.base_url)]
        assert fetch(after.media_urls[0])[0] == JPEG
        [sent] = second.api.call("GET", f"/sim/v1/handsets/{phone.id}/messages")["data"]
        assert sent["mediaUrls"] == after.media_urls
    finally:
        second.stop()


@pytest.mark.parametrize("url", ["https://phone.example", "https://example.com/phone/"])
def test_links_have_the_public_url(tmp_path: Path, url: str) -> None:
    server = Ringback(OwnSettings(data=tmp_path, stop_timeout_s=2, public_url=url), ContractGuard)
    server.start()
    try:
        phone = Handsets(server.api)()
        number = server.client().numbers.buy()
        sent = phone.text(number.phone_number, media=[PNG])
        assert sent.media[0].url.startswith(f"{url.rstrip('/')}/sim/v1/media/med_")
        assert sent.media[0].read() == PNG
        [message] = until(lambda: server.client().numbers.get_messages(number.id).data)
        assert message.media_urls == [sent.media[0].url]
    finally:
        server.stop()


def test_a_server_that_is_stopped_while_it_fetches(tmp_path: Path) -> None:
    """It stops without waiting for the media, and hands the text over when it is back."""
    process = Process(tmp_path, "serve", "--port", "0", "--data", str(tmp_path))

    def api() -> Api:
        asyncio.run(process.start())
        port = int(process.url.rsplit(":", 1)[1])
        return Api("127.0.0.1", port, (tmp_path / "first-key").read_text().strip())

    try:
        first = api()
        phone, number = Handsets(first)(), first.call("POST", "/v1/numbers", {})
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(20)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/cat.png"
            asked = {"number_id": number["id"], "to_number": phone.number, "media_urls": [url]}
            first.call("POST", "/v1/messages", asked)
            silent, _ = listener.accept()
            with silent:
                started = time.monotonic()
                assert process.stop() == 0
                assert time.monotonic() - started < 5
            second = api()
            asked_again, _ = listener.accept()
            with asked_again:
                asked_again.recv(65_536)
                head = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: "
                asked_again.sendall(f"{head}{len(PNG)}\r\n\r\n".encode() + PNG)
                path = f"/sim/v1/handsets/{phone.id}/messages"
                [text] = until(lambda: second.call("GET", path)["data"])
        assert second.fetch(urlsplit(text["mediaUrls"][0]).path) == PNG
    finally:
        process.stop()
