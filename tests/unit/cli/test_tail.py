"""`ringback tail`: one line for each event, from now on or from a sequence, also over the server's restarts."""

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringback import running

from .conftest import TOKEN, Asked, FakeServer, Ran

pytestmark = pytest.mark.unit

PATIENT = importlib.import_module("ringback.cli.patient")
TAIL = importlib.import_module("ringback.cli.tail")
"""The modules; the package calls the command by its name."""
Command = Callable[..., Ran]
OWN, WITH_KEY = "GET /internal/v1/events", "GET /v1/events"


def event(seq: int, **data: Any) -> dict[str, Any]:
    return {
        "seq": seq,
        "id": f"evt_{seq}",
        "type": "message.sent",
        "version": 1,
        "at": f"2026-11-26T12:00:{seq:02}.000Z",
        "agentId": None,
        "data": {"messageId": f"msg_{seq}", "errorCode": None, **data},
        "requestId": None,
    }


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PATIENT, "_AGAIN_S", 0.01)


def pages(*said: Any) -> Callable[[Asked], tuple[int, Any]]:
    """Answers in turn: events, or a status; then a refusal that ends the command."""
    turn: Iterator[Any] = iter(said)

    def answer(asked: Asked) -> tuple[int, Any]:
        page = next(turn, 403)
        if isinstance(page, int):
            return page, {"error": {"message": f"refused {page}"}}
        after = page[-1]["seq"] if page else int(asked.query.get("after", 0))
        return 200, {"data": page, "hasMore": False, "nextAfter": after, "newest": 40}

    return answer


def test_it_begins_now_and_goes_on_after_the_last(ringback: Command, server: FakeServer) -> None:
    server.answers[OWN] = pages([event(1)], [event(41), event(42, note="a\x1b[2Jb")], [])
    ran = ringback("tail", "--types", "message.*")
    assert ran.out.splitlines() == [
        "    41  12:00:41  message.sent            messageId=msg_41",
        "    42  12:00:42  message.sent            messageId=msg_42 note=a\\x1b[2Jb",
    ]
    assert (ran.code, ran.err) == (2, "ringback: refused 403\n")
    assert [asked.query.get("after") for asked in server.asked] == [None, "40", "42", "42"]
    assert server.asked[0].query == {"types": "message.*", "limit": "1"}
    assert server.asked[1].query == {"types": "message.*", "after": "40", "wait": "30"}


def test_it_begins_where_it_is_told_and_speaks_to_machines(ringback: Command, server: FakeServer) -> None:
    server.answers[OWN] = pages([event(8), event(9)])
    ran = ringback("tail", "--after", "7", "--json", "--account", "sub_1", "--agent", "agt_1")
    assert [json.loads(line) for line in ran.out.splitlines()] == [event(8), event(9)]
    assert server.asked[0].query == {"after": "7", "wait": "30", "accountId": "sub_1", "agentId": "agt_1"}


def test_a_server_that_is_away_is_waited_for(ringback: Command, server: FakeServer, folder: Path) -> None:
    """It comes back at another address, with another token."""
    again = FakeServer()

    def last_words(asked: Asked) -> tuple[int, Any]:
        running.write(folder, running.Running(again.url, TOKEN, running.read(folder).pid))  # type: ignore[union-attr]
        return 503, {"error": {"message": "stopping"}}

    turn = iter([pages([event(1)]), last_words])
    server.answers[OWN] = lambda asked: next(turn)(asked)
    again.answers[OWN] = pages(503, [event(2)])
    ran = ringback("tail", "--after", "0")
    again.close()
    assert [line.split()[0] for line in ran.out.splitlines()] == ["1", "2"]
    assert ran.err.splitlines() == [
        "stopping; waiting for it",
        "the server answers again",
        "ringback: refused 403",
    ]
    assert [asked.query["after"] for asked in again.asked] == ["1", "1", "2"]


def test_a_server_elsewhere(ringback: Command, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RINGBACK_API_KEY", raising=False)
    server.answers[WITH_KEY] = pages([event(8)])
    ran = ringback("tail", "--url", f"{server.url}/", "--after", "7")
    assert (ran.code, "--key" in ran.err) == (2, True)
    ran = ringback("tail", "--url", f"{server.url}/", "--key", TOKEN, "--after", "7", "--account", "sub_1")
    assert ran.out.splitlines() == [TAIL.line_of(event(8))]
    assert server.asked[-1].query == {"after": "8", "wait": "30"}
    ran = ringback("tail", "--url", server.url, "--key", "another", "--after", "7")
    assert (ran.code, ran.err) == (2, "ringback: no\n")


def test_no_server_at_all(ringback: Command) -> None:
    ran = ringback("tail")
    assert (ran.code, "no server runs" in ran.err) == (3, True)
