"""Locks that name no host: any index may serve what they pin, and the hash tells whether it is that."""

import json
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
NODE = ROOT / "tests/conformance/npm/package-lock.json"


@pytest.mark.parametrize("lock", [*sorted((ROOT / "locks").glob("*.txt")), NODE], ids=lambda lock: lock.name)
def test_no_host_is_named(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert re.findall(r"\w+://\S+|--(?:extra-)?index-url|\"resolved\"", text) == []


@pytest.mark.parametrize("lock", sorted((ROOT / "locks").glob("*.txt")), ids=lambda lock: lock.name)
def test_every_package_has_hashes(lock: Path) -> None:
    pinned = re.split(r"^(?=\S)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert pinned
    assert [entry.split()[0] for entry in pinned if "--hash=sha256:" not in entry] == []


def test_every_package_of_node_has_a_hash() -> None:
    packages = json.loads(NODE.read_text(encoding="utf-8"))["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
