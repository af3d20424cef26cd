"""Faults that others had, retold: what a text may hold, and what it counts."""

import pytest

from ringback.testing import Handsets, Ringback, WebhookInbox
from tests.phones import until
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def segments_used(line: Line) -> int:
    used: int = line.ask("GET", "/v1/usage")["stats"]["smsSegmentsLast30d"]
    return used


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
    before = segments_used(line)
    extras = {"segments": segments, "encoding": "gsm7", "estimatedSendAt": None}
    assert line.send(body)["ringback"] == extras
    assert line.phone.wait_for().body == body
    assert segments_used(line) == before + segments
    line.phone.text(line.number, body)
    until(lambda: segments_used(line) == before + 2 * segments)


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
    before = segments_used(line)
    assert line.send(body)["ringback"]["segments"] == segments
    assert line.phone.wait_for().body == body
    assert line.messages()[0]["body"] == body
    assert segments_used(line) == before + segments
    assert line.hear(body)["body"] == body


def test_body_is_zero(line: Line, webhook_inbox: WebhookInbox) -> None:
    """What is false in some languages is a text all the same."""
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    line.send("0")
    assert line.phone.wait_for().body == "0"
    assert line.hear("0")["body"] == "0"
    assert webhook_inbox.wait_for("agent.message").body["data"]["message"] == "0"


def test_other_values_that_are_false(line: Line) -> None:
    """Zero, false, the empty text and the empty object are values; only null and what is absent were not given."""
    agent = line.ask(
        "POST", "/v1/agents", {"name": "0", "enableMessaging": False, "interruptionSensitivity": 0}
    )
    assert (agent["name"], agent["enableMessaging"], agent["interruptionSensitivity"]) == ("0", False, 0)
    number = line.ask("PATCH", f"/v1/numbers/{line.number_id}", {"externalId": "0"})
    assert number["externalId"] == "0"
    webhook = line.ask("POST", "/v1/webhooks", {"url": "http://127.0.0.1:9/", "contextLimit": 0})
    assert webhook["contextLimit"] == 0
    contact = line.ask(
        "POST", "/v1/contacts", {"phoneNumber": "+14155550112", "name": "0", "notes": "0"}, 201
    )
    assert (contact["name"], contact["notes"]) == ("0", "0")
    assert [found["id"] for found in line.ask("GET", "/v1/contacts?search=0")["data"]] == [contact["id"]]
    path = f"/v1/conversations/{line.hear('0')['conversationId']}"
    for metadata in ({"a": 0, "b": False, "c": "", "d": None, "e": [], "f": {}}, {}):
        assert line.ask("PATCH", path, {"metadata": metadata})["metadata"] == metadata
        assert line.ask("GET", path)["metadata"] == metadata
    for field, body in (
        ("limit", "/v1/numbers?limit=0"),
        ("hours", "/v1/webhooks/deliveries?hours=0"),
        ("days", "/v1/usage/daily?days=0"),
        ("months", "/v1/usage/monthly?months=0"),
    ):
        line.refused("GET", body, 422, field=field)
    line.refused(
        "POST", "/v1/webhooks", 422, field="timeout", body={"url": "http://127.0.0.1:9/", "timeout": 0}
    )
    extras = {**line.text("x"), "ringback": {"validitySeconds": 0}}
    line.refused("POST", "/v1/messages", 422, field="ringback.validitySeconds", body=extras)


def test_body_nul(line: Line) -> None:
    """PostgreSQL can't store it, so no store is given it."""
    line.refused("POST", "/v1/messages", 422, field="body", body=line.text("a\x00b"))
    path = f"/sim/v1/handsets/{line.phone.id}/messages"
    line.refused("POST", path, 422, field="body", body={"to": line.number, "body": "a\x00b"})
    contact = {"phoneNumber": "+14155550102", "name": "A\x00"}
    line.refused("POST", "/v1/contacts", 422, field="name", body=contact)
    line.refused("GET", "/v1/contacts?search=%00", 422, field="search")
    conversation = line.hear("hello")["conversationId"]
    line.refused(
        "PATCH", f"/v1/conversations/{conversation}", 422, field="metadata", body={"metadata": {"a": "\x00"}}
    )
    assert line.ask("GET", "/v1/conversations")["total"] == 1


def test_a_text_that_nobody_can_see(line: Line) -> None:
    """Carriers refuse one without a body, and a phone shows the same for one of spaces. With media it has something."""
    for body in ("", " ", "\r\n\t", "\u200b\u2060", "\N{NO-BREAK SPACE}\N{HANGUL FILLER}"):
        line.refused("POST", "/v1/messages", 422, field="body", body=line.text(body))
    assert line.messages() == []
    line.ask("POST", "/v1/messages", line.text(" ") | {"media_urls": ["http://127.0.0.1:9/x.png"]})
    assert line.send(" . ")["status"] == "queued"
    assert line.messages()[0]["body"] == " . "


@pytest.mark.parametrize("typed", ["1" * 64, "0" * 20, "1111111111911"])
def test_many_digits_are_no_emergency_number(line: Line, typed: str) -> None:
    error = line.refused("POST", "/v1/messages", 422, field="to_number", body=line.text("x", typed))
    assert error["code"] == "VALIDATION_ERROR"


def test_a_mexican_mobile_as_it_was_once_dialled(line: Line) -> None:
    """One person, and one opt-out, whether or not the 1 of old stands after 52."""
    sent = [line.send("Hola", to) for to in ("+52 1 55 1234 5678", "+52 55 1234 5678")]
    assert {text["to_number"] for text in sent} == {"+525512345678"}
    assert len({text["conversation_id"] for text in sent}) == 1


def test_body_limit_is_characters(line: Line) -> None:
    assert line.send("é" * 1_600)["ringback"]["segments"] == 11
    assert len(line.phone.wait_for().body) == 1_600
    line.refused("POST", "/v1/messages", 400, 422, field="body", body=line.text("a" * 1_601))


def test_a_character_is_a_code_point(line: Line) -> None:
    """One beyond U+FFFF counts one towards the limit, although it takes two units of a segment, or four bytes."""
    extras = {"segments": 49, "encoding": "ucs2", "estimatedSendAt": None}
    assert line.send("😀" * 1_600)["ringback"] == extras
    line.refused("POST", "/v1/messages", 422, field="body", body=line.text("😀" * 1_601))
    line.ask("PATCH", f"/v1/agents/{line.agent_id}", {"name": "李" * 200})
    line.refused("PATCH", f"/v1/agents/{line.agent_id}", 422, field="name", body={"name": "a" * 201})
    contact = {"phoneNumber": "+14155550112", "name": "😀" * 200, "notes": "é" * 4_000}
    assert line.ask("POST", "/v1/contacts", contact, 201)["name"] == "😀" * 200
