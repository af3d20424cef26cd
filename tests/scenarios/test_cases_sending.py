"""Faults that others had, retold: what a text may hold, and what it counts."""

import pytest

from ringback.testing import Handsets, Ringback
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


@pytest.mark.parametrize(
    ("body", "segments"),
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
def test_seg_escape_pair(line: Line, body: str, segments: int) -> None:
    """A part holds whole characters: an escape pair is never cut in two (3GPP TS 23.040 9.2.3.24.1)."""
    assert line.send(body)["ringback"] == {"segments": segments, "encoding": "gsm7"}
    assert line.phone.wait_for().body == body


@pytest.mark.parametrize(
    ("body", "segments"),
    [
        ("’" + "a" * 69, 1),
        ("’" + "a" * 70, 2),
        ("é" * 70, 1),
        ("e\u0301" * 70, 3),
        ("a" * 80 + "\r\n" + "a" * 79, 2),
        ("a" * 80 + "\n" + "a" * 79, 1),
    ],
)
def test_seg_typographic(line: Line, body: str, segments: int) -> None:
    """Nothing is replaced in silence, neither quotes nor accents nor line ends."""
    assert line.send(body)["ringback"]["segments"] == segments
    assert line.phone.wait_for().body == body
    assert line.messages()[0]["body"] == body


def test_body_is_zero(line: Line) -> None:
    """What is false in some languages is a text all the same."""
    line.send("0")
    assert line.phone.wait_for().body == "0"
    assert line.hear("0")["body"] == "0"


def test_body_nul(line: Line) -> None:
    """PostgreSQL can't store it, so no store is given it."""
    line.refused("POST", "/v1/messages", 422, field="body", body=line.text("a\x00b"))
    path = f"/sim/v1/handsets/{line.phone.id}/messages"
    line.refused("POST", path, 422, field="body", body={"to": line.number, "body": "a\x00b"})
    conversation = line.hear("hello")["conversationId"]
    line.refused(
        "PATCH", f"/v1/conversations/{conversation}", 422, field="metadata", body={"metadata": {"a": "\x00"}}
    )
    assert line.ask("GET", "/v1/conversations")["total"] == 1


def test_body_limit_is_characters(line: Line) -> None:
    assert line.send("é" * 1_600)["ringback"]["segments"] == 11
    assert len(line.phone.wait_for().body) == 1_600
    line.refused("POST", "/v1/messages", 400, 422, field="body", body=line.text("a" * 1_601))
