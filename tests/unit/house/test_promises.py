"""docs/promises.md names tests, and these are there."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/promises.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("path", "test"), sorted(set(NAMED)))
def test_it_is_there(path: str, test: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {test}\(", source, re.MULTILINE)


def test_every_promise_names_one() -> None:
    page = (ROOT / "docs/promises.md").read_text(encoding="utf-8")
    rows = [
        line
        for line in page.splitlines()
        if line.startswith("| ") and not line.startswith(("| Promise", "| ---"))
    ]
    assert len(rows) > 15
    assert [row for row in rows if "::" not in row] == []
