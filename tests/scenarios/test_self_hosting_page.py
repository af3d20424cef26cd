"""docs/self-hosting.md: its commands start a server on PostgreSQL, whole or in roles, and back one up."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from configparser import ConfigParser
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from ringback.cli.serve import serve
from ringback.doors.mcp.calls import MakeConversationCall
from ringback.settings import Settings
from tests.postgres import databases, empty_postgres_url
from tests.scenarios.pages import PORT, Desk, blocks, lines_to, served, stopping

__all__ = ["databases", "empty_postgres_url"]
pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]
EXAMPLE = "postgresql://ringback:secret@db.internal/ringback"
ON_POSTGRES, BACK_UP, ROLES = blocks("docs/self-hosting.md", "bash")


def test_a_server_starts_on_postgresql(tmp_path: Path, empty_postgres_url: str) -> None:
    assert EXAMPLE in ON_POSTGRES
    desk = Desk(tmp_path)
    desk.env |= {"RINGBACK_PORT": str(desk.port)}
    # `exec`, so that the signal that stops it reaches the server and not its shell.
    typed = ON_POSTGRES.replace(EXAMPLE, empty_postgres_url).replace("\n.venv/bin", "\nexec .venv/bin")
    with stopping(desk.start("bash", "-ec", typed)) as process:
        lines_to(process, "Next")
        export = typed.split("\n", 1)[0]
        assert "PostgreSQL" in desk.shell(export, ".venv/bin/ringback check")


def ask(url: str, key: str, path: str, body: dict[str, str] | None = None) -> Any:
    """What a server answers to a GET, or to the POST of a body."""
    given = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with urlopen(Request(url + path, given, headers), timeout=10) as answer:
        return json.load(answer)


def test_a_backup_of_a_running_server_is_that_server_again(tmp_path: Path) -> None:
    with served(tmp_path) as desk:
        key, url = (tmp_path / "ringback-data/first-key").read_text().strip(), desk.env["RINGBACK_URL"]
        made = [
            ask(url, key, "/v1/agents", {"name": "Kept"}),
            ask(url, key, "/v1/webhooks", {"url": f"{url}/"}),
        ]
        handsets = ask(url, key, "/sim/v1/handsets")
        *kept, again = BACK_UP.splitlines()
        desk.shell("\n".join(kept))
    with stopping(desk.start(*again.split(), "--port", str(desk.port))) as process:
        lines_to(process, "Next")
        assert ask(url, key, "/v1/agents")["data"] == [made[0]]
        assert ask(url, key, "/v1/webhooks") == made[1], "its secret is sealed with the key that was copied"
        assert ask(url, key, "/sim/v1/handsets") == handsets


def test_one_process_of_each_role_sends_a_text(tmp_path: Path, empty_postgres_url: str) -> None:
    desk = Desk(tmp_path)
    desk.env |= {"RINGBACK_DATABASE_URL": empty_postgres_url}
    ports = {port: free_port() for port in sorted(set(re.findall(r"\b86\d\d\b", ROLES)))}
    assert len(ports) == 5
    typed = re.sub(r"\b86\d\d\b", lambda port: str(ports[port[0]]), ROLES)
    with (tmp_path / "log").open("w") as log:
        shell = subprocess.Popen(
            ["bash", "-c", f"{typed}wait"],
            cwd=tmp_path, env=desk.env, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{ports[PORT]}"
        for role in ("8642", "8652", "8662", "8672"):
            until_ready(f"http://127.0.0.1:{ports[role]}")
        key = (tmp_path / "data/api/first-key").read_text().strip()
        number = ask(url, key, "/v1/numbers", {})
        text = {"number_id": number["id"], "to_number": "+14155550199", "body": "From roles"}
        ask(url, key, "/v1/messages", text)
        status = ""
        for _ in range(100):
            [message] = ask(url, key, f"/v1/numbers/{number['id']}/messages")["data"]
            status = message["status"]
            if status == "delivered":
                break
            time.sleep(0.1)
        assert status == "delivered"
    finally:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()


def test_the_lines_for_a_proxy_and_a_supervisor_fit_the_server() -> None:
    """Neither program is here to run them; what they must let through, the server says itself."""
    [proxy], [unit] = blocks("docs/self-hosting.md", "nginx"), blocks("docs/self-hosting.md", "ini")
    told = dict(re.findall(r"^    (proxy_set_header \S+|\S+) (.+);$", proxy, re.MULTILINE))
    assert told["proxy_pass"] == f"http://127.0.0.1:{PORT}"
    assert told["proxy_set_header Host"] == "$host"
    assert (told["proxy_set_header Upgrade"], told["proxy_set_header Connection"]) == (
        "$http_upgrade",
        "$http_connection",
    )
    longest = MakeConversationCall.schema_of()["properties"]["max_wait_seconds"]["anyOf"][0]["maximum"]
    assert int(told["proxy_read_timeout"].rstrip("s")) > longest
    service = ConfigParser()
    service.optionxform = str  # type: ignore[assignment, method-assign]
    service.read_string(unit)
    folder = Path(service["Service"]["WorkingDirectory"])
    assert service["Service"]["ExecStart"].split() == [str(folder / ".venv/bin/ringback"), serve.name]
    wanted = Settings.model_fields["max_connections"].default + 500
    assert int(service["Service"]["LimitNOFILE"]) >= wanted


def until_ready(url: str) -> None:
    for _ in range(300):
        try:
            urlopen(f"{url}/readyz", timeout=5).close()
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} never got ready")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
