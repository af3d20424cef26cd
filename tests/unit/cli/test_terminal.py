"""What a terminal is shown: colour, a chat, and that something goes on; and what machines are given instead."""

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringback.events.catalogue import CATALOGUE

from .conftest import Asked, FakeServer, Ran

pytestmark = [pytest.mark.unit, pytest.mark.timeout(60)]

RED, GREEN, CYAN, BOLD_CYAN, DIM = "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[36m\x1b[1m", "\x1b[2m"
PHONE = {"id": "hs_1", "phoneNumber": "+14155550123", "name": None}


class Screen:
    """A command on a terminal of its own."""

    def __init__(self, folder: Path, *args: str, **env: str) -> None:
        self._master, slave = pty.openpty()
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", "import sys; from ringback.entry import main; sys.exit(main())", *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", "RINGBACK_DATA": str(folder), **env},
        )
        os.close(slave)

    def until(self, text: str, timeout_s: float = 20.0) -> str:
        """What is seen once `text` is."""
        until = time.monotonic() + timeout_s
        while text not in self.seen:
            ready, _, _ = select.select([self._master], [], [], max(0, until - time.monotonic()))
            assert ready, f"{text!r} was not shown: {self.seen!r}"
            try:
                self.seen += os.read(self._master, 4096).decode()
            except OSError:
                assert text in self.seen, f"it ended before {text!r}: {self.seen!r}"
        return self.seen

    def type(self, line: str) -> None:
        self.press(f"{line}\n")

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def leave(self) -> int:
        """End what is read from the terminal; a key that comes before it is read is lost."""
        for _ in range(30):
            self.press("\x04")
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(1)
        raise AssertionError(f"it goes on: {self.seen!r}")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def screens() -> Iterator[list[Screen]]:
    opened: list[Screen] = []
    yield opened
    for screen in opened:
        screen.close()


def event(seq: int, kind: str) -> dict[str, Any]:
    return {
        "seq": seq,
        "type": kind,
        "at": f"2026-11-26T12:00:{seq:02}.000Z",
        "agentId": None,
        "data": {"from": "+1"},
    }


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_tail_is_coloured_where_it_is_seen_and_wanted(
    server: FakeServer, folder: Path, screens: list[Screen], env: dict[str, str]
) -> None:
    events = [
        event(1, "message.received"),
        event(2, "message.failed"),
        event(3, "message.delivered"),
        event(4, "agent.updated"),
    ]
    turn = iter([(200, {"data": events, "nextAfter": 4}), (403, {"error": {"message": "that is all"}})])
    server.answers["GET /internal/v1/events"] = lambda _: next(turn)
    screen = Screen(folder, "tail", "--after", "0", **env)
    screens.append(screen)
    seen = screen.until("that is all")
    if env:
        assert "\x1b" not in seen
    else:
        assert all(
            f"{colour}message.{word}" in seen
            for colour, word in ((CYAN, "received"), (RED, "failed"), (GREEN, "delivered"))
        )
        assert f"{DIM}     4  12:00:04" in seen


def test_every_colour_is_of_an_event_that_there_is() -> None:
    import importlib

    known = {kind.rpartition(".")[2] for kind in CATALOGUE}
    colours = importlib.import_module("ringback.cli.tail")._COLOURS
    assert {word for words in colours.values() for word in words} - known == set()


