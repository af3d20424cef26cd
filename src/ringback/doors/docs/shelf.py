"""The pages that are served: those of docs/, and what they lead to (`pages/` links to each, so that a wheel has them)."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "pages"
INDEX = "README"
CONTRACT = ("openapi.yaml", "ringback.yaml")
_BLOCKS = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| \[[^\]]+\]\((?P<name>[\w-]+)\.md\) \| (?P<tells>.+) \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A page as the index tells of it."""

    name: str
    title: str
    tells: str


@functools.cache
def names() -> tuple[str, ...]:
    """Every page's name."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.md")))


@functools.cache
def text_of(name: str) -> str | None:
    """A page as it was written; None where there is none."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8") if name in names() else None


@functools.cache
def served_text(name: str) -> str | None:
    """A page whose links lead to where this server has what they name. What it hasn't is named without a link, and
    pictures are left out: they show the server itself."""
    text = text_of(name)
    return None if text is None else _outside_blocks(text, lambda part: _LINK.sub(_served_link, part))


def _outside_blocks(text: str, change: Callable[[str], str]) -> str:
    return "".join(part if part.startswith("```") else change(part) for part in _BLOCKS.split(text))


def _served_link(match: re.Match[str]) -> str:
    told, (path, _, section) = match[1], match[2].partition("#")
    if match[0].startswith("!"):
        return ""
    if path.startswith(("http://", "https://")) or not path:
        return match[0]
    place = Path(path)
    known = {f"{name}.md" for name in names()} | {*CONTRACT}
    if place.name not in known or place.parent.name not in ("", "..", "contract") or path == "../README.md":
        return told
    return f"[{told}](/docs/{place.name}{'#' * bool(section)}{section})"


def contract() -> list[dict[str, Any]]:
    """The documents of the API: the vendor's, and what is ours."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [yaml.load((FOLDER / name).read_text(encoding="utf-8"), loader) for name in CONTRACT]  # noqa: S506  a safe one


def without_front(text: str) -> str:
    """A page without the block of facts that a skill begins with."""
    return _FRONT.sub("", text)


def title_of(text: str) -> str:
    """Its first heading."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1] if found else "Documentation"


def anchor(heading: str) -> str:
    """The anchor of a heading, as code forges make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@functools.cache
def contents() -> tuple[tuple[str, tuple[Entry, ...]], ...]:
    """The sections of the index, each with its pages."""
    found = []
    for heading, body in _SECTION.findall(text_of(INDEX) or ""):
        entries = tuple(
            Entry(row["name"], title_of(text_of(row["name"]) or ""), _LINK.sub(r"\1", row["tells"]))
            for row in _ROW.finditer(body)
            if row["name"] in names()
        )
        if entries:
            found.append((heading, entries))
    return tuple(found)
