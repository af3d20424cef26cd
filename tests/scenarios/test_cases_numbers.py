"""Faults that others had, retold: numbers as people write them."""

import pytest

from ringback.testing import Handsets, Ringback
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("(415) 555-0104", "+14155550104"),
        ("415.555.0104", "+14155550104"),
        ("1-415-555-0104", "+14155550104"),
        ("+1 415 555 0104", "+14155550104"),
        ("tel:+1-415-555-0104", "+14155550104"),
        ("4155550104", "+14155550104"),
        ("011 44 20 7946 0018", "+442079460018"),
        ("+44 (0)20 7946 0018", "+442079460018"),
    ],
)
def test_num_national_spellings(line: Line, typed: str, e164: str) -> None:
    sent = line.send("hi", typed)
    assert sent["to_number"] == e164
    assert line.send("again", e164)["conversation_id"] == sent["conversation_id"]


@pytest.mark.parametrize("typed", ["+1 415 555 0106 ext. 4567", "+14155550106;ext=4567", "415-555-0106x4567"])
def test_num_extension(line: Line, typed: str) -> None:
    """A text can't reach an extension: neither glued on nor dropped in silence."""
    line.refused("POST", "/v1/messages", 400, 422, field="to_number", body=line.text("hi", typed))
    assert line.messages() == []


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("+39 02 1234 5678", "+390212345678"),
        ("+390212345678", "+390212345678"),
        ("011 39 02 1234 5678", "+390212345678"),
        ("+39 312 345 6789", "+393123456789"),
    ],
)
def test_num_italian_zero(line: Line, typed: str, e164: str) -> None:
    """Italy's fixed lines keep their zero."""
    assert line.send("hi", typed)["to_number"] == e164


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("+54 11 15 2345 6789", "+5491123456789"),
        ("+54 9 11 2345-6789", "+5491123456789"),
        ("+54 11 2345-6789", "+541123456789"),
    ],
)
def test_num_argentina_fifteen(line: Line, typed: str, e164: str) -> None:
    """Argentina's 15 of a mobile is a 9 seen from abroad."""
    assert line.send("hi", typed)["to_number"] == e164


@pytest.mark.parametrize(
    ("typed", "e164"), [("+1 983 555 0108", "+19835550108"), ("+1 861 555 0108", "+18615550108")]
)
def test_num_new_area_code(line: Line, typed: str, e164: str) -> None:
    """A list of assigned ranges always lags: what is possible is taken."""
    assert line.send("hi", typed)["to_number"] == e164
