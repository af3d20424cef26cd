"""A server with phones, somebody who is signed in to its console, and texts of its phones at a rate."""

import http.client
import itertools
import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from bench.load import Run, load
from bench.server import Server

_CONNECTIONS = 4


class Desk:
    """One server; `phones` are the ids of handsets, `number` is what they text."""

    def __init__(self, phones: int) -> None:
        self.server = Server(pinned=False)
        agent = self.server.request("POST", "/v1/agents", {"name": "Front desk"})
        self.number: str = self.server.request("POST", "/v1/numbers", {"agentId": agent["id"]})["phoneNumber"]
        self.phones = [handset["id"] for handset in self.server.request("GET", "/sim/v1/handsets")["data"]]
        while len(self.phones) < phones:
            made = self.server.request("POST", "/sim/v1/handsets", {"name": f"Phone {len(self.phones) + 1}"})
            self.phones.append(made["id"])
        self.cookie = sign_in(self.server)

    def texts(self) -> Iterator[bytes]:
        """Texts from every phone in turn, each with the time at which it is sent."""
        for phone, n in zip(itertools.cycle(self.phones), itertools.count(), strict=False):
            body = json.dumps({"to": self.number, "body": f"text {n} sent at {time.time_ns() // 1_000_000}"})
            yield (
                f"POST /sim/v1/handsets/{phone}/messages HTTP/1.1\r\nHost: {self.server.host}\r\n"
                f"Authorization: Bearer {self.server.key}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()

    def texting(self, rate: float, seconds: float) -> Future[Run]:
        """Texts at a rate, from a thread; the run once they are sent."""
        with_one = ThreadPoolExecutor(1)
        sent = with_one.submit(
            load,
            self.server.host,
            self.server.port,
            self.texts(),
            connections=_CONNECTIONS,
            seconds=seconds,
            rate=rate,
        )
        with_one.shutdown(wait=False)
        return sent

    def blocks(self) -> list[str]:
        """What the page of phones shows live."""
        phones = (f"{kind}:{phone}" for phone in self.phones for kind in ("phone-call",))
        threads = (f"{kind}:{phone}~{self.number}" for phone in self.phones for kind in ("thread", "others"))
        return ["activity", *phones, *threads]

    def stop(self) -> None:
        self.server.stop()


@contextmanager
def desk(phones: int) -> Iterator[Desk]:
    found = Desk(phones)
    try:
        yield found
    finally:
        found.stop()


def sign_in(server: Server) -> str:
    """The cookie of a session, as `name=value`."""
    line = http.client.HTTPConnection(server.host, server.port, timeout=20)
    headers = {"Origin": server.url, "Content-Type": "application/x-www-form-urlencoded"}
    line.request("POST", "/console/sign-in", urlencode({"key": server.key}), headers)
    answer = line.getresponse()
    cookie = answer.getheader("set-cookie")
    line.close()
    if cookie is None:
        raise SystemExit(f"the console answered {answer.status} and lets nobody in")
    return cookie.partition(";")[0]


@contextmanager
def chromium() -> Iterator[Any]:
    """The machine's Chromium, by Playwright."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("chromium is missing: apt-get install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def enter(browser: Any, server: Server, cookie: str) -> Any:
    """A page of a browser that was never here, but is signed in; it is to be closed with its context."""
    context = browser.new_context(viewport={"width": 1360, "height": 880})
    name, _, value = cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "domain": server.host, "path": "/console"}])
    return context.new_page()