def chat_of(server: FakeServer, *, slow_s: float = 0.0) -> threading.Event:
    """A phone whose agent answers once it was texted."""
    texted = threading.Event()

    def messages(asked: Asked) -> tuple[int, Any]:
        if asked.query.get("after") == "hsm_2" or "wait" not in asked.query:
            time.sleep(0.3 if "wait" in asked.query else 0)
            return 200, {"data": [], "hasMore": False}
        texted.wait(10)
        answer = {
            "id": "hsm_2",
            "direction": "in",
            "from": "+1212",
            "to": "+1415",
            "body": "We are\x1b[2J open",
        }
        return 200, {"data": [answer], "hasMore": False}

    def send(asked: Asked) -> tuple[int, Any]:
        time.sleep(slow_s)
        texted.set()
        status = "failed" if asked.body["body"] == "nobody" else "sent"
        return 200, {"id": "hsm_1", "direction": "out", "at": "2026-11-26T12:00:01.000Z", "status": status}

    server.on("GET /sim/v1/handsets", {"data": [PHONE], "hasMore": False})
    server.answers["GET /sim/v1/handsets/hs_1/messages"] = messages
    server.answers["POST /sim/v1/handsets/hs_1/messages"] = send
    return texted


def test_a_chat_on_a_terminal(server: FakeServer, folder: Path, screens: list[Screen]) -> None:
    chat_of(server)
    screen = Screen(folder, "handset", "chat", "+1212")
    screens.append(screen)
    screen.until("> ")
    screen.type("Are you open?")
    screen.until(f"{DIM}sent 12:00:01")
    screen.until(f"{BOLD_CYAN}+1212:")
    screen.until("We are\\x1b[2J open")
    screen.type("nobody")
    screen.until(f"{RED}not delivered")
    screen.type("/quit")
    assert screen.process.wait(10) == 0


def test_what_is_half_typed_stays_when_a_text_arrives(
    server: FakeServer, folder: Path, screens: list[Screen]
) -> None:
    texted = chat_of(server)
    screen = Screen(folder, "handset", "chat", "+1212")
    screens.append(screen)
    screen.until("> ")
    screen.press("Are you o")
    screen.until("Are you o")
    texted.set()
    assert screen.until("We are\\x1b[2J open\r\n> Are you o")
    screen.type("pen?")
    screen.until("sent 12:00:01")
    [sent] = [asked.body for asked in server.asked if asked.method == "POST"]
    assert sent == {"to": "+1212", "body": "Are you open?"}


def test_a_chat_outlives_its_server(server: FakeServer, folder: Path, screens: list[Screen]) -> None:
    """Nothing is sent meanwhile, and nobody has to begin again."""
    chat_of(server).set()
    answers = dict(server.answers)
    screen = Screen(folder, "handset", "chat", "+1212")
    screens.append(screen)
    screen.until("We are")
    away = (503, {"error": {"message": "stopping"}})
    for path in answers:
        server.answers[path] = lambda _: away
    screen.until("stopping; waiting for it")
    screen.type("Hello?")
    screen.until(f"{RED}not sent: stopping")
    server.answers.update(answers)
    screen.until("the server answers again")
    screen.type("Hello!")
    screen.until("sent 12:00:01")
    assert screen.leave() == 0


def test_what_takes_long_says_so_on_a_terminal(
    server: FakeServer, folder: Path, screens: list[Screen]
) -> None:
    chat_of(server, slow_s=3.2)
    screen = Screen(folder, "handset", "chat", "+1212")
    screens.append(screen)
    screen.until("> ")
    screen.type("Hello")
    screen.until(f"waiting for {server.url} ... 2 s")
    seen = screen.until("sent 12:00:01")
    assert "\r" + " " * len(f"waiting for {server.url} ... 2 s") + "\r" in seen


def test_a_chat_of_machines(ringback: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    texted = chat_of(server)

    class Typed:
        def __init__(self) -> None:
            self.lines = ["Hello\n"]

        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            if self.lines:
                return self.lines.pop()
            texted.wait(5)
            time.sleep(0.3)
            return ""

    monkeypatch.setattr(sys, "stdin", Typed())
    ran: Ran = ringback("handset", "chat", "+1212", "--json")
    said = [json.loads(line) for line in ran.out.splitlines()]
    assert sorted(one["id"] for one in said) == ["hsm_1", "hsm_2"]
    assert next(one for one in said if one["id"] == "hsm_2")["body"] == "We are\x1b[2J open"
