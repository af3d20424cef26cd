"""docs/clients.md: what a reader copies is run with the client that it is for, against a real server.

The programs of the tool packs are run in tests/conformance/packs, where the frameworks are loaded already.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ringback.testing import Handsets, Ringback
from tests.conformance.npm.sdk import JUDGES, node
from tests.scenarios.pages import PORT, blocks

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]
PAGE = "docs/clients.md"
SYNC, ASYNC, *_ = blocks(PAGE, "python")
NPM, ADAPTER = blocks(PAGE, "javascript")


@pytest.fixture
def judges() -> Path:
    if not (JUDGES / "installed").exists():
        pytest.skip("the vendor's other clients are not installed: make .venv/judges/installed")
    return JUDGES


def run(ringback: Ringback, *command: str, cwd: Path | None = None) -> str:
    """What a program of the page says that finds this server in its environment."""
    told = os.environ | {"RINGBACK_URL": ringback.base_url, "RINGBACK_API_KEY": ringback.api_key}
    done = subprocess.run(
        command, cwd=cwd, env=told, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def numbers(ringback: Ringback) -> list[Any]:
    return list(ringback.client().numbers.list().data)


def test_python(ringback: Ringback) -> None:
    said = run(ringback, sys.executable, "-W", "error", "-c", SYNC).strip()
    [number] = numbers(ringback)
    assert (number.phone_number, said[:5]) == (said, "+1415")
    assert run(ringback, sys.executable, "-W", "error", "-c", ASYNC).strip() == said


def test_typescript(ringback: Ringback, handset: Handsets, judges: Path) -> None:
    phone = handset("+14155550123")
    program = (node(), "--input-type=module", "--eval", NPM)
    for _ in range(2):  # it can be run again
        said = run(ringback, *program, cwd=judges / "npm")
        number = numbers(ringback)[0]
        assert said == f"{number.phone_number} sms\n"
        assert phone.wait_for().body == "Your table is ready."


def test_settings_of_what_can_not_be_installed(judges: Path) -> None:
    [config] = blocks(PAGE, "json")
    told = json.loads(config)["mcpServers"]["agentphone"]["env"]
    assert told.keys() == {"AGENTPHONE_API_KEY", "AGENTPHONE_BASE_URL"}
    assert told["AGENTPHONE_BASE_URL"] == f"http://127.0.0.1:{PORT}"
    checked = subprocess.run(
        [node(), "--input-type=module", "--check", "-"],
        input=ADAPTER,
        text=True,
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert set(re.findall(r"^  (\w+):", ADAPTER, re.MULTILINE)) == {
        "agentId",
        "apiKey",
        "apiUrl",
        "webhookSecret",
    }
    [convex] = blocks(PAGE, "text")
    assert re.findall(r"env set (\w+)", convex) == ["AGENTPHONE_API_KEY", "AGENTPHONE_BASE_URL"]


def test_address_and_key_are_put_where_programs_find_them(ringback: Ringback, tmp_path: Path) -> None:
    [export] = blocks(PAGE, "bash")
    (tmp_path / "ringback-data").symlink_to(ringback.settings.data)
    shown = subprocess.run(
        ["bash", "-ec", f'{export}echo "$RINGBACK_URL $RINGBACK_API_KEY"'],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert shown.stdout == f"http://127.0.0.1:{PORT} {ringback.api_key}\n"
