"""`ringback handset`: phones from the terminal."""

import io
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.media import PNG

from .conftest import Asked, FakeServer, Ran

pytestmark = pytest.mark.unit

Command = Callable[..., Ran]
FIRST = {
    "id": "hs_1",
    "phoneNumber": "+14155550123",
    "name": "first",
    "personality": "answers",
    "online": True,
}
SECOND = {"id": "hs_2", "phoneNumber": "+442079460123", "name": None, "personality": "echo", "online": False}


def text(number: int, direction: str = "in", **more: Any) -> dict[str, Any]:
    return {
        "id": f"hsm_{number}",
        "direction": direction,
        "from": "+12125550100",
        "to": "+14155550123",
        "body": f"hello {number}",
        "mediaUrls": [],
        "at": f"2026-11-25T12:00:{number:02}.000Z",
        "status": "delivered",
        **more,
    }


@pytest.fixture
def phones(server: FakeServer) -> FakeServer:
    """Two handsets, a page each, newest first as every list."""

    def page(asked: Asked) -> tuple[int, Any]:
        newest_first = [SECOND, FIRST]
        at = int(asked.query["offset"])
        return 200, {"data": newest_first[at : at + 1], "hasMore": at == 0, "total": 2}

    server.answers["GET /sim/v1/handsets"] = page
    return server


def test_list_walks_all_pages(ringback: Command, phones: FakeServer) -> None:
    rows = ringback("handset", "list").out.splitlines()
    assert [row.split()[0] for row in rows] == ["NUMBER", "+14155550123", "+442079460123"]
    assert rows[2].split()[4] == "no"


def test_create_sends_only_what_is_given(ringback: Command, server: FakeServer) -> None:
    server.on("POST /sim/v1/handsets", FIRST)
    assert ringback("handset", "create").out == "+14155550123\n"
    assert ringback("handset", "create", "--number", "+14155550123", "--name", "first").code == 0
    assert [asked.body for asked in server.asked] == [{}, {"phoneNumber": "+14155550123", "name": "first"}]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ((), "hs_1"),
        (("--from", "(415) 555-0123"), "hs_1"),
        (("--from", "first"), "hs_1"),
        (("--from", "+44 20 7946 0123"), "hs_2"),
        (("--from", "hs_2"), "hs_2"),
    ],
)
def test_text_from_a_handset(
    ringback: Command, phones: FakeServer, wanted: tuple[str, ...], chosen: str
) -> None:
    phones.on(f"POST /sim/v1/handsets/{chosen}/messages", text(7, "out", body="hi there"))
    ran = ringback("handset", "text", "212-555-0100", "hi there", *wanted)
    assert ran.out == "12:00:07  +12125550100 -> +14155550123  hi there  (delivered)\n"
    assert phones.asked[-1].body == {"to": "212-555-0100", "body": "hi there"}


