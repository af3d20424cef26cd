"""`ringback feedback`: what callers told, from the running server."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import FakeServer, Ran

pytestmark = pytest.mark.unit

Command = Callable[..., Ran]
ENTRY: dict[str, Any] = {
    "id": "fb_1",
    "accountId": "acct_1",
    "createdAt": "2026-11-25T12:00:00.000Z",
    "category": "bug",
    "note": "It broke.\nTwice\x1b[2J.",
    "requestId": "req_1",
    "url": None,
    "tags": ["sms"],
}


def test_entries_for_people(ringback: Command, server: FakeServer) -> None:
    server.on("GET /internal/v1/feedback", {"data": [ENTRY]})
    assert ringback("feedback").out.splitlines() == [
        "2026-11-25T12:00:00.000Z  acct_1  bug  sms",
        "    req_1",
        "    It broke.",
        "    Twice\\x1b[2J.",
    ]
    assert server.asked[0].query == {"limit": "20"}


def test_entries_for_machines(ringback: Command, server: FakeServer) -> None:
    server.on("GET /internal/v1/feedback", {"data": [ENTRY, ENTRY]})
    lines = ringback("feedback", "--json", "--limit", "2").out.splitlines()
    assert [json.loads(line) for line in lines] == [ENTRY, ENTRY]


def test_nothing_told_and_no_server(ringback: Command, server: FakeServer) -> None:
    server.on("GET /internal/v1/feedback", {"data": []})
    assert ringback("feedback").out == "Nobody told anything yet.\n"
    assert ringback("feedback", "--json").out == ""
    ran = ringback("feedback", "--data", "elsewhere")
    assert (ran.code, "no server runs" in ran.err) == (3, True)
