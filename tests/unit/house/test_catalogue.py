"""The catalogue of events is what is written, and what docs/events.md tells."""

import ast
from pathlib import Path

import pytest

import ringback
from ringback.events.catalogue import CATALOGUE
from tests.unit.house.test_doc_tables import names, rows

pytestmark = pytest.mark.unit

SOURCE = Path(ringback.__file__).parent
OWN = {"tx", "account_id", "type_", "counts", "about_agent"}


def written() -> list[tuple[str, set[str], str]]:
    """Every call of `record`: its type (with `*` for what is computed), the names of its data, and where it is."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "record":
                type_ = node.args[2]
                if isinstance(type_, ast.JoinedStr):
                    text = "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "*" for part in type_.values
                    )
                elif isinstance(type_, ast.Constant):
                    text = str(type_.value)
                else:
                    text = "*"
                data = {keyword.arg or "" for keyword in node.keywords} - OWN
                found.append((text, data, f"{path.relative_to(SOURCE)}:{node.lineno}"))
    return found


def test_what_is_written_is_in_the_catalogue() -> None:
    calls = written()
    assert len(calls) > 25
    for text, data, where in calls:
        head, _, tail = text.partition("*")
        fitting = [
            name
            for name in CATALOGUE
            if name == text or ("*" in text and name.startswith(head) and name.endswith(tail))
        ]
        assert fitting, f"{where}: {text} is in no catalogue"
        assert any(set(CATALOGUE[name].fields) == data for name in fitting), (
            f"{where}: {text} has {sorted(data)}"
        )


def test_the_page_tells_the_catalogue() -> None:
    page = (Path(__file__).parents[3] / "docs/events.md").read_text(encoding="utf-8")
    told = {row[0].strip("`"): set(names(row[2])) for row in rows(page) if "." in row[0]}
    assert told == {name: set(kind.fields) for name, kind in CATALOGUE.items()}
