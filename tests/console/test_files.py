"""What the console is made of: its colours can be read, what others wrote is what it was, and there is little script."""

import ast
import hashlib
import re
from pathlib import Path

import pytest

from ringback.doors.console import view
from tests.console.vendoring import JUDGES

pytestmark = pytest.mark.unit

HERE = view.HERE
TOKENS = (view.STATIC / "css" / "1-tokens.css").read_text(encoding="utf-8")
TEXT = [
    *(
        (name, ground)
        for name in ("text", "muted", "accent")
        for ground in ("bg", "surface", "raised", "sunken")
    ),
    *((name, ground) for name in ("good", "warn", "bad") for ground in ("surface", "bg")),
    *((name, f"{name}-soft") for name in ("good", "warn", "bad", "accent")),
    *((name, "accent-soft") for name in ("text", "muted", "good", "warn", "bad")),
    *((name, "good-soft") for name in ("text", "muted", "accent")),
    *((name, "bad-soft") for name in ("text", "muted", "accent")),
    *((name, "bubble-in") for name in ("text", "muted")),
    ("on-bubble-out", "bubble-out"),
    ("on-accent", "accent"),
    ("surface", "good"),
    ("surface", "bad"),
]


def colours(theme: str) -> dict[str, str]:
    block = TOKENS.split(':root[data-theme="dark"]')[theme == "dark"]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def _light(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    low, high = sorted((_light(one), _light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str) -> None:
    known = colours(theme)
    poor = {pair: contrast(known[pair[0]], known[pair[1]]) for pair in TEXT}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


def test_no_pair_of_colours_is_forgotten() -> None:
    """What a rule writes in one token on the ground of another is in the list above."""
    told = set()
    for path in (view.STATIC / "css").glob("*.css"):
        for rule in re.findall(r"\{([^{}]*)\}", path.read_text(encoding="utf-8")):
            text = re.search(r"(?<![\w-])color: var\(--([\w-]+)\)", rule)
            ground = re.search(r"background(?:-color)?: var\(--([\w-]+)\)", rule)
            if text and ground:
                told.add((text[1], ground[1]))
    assert told
    assert told - set(TEXT) == set()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_controls_can_be_seen(theme: str) -> None:
    """Edges of controls, and the bars of latency on their ground (WCAG 2.2, 1.4.11)."""
    known = colours(theme)
    seen = [("edge", ground) for ground in ("bg", "surface", "raised", "sunken")]
    seen += [("accent", "sunken"), ("warn", "sunken")]
    poor = {pair: contrast(known[pair[0]], known[pair[1]]) for pair in seen}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 3} == {}


@pytest.mark.parametrize(("root", "folders"), [(view.STATIC, ("vendor", "fonts")), (JUDGES, (".",))])
def test_what_others_wrote_is_as_it_was(root: Path, folders: tuple[str, ...]) -> None:
    locked = [
        line.split("  ") for line in (root / "vendor.lock").read_text(encoding="utf-8").splitlines() if line
    ]
    found = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name, *_ in locked}
    assert found == {name: digest for name, _, _, digest in locked}
    theirs = {
        path.relative_to(root).as_posix()
        for folder in folders
        for path in (root / folder).rglob("*")
        if path.is_file() and "LICENSE" not in path.name and path.name != "vendor.lock"
    }
    assert theirs == set(found)


def test_script_stays_small() -> None:
    modules = sorted((view.STATIC / "js").glob("*.js"))
    assert len(modules) <= 12
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in modules) <= 1_500
    for path in modules:
        told = path.read_text(encoding="utf-8")
        assert not re.findall(
            r"innerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function", told
        ), path.name


def test_what_every_page_has_is_one_file() -> None:
    """Nothing of a module is left that only a module of its own could have, and nothing is asked for twice."""
    joined = view.files()["js/console.js"].content.decode()
    assert re.findall(r"^(?:import|export)\b", joined, re.MULTILINE) == []
    inside = re.findall(r"^modules\.(\w+) = ", joined, re.MULTILINE)
    assert "console" in inside
    assert len(inside) == len({*inside})
    for name in {path.stem for path in view.SCRIPTS.glob("*.js")} - {*inside}:
        told = view.files()[f"js/{name}.js"].content.decode()
        assert not {*re.findall(r'"\./(\w+)\.js"', told)} & {*inside}, name


def _python() -> list[Path]:
    return sorted(HERE.rglob("*.py"))


def test_pages_know_no_sql() -> None:
    """They ask the API; nothing of the store is imported but its types."""
    wrong = []
    for path in _python():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                named = [node.module or ""]
            wrong += [
                (path.name, name)
                for name in named
                if re.match(r"sqlalchemy|ringback\.(storage\.(?!sealing)|flows|sim)", name)
            ]
    assert wrong == []


def test_nothing_is_marked_safe_but_what_was_rendered_here() -> None:
    """`|safe` stands behind the names of pieces that a template rendered."""
    pieces = {"home", "activity", "numbers", "offers", "agents", "listed", "timeline", "calls", "body", "recording", "facts"} | {
        "deliveries", "endpoints", "caught", "checks", "keys", "subs", "shown", "events", "handset.thread", "handset.call", "handset.others", "trial.thread", "tools"
    }  # fmt: skip
    found = set()
    for path in (HERE / "templates").rglob("*.html"):
        found |= set(re.findall(r"\{\{ ([\w.]+)\|safe \}\}", path.read_text(encoding="utf-8")))
        assert path.read_text(encoding="utf-8").count("|safe") == len(
            re.findall(r"\{\{ [\w.]+\|safe \}\}", path.read_text(encoding="utf-8"))
        ), path.name
    assert found <= pieces


def test_icons_are_there() -> None:
    told = " ".join(path.read_text(encoding="utf-8") for path in HERE.rglob("*.html"))
    for name in set(re.findall(r'icon\("([\w-]+)"', told)):
        assert "<svg" in view.icon(name)
