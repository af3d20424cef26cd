import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.kit.gsm import Segments, segment, split

pytestmark = pytest.mark.unit

_EXTENSION = "\f^{}\\[~]|€"
_BODIES = st.one_of(
    st.text(),
    st.text("aé" + _EXTENSION, max_size=700),
    st.text("a’😀", max_size=400),
    st.builds(lambda run, text: "a" * run + text, st.integers(60, 320), st.text("a€😀", max_size=8)),
)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("{" * 80, 1),
        ("{" * 81, 2),
        ("]" * 153, 3),
        ("a" * 152 + "€" + "a" * 152, 3),
    ],
)
def test_seg_escape_pair(body: str, count: int) -> None:
    assert segment(body).count == count == len(split(body))


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("’" + "a" * 69, 1),
        ("’" + "a" * 70, 2),
        ("\u00e9" * 70, 1),
        ("e\u0301" * 70, 3),
        ("a" * 80 + "\r\n" + "a" * 79, 2),
        ("a" * 80 + "\n" + "a" * 79, 1),
    ],
)
def test_seg_typographic(body: str, count: int) -> None:
    assert segment(body).count == count == len(split(body))


def test_body_limit_is_characters() -> None:
    assert segment("\u00e9" * 1600) == Segments(11, "gsm7", 1600)


def test_surrogate_pairs_are_not_cut() -> None:
    assert segment("😀" * 35) == Segments(1, "ucs2", 70)
    assert segment("😀" * 36) == Segments(2, "ucs2", 72)
    assert [len(part) for part in split("😀" * 67)] == [33, 33, 1]


def test_escape_pair_moves_to_the_next_part() -> None:
    assert [len(part) for part in split("a" * 152 + "€" + "a" * 152)] == [152, 152, 1]


def test_empty_body_is_one_part() -> None:
    assert segment("") == Segments(1, "gsm7", 0)
    assert split("") == [""]


@pytest.mark.parametrize("character", ["ç", "`", "\t", "\x1b", "’", "–", "\u00a0", "😀"])
def test_characters_outside_gsm(character: str) -> None:
    assert segment(character).encoding == "ucs2"


@settings(deadline=None)
@given(_BODIES)
def test_parts_join_back_and_are_as_many_as_counted(body: str) -> None:
    parts = split(body)
    assert "".join(parts) == body
    assert len(parts) == segment(body).count


@settings(deadline=None)
@given(_BODIES)
def test_every_part_fits(body: str) -> None:
    whole, parts = segment(body), split(body)
    alone, joined = (160, 153) if whole.encoding == "gsm7" else (70, 67)
    units = [_units(part, whole.encoding) for part in parts]
    assert max(units) <= (alone if len(parts) == 1 else joined)
    assert sum(units) == whole.units
    assert all(parts) or body == ""


def _units(part: str, encoding: str) -> int:
    if encoding == "ucs2":
        return sum(2 if ch > "\uffff" else 1 for ch in part)
    return sum(2 if ch in _EXTENSION else 1 for ch in part)


def test_plain_bodies_are_counted_in_microseconds() -> None:
    body, times = "a" * 160, 2000
    began = time.perf_counter()
    for _ in range(times):
        segment(body)
    assert (time.perf_counter() - began) / times < 50e-6
