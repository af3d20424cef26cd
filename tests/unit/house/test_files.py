"""House rules on files: names that say something, files one can read at once, tests that say their kind."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "manager"}
MAX_LINES = {"src": 350, "bench": 350, "examples": 350, "tests": 600}
"""A list of plain tests is read by looking up one of them, so it may be longer than a source."""
# Spelled so that this file does not hold them itself.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:wo[r]k|ro[o]t)/")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def sources() -> list[Path]:
    return [
        path
        for folder in ("src", "tests", "bench", "examples")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_named_for_nothing() -> None:
    assert [shown(path) for path in sources() if EMPTY_NAMES & {path.stem, path.parent.name}] == []


def test_files_can_be_read_at_once() -> None:
    """A migration is one step and is never rewritten, so its length is its own."""
    long = {
        shown(path): lines
        for path in sources()
        if path.parent.name != "versions"
        and (lines := path.read_bytes().count(b"\n")) > MAX_LINES[path.relative_to(ROOT).parts[0]]
    }
    assert long == {}


def kind(path: Path) -> str | None:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(
            getattr(name, "id", "") == "pytestmark" for name in node.targets
        ):
            return ast.unparse(node.value)
    return None


def test_every_test_module_says_its_kind() -> None:
    kinds = "unit|contract|conformance|scenario|fault|world|fuzz|browser"
    silent = [
        shown(path)
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if not re.search(rf"pytest\.mark\.({kinds})\b", kind(path) or "")
    ]
    assert silent == []


def test_nothing_names_a_path_of_the_machine_it_was_written_on() -> None:
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content[:8192] and MACHINE_PATHS.search(content.decode("utf-8", "replace")):
            found.append(shown(path))
    assert found == []


def test_nothing_that_opens_secrets_can_be_committed_by_mistake() -> None:
    """What the page on backups writes in this folder."""
    page = (ROOT / "docs/self-hosting.md").read_text(encoding="utf-8")
    written = re.findall(r"ringback backup (\S+)|--data (\S+)", page)
    names = {name.partition("/")[0] for pair in written for name in pair if name}
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {"ringback-backup.zip", "restored"} <= names
    assert [name for name in names if not {f"/{name}", f"/{name}/"} & {*ignored}] == []


def test_pages_install_from_the_clone() -> None:
    """Ringback is on no index: `pip install 'ringback[...]'` finds nothing, or somebody else's."""
    told = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", *(ROOT / "src").rglob("*.py")]
    assert [shown(path) for path in told if "install 'ringback[" in path.read_text(encoding="utf-8")] == []
