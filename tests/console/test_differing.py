"""What the console tells of two texts, and where words stand in one."""

from difflib import SequenceMatcher

import pytest

from ringback.doors.console import differing
from ringback.doors.console.differing import MOST_LINES, MOST_ROWS, Line, differences
from ringback.kit.searching import around, places_of, words_of

pytestmark = pytest.mark.unit


def plain(lines: list[Line]) -> list[tuple[str, str]]:
    return [(line.kind, "".join(f"[{text}]" if hit else text for text, hit in line.pieces)) for line in lines]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("a", "a", []),
        ("", "a", [("new", "a")]),
        ("a", "", [("gone", "a")]),
        ("a\nb", "a\n\nb", [("same", "a"), ("new", ""), ("same", "b")]),
        ("Be kind.", "Be brief.", [("gone", "Be [kind]."), ("new", "Be [brief].")]),
        ("one\ntwo", "one\n2", [("same", "one"), ("gone", "[two]"), ("new", "[2]")]),
        (
            "a\nb\nc\nd\ne\nf\nold",
            "a\nb\nc\nd\ne\nf\nnew",
            [
                ("fold", "4 lines stay the same"),
                ("same", "e"),
                ("same", "f"),
                ("gone", "[old]"),
                ("new", "[new]"),
            ],
        ),
    ],
)
def test_differences(old: str, new: str, told: list[tuple[str, str]]) -> None:
    assert plain(differences(old, new).lines) == told


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lines or words each comparison was given."""
    sizes: list[int] = []

    class Counting(SequenceMatcher[str]):
        def __init__(self, junk: None, old: list[str], new: list[str], autojunk: bool = True) -> None:
            sizes.append(max(len(old), len(new)))
            super().__init__(junk, old, new, autojunk)

    monkeypatch.setattr(differing, "SequenceMatcher", Counting)
    return sizes


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n" * 100_000, "\n" * 99_999 + "x"),
        ("a " * 50_000, "b " * 50_000),
        ("a\n" * 49_000, "b\n" * 49_000),
        ("a\nb\n" * 25_000, "b\na\n" * 25_000),
        ("\n".join("a b " * 60 for _ in range(400)), "\n".join(f"{'b a ' * 60}{n}" for n in range(400))),
        ("\n".join(map(str, range(15_000))), "\n".join(map(str, range(15_000, 0, -1)))),
    ],
)
def test_the_work_on_long_prompts_is_bounded(old: str, new: str, compared: list[int]) -> None:
    told = differences(old, new)
    assert 0 < len(told.lines) <= MOST_ROWS
    assert sum(compared) <= MOST_LINES + 6_000
    if "fold" not in {line.kind for line in told.lines}:
        assert len(told.lines) + told.hidden >= len(new.splitlines())


def test_a_small_change_of_a_long_prompt_is_found(compared: list[int]) -> None:
    lines = [f"line {n}" for n in range(20_000)]
    told = differences("\n".join(lines), "\n".join([*lines[:9_000], "another", *lines[9_001:]]))
    assert plain(told.lines) == [
        ("fold", "8998 lines stay the same"),
        ("same", "line 8998"),
        ("same", "line 8999"),
        ("gone", "[line 9000]"),
        ("new", "[another]"),
        ("same", "line 9001"),
        ("same", "line 9002"),
        ("fold", "10997 lines stay the same"),
    ]
    assert told.hidden == 0
    assert max(compared) < 5


def test_words() -> None:
    assert words_of(' a  "b c" d"e  "" " " ') == ["a", "b c", 'd"e']
    assert list(places_of("Ann and ann, ANNA", ["ann", "anna"])) == [(0, 3), (8, 11), (13, 17)]
    assert around("x" * 100 + " word " + "y" * 200, ["WORD"]).count("word") == 1
    assert around("a\nshort   text", ["none"]) == "a short text"
    assert len(around("x " * 300, ["y"])) <= 161
