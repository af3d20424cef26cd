"""vercel-labs/emulate's Twilio emulator, from npm: it creates a text when asked, and its status changes when asked again.

The registry's tag `latest` may name another program, so the version is fixed. It refuses everything after 5,000 requests.
"""

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.peers.peer import Peer, Running
from bench.peers.programs import Counter, Program, folder, free_ports
from bench.server import ROOT

PACKAGE = "emulate@0.12.2"
_ACCOUNT = "AC" + "0" * 32
_TOKEN = "twilio_test_auth_token"
_JUDGES = ROOT / ".venv" / "judges" / "bin"
_SEED = """\
twilio:
  account: {{sid: {account}, auth_token: {token}}}
  phone_numbers:
    - {{phone_number: "+15551234567", sms_url: "http://127.0.0.1:{port}/texts"}}
"""


def _node() -> Path | None:
    """One that is new enough: the judges' (`make test` brings it), or the path's."""
    for path in (str(_JUDGES), os.environ["PATH"]):
        found = shutil.which("node", path=path)
        if found is None:
            continue
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        version = [int(part) for part in said.strip().removeprefix("v").split(".") if part.isdigit()]
        if version >= [22, 15]:
            return Path(found)
    return None


@cache
def _installed() -> Path:
    """The program, fetched from npm into a folder that lives as long as this process."""
    node = _node()
    assert node is not None
    place = tempfile.TemporaryDirectory(prefix="ringback-emulate-")
    _kept.append(place)
    path = os.pathsep.join([str(node.parent), os.environ["PATH"]])
    subprocess.run(
        [node.parent / "npm", "install", "--silent", "--no-audit", "--no-fund", PACKAGE],
        cwd=place.name,
        env={**os.environ, "PATH": path},
        check=True,
    )
    return Path(place.name) / "node_modules" / "emulate" / "dist" / "index.js"


_kept: list[tempfile.TemporaryDirectory[str]] = []


def _missing() -> str | None:
    return None if _node() else "Node 22.15 or newer: `make .venv/judges/installed`"


@contextlib.contextmanager
def _started() -> Iterator[Running]:
    program, node = _installed(), _node()
    assert node is not None
    [port] = free_ports(1)
    with folder() as place, contextlib.ExitStack() as stack:
        receipts = Counter("bench.peers.receipts")
        stack.callback(receipts.stop)
        seed = place / "seed.yaml"
        seed.write_text(_SEED.format(account=_ACCOUNT, token=_TOKEN, port=receipts.port))
        running = Program(
            [node, program, "start", "--service", "twilio", "--port", str(port), "--seed", seed], place
        )
        stack.callback(running.stop)
        running.wait_for(port)
        callback = f"http://127.0.0.1:{receipts.port}/status"
        yield Running(
            port,
            (_text(n, callback) for n in itertools.count()),
            receipts.ask,
            cpu_s=running.cpu_s,
            rss_mb=running.rss_mb,
            sent=lambda: _halved(receipts.ask()),
            each=2,
            follow=_deliver,
        )


def _halved(receipts: dict[str, Any]) -> dict[str, Any]:
    """It has no carrier: a text is as good as sent when both its webhooks are."""
    return {**receipts, "count": receipts["count"] // 2}


def _text(n: int, callback: str) -> bytes:
    asked = {
        "To": f"+1555{n:07d}",
        "From": "+15551234567",
        "Body": f"Your table is ready, number {n}.",
        "StatusCallback": callback,
    }
    return _post(f"/2010-04-01/Accounts/{_ACCOUNT}/Messages.json", asked)


def _deliver(answer: bytes) -> bytes | None:
    """After the answer to a text comes the request that it be delivered, and after that one nothing."""
    at = answer.find(b"{")
    made, _ = json.JSONDecoder().raw_decode(answer[max(at, 0) :].decode())
    if made.get("status") != "queued":
        return None
    return _post("/_twilio/simulate/message-status", {"MessageSid": made["sid"], "Status": "delivered"})


def _post(path: str, form: dict[str, str]) -> bytes:
    body = urlencode(form).encode()
    credentials = base64.b64encode(f"{_ACCOUNT}:{_TOKEN}".encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {credentials}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def peers() -> list[Peer]:
    return [
        Peer(
            "emulate, two webhooks",
            "keeps all in memory; a text is created, and delivered by a second request; each answers after its webhook",
            texts=2_000,
            connections=16,
            start=_started,
            missing=_missing,
        )
    ]
