"""docs/self-hosting.md: its commands start a server on PostgreSQL."""

from pathlib import Path

import pytest

from tests.postgres import databases, empty_postgres_url
from tests.scenarios.pages import Desk, blocks, lines_to, stopping

__all__ = ["databases", "empty_postgres_url"]
pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]
EXAMPLE = "postgresql://ringback:secret@db.internal/ringback"


def test_a_server_starts_on_postgresql(tmp_path: Path, empty_postgres_url: str) -> None:
    [commands] = blocks("docs/self-hosting.md", "bash")
    assert EXAMPLE in commands
    desk = Desk(tmp_path)
    desk.env |= {"RINGBACK_PORT": str(desk.port)}
    # `exec`, so that the signal that stops it reaches the server and not its shell.
    typed = commands.replace(EXAMPLE, empty_postgres_url).replace("\n.venv/bin", "\nexec .venv/bin")
    with stopping(desk.start("bash", "-ec", typed)) as process:
        lines_to(process, "Next")
        export = typed.split("\n", 1)[0]
        assert "PostgreSQL" in desk.shell(export, ".venv/bin/ringback check")
