"""`ringback keys`: by the running server, or in the store while none runs."""

import json
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ringback as package
from ringback import running

from .conftest import FakeServer, Ran

pytestmark = pytest.mark.unit

Command = Callable[..., Ran]
MADE = {
    "id": "key_1",
    "key": "sk_live_abc",
    "accountId": "acct_1",
    "name": "ci",
    "createdAt": "2026-11-25T12:00:00.000Z",
}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The store's functions, noting what they are called with."""
    called: list[tuple[Any, ...]] = []
    fake = types.ModuleType("ringback.offline")

    def note(name: str, answer: Any) -> Callable[..., Any]:
        def call(settings: Any, *args: Any) -> Any:
            called.append((name, settings.data.name, *args))
            return answer

        return call

    for name, answer in {
        "create_key": MADE,
        "list_keys": [MADE],
        "revoke_key": None,
        "hide_first_key": None,
        "migrate": "the store is at 0001",
        "check": [{"name": "store", "ok": True, "line": "SQLite 3.53"}],
    }.items():
        setattr(fake, name, note(name, answer))
    monkeypatch.setitem(sys.modules, "ringback.offline", fake)
    monkeypatch.setattr(package, "offline", fake, raising=False)
    return called


def test_create_asks_the_server(ringback: Command, server: FakeServer) -> None:
    server.on("POST /internal/v1/keys", MADE)
    ran = ringback("keys", "create", "--name", "ci", "--expires", "30", "--account", "acct_1", "--json")
    assert json.loads(ran.out) == {"id": "key_1", "key": "sk_live_abc", "accountId": "acct_1"}
    assert ran.out.count("\n") == 1
    assert server.asked[0].body == {"name": "ci", "expiresDays": 30, "accountId": "acct_1"}


def test_create_for_people_shows_the_key_once(ringback: Command, server: FakeServer) -> None:
    server.on("POST /internal/v1/keys", MADE)
    ran = ringback("keys", "create")
    assert (ran.code, ran.out) == (0, "sk_live_abc\n")
    assert "key_1" in ran.err


def test_list_revoke_hide_ask_the_server(ringback: Command, server: FakeServer) -> None:
    server.on("GET /internal/v1/keys", {"data": [MADE | {"name": "a\x1b[2Jb"}]})
    server.on("DELETE /internal/v1/keys/key_1", {"success": True})
    server.on("POST /internal/v1/keys/hide", {"success": True})
    listed = ringback("keys", "list").out.splitlines()
    assert listed[0].split() == ["ID", "NAME", "ACCOUNT", "CREATED", "EXPIRES", "REVOKED"]
    assert listed[1].split() == ["key_1", "a\\x1b[2Jb", "acct_1", "2026-11-25T12:00:00.000Z", "-", "-"]
    assert ringback("keys", "revoke", "key_1").code == 0
    assert ringback("keys", "hide").code == 0


def test_refusal_is_the_servers_own_word(ringback: Command, server: FakeServer) -> None:
    server.refuse("DELETE /internal/v1/keys/key_9", 404, "Key not found")
    assert ringback("keys", "revoke", "key_9") == (2, "", "ringback: Key not found\n")
    server.refuse("GET /internal/v1/keys", 503, "Not ready")
    assert ringback("keys", "list") == (3, "", "ringback: Not ready\n")
    server.refuse("POST /internal/v1/keys", 422, "Invalid", [{"field": "name", "message": "too long"}])
    assert ringback("keys", "create") == (2, "", "ringback: name: too long\n")


def test_token_of_another_start(ringback: Command, server: FakeServer, folder: Path) -> None:
    running.write(folder, running.Running(server.url, "old", os.getpid()))
    ran = ringback("keys", "list")
    assert ran.code == 3
    assert "doesn't take this folder's token" in ran.err


def test_store_is_opened_while_no_server_runs(ringback: Command, offline: list[tuple[Any, ...]]) -> None:
    assert json.loads(ringback("keys", "create", "--name", "x", "--json").out)["id"] == "key_1"
    assert "key_1" in ringback("keys", "list").out
    assert ringback("keys", "revoke", "key_1").code == 0
    assert ringback("keys", "hide").code == 0
    assert ringback("migrate").out == "the store is at 0001\n"
    assert offline == [
        ("create_key", "ringback-data", "x", None, None),
        ("list_keys", "ringback-data"),
        ("revoke_key", "ringback-data", "key_1"),
        ("hide_first_key", "ringback-data"),
        ("migrate", "ringback-data"),
    ]


def test_dead_server_counts_as_none(
    ringback: Command, server: FakeServer, folder: Path, offline: list[tuple[Any, ...]]
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    running.write(folder, running.Running(server.url, "t", gone.pid))
    assert ringback("keys", "list").code == 0
    assert server.asked == []
    running.write(folder, running.Running("http://127.0.0.1:1", "t", os.getpid()))
    assert ringback("keys", "list").code == 0
    (folder / running.FILE).write_text("{")
    assert ringback("keys", "list").code == 0
    assert len(offline) == 3


def test_no_store_yet(ringback: Command, offline: list[tuple[Any, ...]], folder: Path) -> None:
    ran = ringback("keys", "list", "--data", "elsewhere")
    assert ran.code == 2
    assert "there is no store in" in ran.err
    assert ringback("keys", "create", "--data", "elsewhere", "--account", "sub_1").code == 2
    assert not (folder.parent / "elsewhere").exists()
    assert ringback("keys", "create", "--data", "elsewhere").code == 0
    assert (folder.parent / "elsewhere").stat().st_mode & 0o777 == 0o700


def test_store_in_use_by_a_server_that_is_starting(
    ringback: Command, offline: list[tuple[Any, ...]], folder: Path
) -> None:
    with running.hold(folder):
        for args in (("keys", "create"), ("keys", "list"), ("migrate",)):
            ran = ringback(*args)
            assert ran.code == 2
            assert "starting or stopping: try again" in ran.err
    assert offline == []


def test_migrate_beside_a_server(
    ringback: Command, server: FakeServer, folder: Path, offline: list[tuple[Any, ...]]
) -> None:
    with running.hold(folder):
        ran = ringback("migrate")
    assert ran.code == 2
    assert f"in use by the server at {server.url}" in ran.err


def test_check_without_server(ringback: Command, offline: list[tuple[Any, ...]]) -> None:
    Path("ringback.toml").write_text("number_limit = 3\nport = 0\n")
    ran = ringback("check")
    assert ran.code == 0
    assert [line.split()[:2] for line in ran.out.splitlines()] == [
        ["settings", "fine"],
        ["port", "fine"],
        ["store", "fine"],
    ]
    assert "number_limit in ringback.toml" in ran.out


def test_check_with_server_says_what_to_do(ringback: Command, server: FakeServer) -> None:
    parts = [
        {"name": "store", "ok": True, "line": "SQLite 3.53"},
        {"name": "carrier", "ok": False, "line": "start `ringback sim`"},
    ]
    server.on("GET /internal/v1/check", {"parts": parts})
    ran = ringback("check")
    assert ran.code == 3
    assert "carrier   TO DO  start `ringback sim`" in ran.out
