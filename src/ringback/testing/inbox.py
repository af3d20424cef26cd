"""An endpoint that collects and verifies webhooks."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from ringback.kit import signing

_LOOK_EVERY_S = 0.01
_PATIENCE_S = 10


class Headers(Mapping[str, str]):
    """Headers of a request, by names in any spelling."""

    def __init__(self, items: Mapping[str, str]) -> None:
        self._items = {name.lower(): (name, value) for name, value in items.items()}

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """A webhook as it came. `body` is what `raw` says; `received_at` is real time in unix seconds."""

    body: dict[str, Any]
    raw: bytes
    headers: Headers
    received_at: float

    @property
    def id(self) -> str:
        """The same on every attempt at one delivery."""
        return self.headers.get("X-Webhook-ID", "")

    @property
    def event(self) -> str:
        return self.headers.get("X-Webhook-Event", "")


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes
    delay_s: float
    headers: Mapping[str, str]


class WebhookInbox:
    """Listens at `url`. Give it the `secret` that setting the webhook answered, and it verifies what it gets."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._received: list[ReceivedEvent] = []
        self._waited_for: set[int] = set()
        self._secrets: list[str] = []
        self._closing = threading.Event()
        self._always = _Reply(200, b"", 0, {})
        self._next: deque[_Reply] = deque()
        self._web = _Web(self)
        self._thread = threading.Thread(
            target=self._web.serve_forever, args=(_LOOK_EVERY_S,), name="webhook-inbox", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._web.shutdown()
        self._web.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where to send webhooks."""
        return f"http://127.0.0.1:{self._web.server_address[1]}/webhook"

    @property
    def secret(self) -> str | None:
        """The signing secret; None as long as nothing is verified."""
        return self._secrets[-1] if self._secrets else None

    @secret.setter
    def secret(self, secret: str | None) -> None:
        # One that is followed by another stays good for what was under way.
        if secret is None:
            self._secrets.clear()
        else:
            self._secrets.append(secret)

    @property
    def received(self) -> list[ReceivedEvent]:
        """All that came, oldest first, every attempt of its own."""
        with self._news:
            return list(self._received)

    def wait_for(self, event: str | None = None, timeout: float = 5.0, count: int = 1) -> ReceivedEvent:
        """The next event, or the last of the next `count`, that no `wait_for` has returned; of one kind with `event`.

        Fails after `timeout` seconds of real time, telling what came, and at once when something came that `secret`
        doesn't verify.
        """
        end = time.monotonic() + timeout
        with self._news:
            while True:
                self._verify()
                fitting = [
                    index
                    for index, one in enumerate(self._received)
                    if index not in self._waited_for and event in (None, one.event)
                ][:count]
                if len(fitting) == count:
                    self._waited_for.update(fitting)
                    return self._received[fitting[-1]]
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(self._told(event, timeout, count, len(fitting)))
                self._news.wait(left)

    def answer(
        self,
        status: int = 200,
        body: object = b"",
        delay: float = 0,
        headers: Mapping[str, str] | None = None,
        times: int | None = None,
    ) -> None:
        """Choose what is answered from now on, or for the next `times` requests only.

        `body` is bytes, text, or anything else as JSON; `delay` is in seconds of real time.
        """
        reply = _Reply(status, _encoded(body), delay, dict(headers or {}))
        with self._news:
            if times is None:
                self._always = reply
                self._next.clear()
            else:
                self._next.extend([reply] * times)

    def _take(self, headers: Mapping[str, str], raw: bytes) -> _Reply:
        with self._news:
            self._received.append(ReceivedEvent(_decoded(raw), raw, Headers(headers), time.time()))
            self._news.notify_all()
            return self._next.popleft() if self._next else self._always

    def _verify(self) -> None:
        if not self._secrets:
            return
        for one in self._received:
            stamp, signature = (
                one.headers.get("X-Webhook-Timestamp", ""),
                one.headers.get("X-Webhook-Signature", ""),
            )
            good = stamp.isdecimal() and any(
                signing.verify(secret, int(stamp), one.raw, signature, now=one.received_at)
                for secret in self._secrets
            )
            if not good:
                raise AssertionError(
                    f"a webhook came that the secret doesn't verify: {one.event} {one.id}, timestamp {stamp!r},"
                    f" signature {signature!r}"
                )

    def _told(self, event: str | None, timeout: float, count: int, found: int) -> str:
        wanted = event or "webhook"
        came = [
            f"\n    {one.event} {one.id}{' (waited for before)' if index in self._waited_for else ''}"
            for index, one in enumerate(self._received)
        ]
        return f"{found} of {count} {wanted} came within {timeout:g} s; " + (
            f"these came in all:{''.join(came)}" if came else "nothing came at all"
        )


class _Web(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them
    request_queue_size = 128

    def __init__(self, inbox: WebhookInbox) -> None:
        self.inbox = inbox
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that goes away is its own matter."""


class _Handler(BaseHTTPRequestHandler):
    server: _Web
    timeout = _PATIENCE_S

    def do_POST(self) -> None:
        inbox = self.server.inbox
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = inbox._take(dict(self.headers.items()), raw)
        if reply.delay_s:
            inbox._closing.wait(reply.delay_s)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent: `received` tells all."""


def _encoded(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
