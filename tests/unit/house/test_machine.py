"""House rule: time, chance and threads of the server come from one place, so that a world can bring its own."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SOURCES = Path(__file__).parents[3] / "src" / "ringback"
ASKS = re.compile(
    r"\btime\.(time|time_ns|monotonic|monotonic_ns)\(|datetime\.now\(|utcnow\(|\buuid[14]\(|\brandom\."
)
OUTSIDE = ("kit/machine.py", "cli/", "testing/", "storage/postgres/", "live/postgres.py")
"""The seam itself, and what no world holds: commands, fixtures, PostgreSQL."""


def test_only_the_machine_is_asked_for_time_and_chance() -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for path in sorted(SOURCES.rglob("*.py"))
        if not (name := path.relative_to(SOURCES).as_posix()).startswith(OUTSIDE)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if ASKS.search(line)
    ]
    assert found == []
