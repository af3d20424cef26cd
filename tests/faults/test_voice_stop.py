"""Processes of calls that are told to stop while somebody is connected: they end, and have nothing to complain of."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ringback.kit.private_sockets import socket_path
from ringback.testing import WebhookInbox
from ringback.voice.children import LOGS
from tests.callers import call_of, children, desk, dial, processes, wait_until
from tests.faults.killable import Killable
from tests.speech import need

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120), pytest.mark.realtime]


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.05)


@contextmanager
def running(module: str, *options: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that writes to `log`."""
    with (
        log.open("wb") as told,
        subprocess.Popen([sys.executable, "-m", module, *options], stderr=told) as one,
    ):
        try:
            yield one
        finally:
            one.kill()


@pytest.mark.parametrize("op", ["office", "dial", None])
def test_an_exchange_with_a_connection(tmp_path: Path, op: str | None) -> None:
    where, log = tmp_path / "exchange.json", tmp_path / "log"
    with running("ringback.exchange", "--data", str(tmp_path), "--where", str(where), log=log) as process:
        wait_for(where)
        found = json.loads(where.read_text(encoding="utf-8"))
        with socket.create_connection((found["host"], found["port"])) as connection:
            if op is not None:
                first = {
                    "key": found["key"],
                    "op": op,
                    "ref": "call_1",
                    "from": "+14155550100",
                    "to": "+1415",
                }
                connection.sendall(json.dumps(first).encode() + b"\n")
                assert connection.recv(1_000)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
    assert log.read_text(encoding="utf-8") == ""


def test_a_media_child_with_a_host(tmp_path: Path) -> None:
    need("voice", "pipecat", "numpy")
    log, path = tmp_path / "log", socket_path(tmp_path, "one.sock")
    options = ("--data", str(tmp_path), "--name", "one", "--stt", "fake", "--tts", "fake")
    with running("ringback.voice.child", *options, log=log) as process:
        wait_for(path)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(b'{"op":"hello","host":"h","calls":{}}\n')
            assert b'"hello"' in connection.recv(1_000)
            connection.sendall(b'{"op":"drain"}\n')
            assert process.wait(20) == 0
    told = log.read_text(encoding="utf-8")
    assert "Traceback" not in told
    assert "CancelledError" not in told


OF_CALLS = ("ringback.exchange", "ringback.speech.worker", "ringback.voice.child")


def called(server: Killable, inbox: WebhookInbox) -> None:
    """A call is held, and over."""
    _, number, number_id = desk(server, inbox, beginMessage="Hello.")
    dial(server, server.handset(), number, {"waitForSilenceMs": 900}, {"hangup": True})
    assert call_of(server, number_id)["disconnectionReason"] == "user_hangup"


def test_the_processes_of_calls_end_with_a_server_that_is_stopped(
    killable: Killable, webhook_inbox: WebhookInbox
) -> None:
    called(killable, webhook_inbox)
    for module in OF_CALLS:
        assert processes(killable.data, module), module
    killable.stop()
    wait_until(lambda: not processes(killable.data, *OF_CALLS), "processes are left", 3)
    killable.start()
    called(killable, webhook_inbox)


def test_what_dead_children_leave_is_removed(killable: Killable, webhook_inbox: WebhookInbox) -> None:
    called(killable, webhook_inbox)
    folder, sockets = killable.data / "voice", socket_path(killable.data, "any").parent

    def left(ending: str) -> set[str]:
        return {path.stem for path in (*folder.glob(f"media-*.{ending}"), *sockets.glob(f"media-*.{ending}"))}

    (first,) = left("sock")
    assert left("pages") == left("log") == {first}
    os.kill(children(killable.data)[0], signal.SIGKILL)
    wait_until(lambda: not left("sock") | left("pages"), "where a dead child listened is left", 5)
    assert left("log") == {first}, "which may say why"
    for n in range(LOGS + 3):
        old = folder / f"media-{n}.log"
        old.write_text("")
        os.utime(old, (n, n))
    called(killable, webhook_inbox)
    (second,) = left("sock")
    killable.kill()
    os.kill(children(killable.data)[0], signal.SIGKILL)
    killable.start()
    wait_until(lambda: not left("sock") | left("pages"), "where dead children listened is left", 5)
    assert left("log") == {first, second, *(f"media-{n}" for n in range(5, LOGS + 3))}
