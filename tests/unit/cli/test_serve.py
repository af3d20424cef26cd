"""`ringback serve`: the port first, what to do now, and a stop that drains."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringback import running
from ringback.cli.serve import listen, url_of
from ringback.cli.whatnow import lines
from ringback.operator_error import OperatorError
from ringback.settings import Settings

from .conftest import Ran

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
Serve = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def serve(folder: Path) -> Iterator[Serve]:
    """Start `ringback serve` around a toy application; whatever is left at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*args: str, how: str = "plain") -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.cli.toy", how, "serve", "--port", "0", *args],
            cwd=folder.parent,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def told(process: "subprocess.Popen[str]") -> list[str]:
    """The lines it prints once it answers."""
    assert process.stdout
    return [process.stdout.readline().rstrip("\n") for _ in range(6)]


def ended(process: "subprocess.Popen[str]") -> Ran:
    out, err = process.communicate(timeout=20)
    return Ran(process.returncode, out, err)


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_says_what_now_answers_and_drains(serve: Serve, folder: Path) -> None:
    process = serve()
    said = told(process)
    found = running.read(folder)
    assert found
    assert [line.split()[0] for line in said] == ["Ringback", "Console", "Key", "Try", "Handset", "Next"]
    assert said[0].endswith(found.url)
    assert f"{found.url}/console/link/of-a-toy" in said[1]
    assert "sk_live_abc" in said[2]
    assert "+14155550123" in said[4]
    assert (folder / running.FILE).stat().st_mode & 0o777 == 0o600
    assert found.pid == process.pid
    assert get(f"{found.url}/x") == {
        "path": "/x",
        "authorization": "",
        "port": int(found.url.rsplit(":", 1)[1]),
        "token": found.token,
    }
    pasted = subprocess.run(said[3].removeprefix("Try"), shell=True, capture_output=True, check=True)
    assert json.loads(pasted.stdout)["authorization"] == "Bearer sk_live_abc"
    process.send_signal(signal.SIGTERM)
    ran = ended(process)
    assert (ran.code, ran.out) == (0, "drained\n")
    assert json.loads(ran.err)["event"] == "stopping"
    assert not (folder / running.FILE).exists()


