"""The pages that a server shows: each of docs/ has its link in the package, so that a wheel has it too."""

from pathlib import Path

import pytest

from ringback.doors.docs.shelf import FOLDER

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]


def test_every_page_is_linked_into_the_package() -> None:
    """What is missing here is made so: cd src/ringback/doors/docs/pages; ln -s ../../../../../docs/NAME.md"""
    wanted = {path.name: path for path in (ROOT / "docs").glob("*.md")}
    wanted |= {path.name: path for path in (ROOT / "contract").glob("*.yaml")}
    wanted["CHANGELOG.md"] = ROOT / "CHANGELOG.md"
    linked = {path.name: path.resolve() for path in FOLDER.iterdir()}
    assert linked == {name: path.resolve() for name, path in wanted.items()}
