"""The import direction: what `[tool.importlinter]` says, and what its kinds of contract can't say about rooms."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
ROOMS = {
    "accounts",
    "agents",
    "calls",
    "compliance",
    "contacts",
    "conversations",
    "events",
    "feedback",
    "lookup",
    "messages",
    "numbers",
    "recordings",
    "usage",
    "verify",
    "webhooks",
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("ringback", cache_dir=None)


def imports(graph: grimp.ImportGraph) -> list[tuple[str, str]]:
    return [
        (importer, imported)
        for importer in sorted(graph.modules)
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
    ]


def part(module: str) -> str:
    """The folder or file right under the package: `ringback.numbers.store` is of `numbers`."""
    return module.split(".")[1] if "." in module else ""


def test_contracts_hold() -> None:
    """In a process of its own: the linter configures logging anew and silences every logger that is there."""
    checked = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", checked], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_simulated_network_imports_only_kit(graph: grimp.ImportGraph) -> None:
    wrong = [
        (importer, imported)
        for importer, imported in imports(graph)
        if part(importer) == "sim" and part(imported) not in ("sim", "kit", "")
    ]
    assert wrong == []


def test_engines_import_no_room(graph: grimp.ImportGraph) -> None:
    wrong = [
        (importer, imported)
        for importer, imported in imports(graph)
        if part(importer) in ("carriers", "speech", "llm", "voice") and part(imported) in ROOMS
    ]
    assert wrong == []


def test_no_room_reaches_into_another(graph: grimp.ImportGraph) -> None:
    """Between rooms only wire types and errors pass, and what happened (`events`) is everyone's word.

    An `api` is a door: it may ask another room's service, but not its store.
    """
    wrong = []
    for importer, imported in imports(graph):
        here, there = part(importer), part(imported)
        if here == there or here not in ROOMS or there not in ROOMS - {"events"}:
            continue
        name = imported.split(".")[2:3]
        if name in (["schemas"], ["errors"]) or (importer.endswith(".api") and name != ["store"]):
            continue
        wrong.append((importer, imported))
    assert wrong == []