def test_media_from_a_handset(ringback: Command, phones: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(PNG)
    ours, theirs = "http://127.0.0.1:8642/sim/v1/media/med_1", "https://a.example/dog.gif"
    phones.on("POST /sim/v1/media", {"id": "med_1", "url": ours})
    phones.on("POST /sim/v1/handsets/hs_1/messages", text(7, "out", body="", mediaUrls=[ours, theirs]))
    ran = ringback("handset", "text", "212-555-0100", "--media", "cat.png", "--media", theirs)
    assert ran.out == f"12:00:07  +12125550100 -> +14155550123    [{ours}]  [{theirs}]  (delivered)\n"
    assert [asked.body for asked in phones.asked if asked.path == "/sim/v1/media"] == [PNG]
    assert phones.asked[-1].body == {"to": "212-555-0100", "body": "", "mediaUrls": [ours, theirs]}


def test_a_file_that_is_not_there(ringback: Command, phones: FakeServer) -> None:
    ran = ringback("handset", "text", "212-555-0100", "--media", "cat.png")
    assert ran == (2, "", "ringback: cat.png can't be read: No such file or directory\n")
    assert not [asked for asked in phones.asked if asked.method == "POST"]


@pytest.mark.parametrize(
    ("line", "file", "words"),
    [
        ("/send cat.png", "cat.png", ""),
        ("/send  cat.png  our  cat", "cat.png", "our  cat"),
        ('/send "our cat.png" there', "our cat.png", "there"),
    ],
)
def test_chat_sends_files(
    ringback: Command,
    phones: FakeServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    file: str,
    words: str,
) -> None:
    (tmp_path / file).write_bytes(PNG)
    phones.on("GET /sim/v1/handsets/hs_1/messages", {"data": [], "hasMore": False})
    phones.on("POST /sim/v1/media", {"id": "med_1", "url": "http://here/med_1"})
    phones.on("POST /sim/v1/handsets/hs_1/messages", text(7, "out"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{line}\n/sender\n/send nothing.png\n/quit\nlate\n"))
    ran = ringback("handset", "chat", "212-555-0100")
    sent = [asked.body for asked in phones.asked if asked.path.endswith("hs_1/messages") and asked.body]
    assert sent == [{"to": "212-555-0100", "body": words, "mediaUrls": ["http://here/med_1"]}]
    assert "a text can't begin with /" in ran.out
    assert "not sent: nothing.png can't be read" in ran.out


def test_unknown_handset(ringback: Command, phones: FakeServer) -> None:
    ran = ringback("handset", "inbox", "0123")
    assert ran == (2, "", "ringback: no handset is called 0123: `ringback handset list` shows them all\n")


def test_inbox_is_in_order_and_harmless(ringback: Command, phones: FakeServer) -> None:
    url = "https://a.example/cat.png"
    known = {"url": url, "contentType": "image/png", "bytes": 1_500_000}
    newest_first = [text(2, body="two\n\x1b[2J"), text(1, mediaUrls=[url], media=[known])]
    phones.on("GET /sim/v1/handsets/hs_1/messages", {"data": newest_first, "hasMore": False})
    assert ringback("handset", "inbox").out.splitlines() == [
        "12:00:01  +12125550100 -> +14155550123  hello 1  [image/png, 1.4 MB: https://a.example/cat.png]",
        "12:00:02  +12125550100 -> +14155550123  two\\n\\x1b[2J",
    ]


def test_inbox_follows_from_the_newest(
    ringback: Command, phones: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also over a restart of the server."""
    monkeypatch.setattr("ringback.cli.patient._AGAIN_S", 0.01)
    after_three = iter([503, 503, 200, 403])

    def messages(asked: Asked) -> tuple[int, Any]:
        match asked.query.get("after"):
            case None:
                return 200, {"data": [text(1)], "hasMore": False}
            case "hsm_1":
                return 200, {"data": [text(3), text(2)], "hasMore": False}
            case "hsm_3" if (status := next(after_three)) != 200:
                return status, {"error": {"message": "stopping" if status == 503 else "refused"}}
            case _:
                return 200, {"data": [], "hasMore": False}

    phones.answers["GET /sim/v1/handsets/hs_1/messages"] = messages
    ran = ringback("handset", "inbox", "--follow")
    assert [line.split()[-1] for line in ran.out.splitlines()] == ["1", "2", "3"]
    assert ran.err.splitlines() == [
        "stopping; waiting for it",
        "the server answers again",
        "ringback: refused",
    ]
    assert (ran.code, phones.asked[-1].query) == (2, {"after": "hsm_3", "wait": "30"})


def test_chat_sends_lines_and_shows_what_comes(
    ringback: Command, phones: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def messages(asked: Asked) -> tuple[int, Any]:
        if "wait" not in asked.query:
            return 200, {"data": [], "hasMore": False}
        if asked.query.get("after") is None:
            return 200, {"data": [text(2), text(1, "out")], "hasMore": False}
        answered.set()
        time.sleep(0.2)
        return 200, {"data": [], "hasMore": False}

    def send(asked: Asked) -> tuple[int, Any]:
        if asked.body["body"] == "refused":
            return 400, {"error": {"message": "Too long", "details": []}}
        return 200, text(3, "out")

    class Typed:
        """A keyboard: the input ends once the answer was shown."""

        def __init__(self, *lines: str) -> None:
            self._lines = list(lines)

        def isatty(self) -> bool:
            return False

        def readline(self) -> str:
            if self._lines:
                return self._lines.pop(0)
            assert answered.wait(5)
            return ""

    phones.answers["GET /sim/v1/handsets/hs_1/messages"] = messages
    phones.answers["POST /sim/v1/handsets/hs_1/messages"] = send
    monkeypatch.setattr(sys, "stdin", Typed("hi\n", "\n", "refused\n"))
    ran = ringback("handset", "chat", "+12125550100")
    assert ran.code == 0
    assert set(ran.out.splitlines()) == {"+12125550100: hello 2", "not sent: Too long"}
    sent = [asked.body for asked in phones.asked if asked.method == "POST"]
    assert sent == [{"to": "+12125550100", "body": "hi"}, {"to": "+12125550100", "body": "refused"}]


def test_no_server(ringback: Command) -> None:
    for args in (("list",), ("create",), ("text", "+1", "x"), ("inbox",), ("chat", "+1"), ("call", "+1")):
        ran = ringback("handset", *args)
        assert ran.code == 3
        assert "start it with `ringback serve`" in ran.err


def test_a_call_is_shown_as_it_is_spoken(ringback: Command, phones: FakeServer) -> None:
    said = [
        {"who": "other", "text": "Hello\x1b[2J", "startMs": 300},
        {"who": "handset", "text": "Is it ready?", "startMs": 2_000},
        {"who": "other", "text": "It is.", "startMs": 3_100},
    ]
    living: dict[str, Any] = {
        "id": "hsc_1",
        "to": "+12125550100",
        "status": "in-progress",
        "answeredAt": None,
        "endedAt": None,
        "words": [],
    }
    over = {**living, "status": "completed", "reason": "hung_up", "trouble": None, "durationMs": 4_900}
    looks = iter(
        [
            {**living, "words": said[:1]},
            {**over, "endedAt": "2026-11-26T12:00:00.000Z", "words": said[:2]},
            {**over, "endedAt": "2026-11-26T12:00:00.000Z", "words": said},
        ]
    )
    phones.on("POST /sim/v1/handsets/hs_1/calls", living)
    phones.answers["GET /sim/v1/calls/hsc_1"] = lambda _: (200, next(looks))
    ran = ringback("handset", "call", "212-555-0100", "Is it ready?", "Thanks.")
    assert ran.out.splitlines() == [
        "   0.3  agent: Hello\\x1b[2J",
        "   2.0  phone: Is it ready?",
        "   3.1  agent: It is.",
        "completed, hung_up, 5 s",
    ]
    [asked] = [one.body for one in phones.asked if one.method == "POST"]
    assert asked["to"] == "212-555-0100"
    assert [step.get("say") for step in asked["script"]] == [
        None,
        "Is it ready?",
        None,
        "Thanks.",
        None,
        None,
    ]
    assert asked["script"][-1] == {"hangup": True}


def test_a_call_that_nobody_takes(ringback: Command, phones: FakeServer) -> None:
    over = {"id": "hsc_1", "to": "+12125550100", "status": "failed", "reason": "unreachable", "trouble": None}
    phones.on(
        "POST /sim/v1/handsets/hs_1/calls", {**over, "endedAt": "2026-11-26T12:00:00.000Z", "words": []}
    )
    phones.on("GET /sim/v1/calls/hsc_1", {**over, "endedAt": "2026-11-26T12:00:00.000Z", "words": []})
    ran = ringback("handset", "call", "212-555-0100")
    assert ran == (2, "", "ringback: +12125550100 could not be called: unreachable\n")
