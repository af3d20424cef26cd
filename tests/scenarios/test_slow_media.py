"""One account's media that never come delay nobody else's, nor its own plain texts to others."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ringback.testing import Handsets, Ringback
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
    slow, _ = silent
    picture, phone = web.put("/cat.png", PNG), handset()
    other = ringback.new_account()
    theirs = ringback.request("POST", "/v1/numbers", json={}, api_key=other).json
    mine = [ringback.request("POST", "/v1/numbers", json={}).json for _ in range(8)]
    for n in range(160):
        asked = {
            "number_id": mine[n % 8]["id"],
            "to_number": f"+1415555{1000 + n}",
            "body": "x",
            "media_urls": [slow],
        }
        assert ringback.request("POST", "/v1/messages", json=asked).status == 200

    def send(number: str, body: str, key: str, *urls: str) -> None:
        asked = {"number_id": number, "to_number": phone.number, "body": body, "media_urls": list(urls)}
        assert ringback.request("POST", "/v1/messages", json=asked, api_key=key).status == 200

    send(theirs["id"], "their picture", other, picture)
    send(theirs["id"], "their words", other)
    send(mine[0]["id"], "my words to another", ringback.api_key)
    for body in ("their picture", "their words", "my words to another"):
        phone.wait_for(body, timeout=6)
    sent = phone.text(theirs["phoneNumber"], "a phone's picture", media=[PNG])
    assert sent.media[0].read() == PNG
