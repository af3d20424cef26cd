"""One account's media that never come delay nobody else's, nor its own plain texts to others."""

import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ringback.testing import Clock, Handsets, Ringback
from tests.media import PNG, Web, serving

pytestmark = pytest.mark.scenario


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as web:
        yield web


@pytest.fixture
def silent() -> Iterator[tuple[str, threading.Event]]:
    """A server that answers nothing until the test is over; its URL."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            over.wait(60)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/slow.png", over
    over.set()
    server.shutdown()
    server.server_close()


def test_nobody_else_waits(
    ringback: Ringback, handset: Handsets, web: Web, silent: tuple[str, threading.Event]
) -> None:
    """Also when all who are slow are sub-accounts of one account, each with more numbers than it has room for."""
    slow, _ = silent
    picture, phone = web.put("/cat.png", PNG), handset()
    other = ringback.new_account()
    theirs = ringback.request("POST", "/v1/numbers", json={}, api_key=other).json
    slow_ones: list[Mapping[str, str]] = [{}]
    for name in "abc":
        sub = ringback.request("POST", "/v1/sub-accounts", json={"name": name}).json
        slow_ones.append({"X-Sub-Account-Id": sub["id"]})
    numbers = [
        (ringback.request("POST", "/v1/numbers", json={}, headers=account).json["id"], account)
        for account in slow_ones
        for _ in range(8)
    ]
    for n in range(20 * len(numbers)):
        number, account = numbers[n % len(numbers)]
        asked = {"number_id": number, "to_number": f"+1415555{1000 + n}", "body": "x", "media_urls": [slow]}
        assert ringback.request("POST", "/v1/messages", json=asked, headers=account).status == 200

    def send(number: str, body: str, key: str, *urls: str) -> None:
        asked = {"number_id": number, "to_number": phone.number, "body": body, "media_urls": list(urls)}
        assert ringback.request("POST", "/v1/messages", json=asked, api_key=key).status == 200

    mine = numbers[0][0]
    send(theirs["id"], "their picture", other, picture)
    send(theirs["id"], "their words", other)
    send(mine, "my words to another", ringback.api_key)
    for body in ("their picture", "their words", "my words to another"):
        phone.wait_for(body, timeout=6)
    sent = phone.text(theirs["phoneNumber"], "a phone's picture", media=[PNG])
    assert sent.media[0].read() == PNG


def test_many_pictures_of_one_number_go_while_the_clock_stands(
    ringback: Ringback, handset: Handsets, clock: Clock, web: Web
) -> None:
    """What waits for room waits for those before it, and for no time of the clock."""
    clock.freeze()
    picture, phone = web.put("/cat.png", PNG), handset()
    number = ringback.request("POST", "/v1/numbers", json={}).json["id"]
    to = [phone, *(handset() for _ in range(29))]
    for one in to:
        asked = {"number_id": number, "to_number": one.number, "body": "look", "media_urls": [picture]}
        assert ringback.request("POST", "/v1/messages", json=asked).status == 200
    for one in to:
        one.wait_for("look", timeout=20)