def test_a_mistyped_variable_is_told(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, without its value, which may be a secret."""
    monkeypatch.setenv("RINGBACK_SECRET_KEYS", "hidden-word")
    process = serve()
    told(process)
    process.send_signal(signal.SIGTERM)
    lines = [json.loads(line) for line in ended(process).err.splitlines()]
    (warning,) = [line for line in lines if line["level"] == "warning"]
    assert (warning["variable"], warning["did_you_mean"]) == ("RINGBACK_SECRET_KEYS", "RINGBACK_SECRET_KEY")
    assert "hidden-word" not in json.dumps(lines)


def test_stop_lets_an_open_request_end(serve: Serve, folder: Path) -> None:
    process = serve()
    told(process)
    found = running.read(folder)
    assert found
    host, port = found.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        # The toy has the request once another, sent later, is answered.
        get(f"{found.url}/x")
        process.send_signal(signal.SIGINT)
        assert b'"/slow"' in b"".join(iter(lambda: connection.recv(4096), b""))
    assert ended(process).code == 0


def test_stop_while_starting(serve: Serve, folder: Path) -> None:
    process = serve(how="slow-start")
    assert process.stdout
    assert process.stdout.readline() == "starting\n"
    process.send_signal(signal.SIGTERM)
    assert ended(process)[:2] == (0, "drained\n")
    assert not (folder / running.FILE).exists()


def test_second_signal_forces(serve: Serve, folder: Path) -> None:
    process = serve(how="slow-start")
    assert process.stdout
    assert process.stdout.readline() == "starting\n"
    process.send_signal(signal.SIGINT)
    assert process.stderr
    assert "stopping" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    ran = ended(process)
    assert (ran.code, ran.out) == (130, "")


def test_missing_service_is_one_line(serve: Serve, folder: Path) -> None:
    assert ended(serve(how="broken")) == (3, "", "ringback: PostgreSQL doesn't answer: start it\n")
    assert not (folder / running.FILE).exists()


def test_data_folder_has_one_owner(serve: Serve, folder: Path) -> None:
    first = serve()
    told(first)
    ran = ended(serve())
    assert ran.code == 2
    assert f"(process {first.pid}): stop it, or choose another folder" in ran.err
    found = running.read(folder)
    assert found
    assert found.pid == first.pid


def test_taken_port(ringback: Callable[..., Ran], folder: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        ran = ringback("serve", "--port", str(port))
    assert ran == (
        2,
        "",
        f"ringback: port {port} is taken: stop what uses it, or choose another with --port or RINGBACK_PORT\n",
    )
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("no.such.host.invalid", "host no.such.host.invalid isn't known"),
        ("192.0.2.1", "host 192.0.2.1 is no address of this machine"),
        ("x" * 300, f"host {'x' * 300} isn't known"),
    ],
)
def test_host_that_is_not_here(host: str, line: str) -> None:
    with pytest.raises(OperatorError, match=line):
        listen(host, 0)


def test_data_folder_that_can_not_be(ringback: Callable[..., Ran]) -> None:
    Path("file").write_text("")
    ran = ringback("serve", "--port", "0", "--data", "file/below")
    assert ran.code == 2
    assert "can't be made (Not a directory): choose another with --data or RINGBACK_DATA" in ran.err


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "http://127.0.0.1:"), ("127.0.0.1", "http://127.0.0.1:")]
)
def test_url_is_reachable_from_here(host: str, url: str) -> None:
    with listen(host, 0) as listener:
        assert url_of(listener).startswith(url)


class First:
    """What the application knows of its beginnings."""

    def __init__(self, folder: Path, *, handset: str | None = None, sandbox: bool = True) -> None:
        self.handset = handset
        self.sandbox = sandbox
        self.key_file = folder / "first key"
        self.link: str | None = None


@pytest.mark.parametrize(
    ("started", "data", "command"),
    [
        ("{bin}/ringback", None, "`ringback keys hide`"),
        ("{here}/.venv/bin/ringback", None, "`.venv/bin/ringback keys hide`"),
        (
            "{here}/.venv/bin/ringback",
            "else where",
            "`.venv/bin/ringback keys hide --data '{here}/else where'`",
        ),
    ],
)
def test_commands_work_when_pasted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, started: str, data: str | None, command: str
) -> None:
    here = folder.parent
    on_path = here / "bin"
    on_path.mkdir()
    (on_path / "ringback").write_text("#!/bin/sh\n")
    (on_path / "ringback").chmod(0o755)
    monkeypatch.setenv("PATH", str(on_path))
    monkeypatch.setattr(sys, "argv", [started.format(here=here, bin=on_path), "serve"])
    first = First(folder)
    first.key_file.write_text("sk_live_abc")
    said = lines(Settings.load(data=data), "http://127.0.0.1:1", first)
    assert command.format(here=here) in said[1]


def test_hidden_key_leaves_a_call_that_works(folder: Path) -> None:
    said = lines(Settings.load(), "http://127.0.0.1:1", First(folder))
    assert " keys create`" in said[1]
    assert said[2].endswith("curl -s http://127.0.0.1:1/healthz")


def test_call_quotes_the_folder_and_fits_the_carrier(folder: Path) -> None:
    first = First(folder, sandbox=False)
    first.key_file.write_text("sk_live_abc")
    said = lines(Settings.load(), "http://127.0.0.1:1", first)
    assert f"/v1/numbers -H \"Authorization: Bearer $(cat '{first.key_file}')\"" in said[2]


def test_workers_do_not_talk_of_keys(folder: Path) -> None:
    settings = Settings.load(role="dispatch", database_url="postgresql://x", sim_url="http://127.0.0.1:2")
    (only,) = lines(settings, "http://127.0.0.1:1", First(folder))
    assert "dispatch worker" in only
