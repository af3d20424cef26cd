"""Faults that others had, retold: one for two spellings, and what is kept with it."""

import pytest

from ringback.testing import Handsets, Ringback, WebhookInbox
from tests.phones import until
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


def test_conv_two_spellings(line: Line, handset: Handsets) -> None:
    phone = handset(number="+14155550112")
    ids = {
        line.send("hi", typed)["conversation_id"]
        for typed in ("+14155550112", "4155550112", "(415) 555-0112")
    }
    phone.text(line.number, "4")
    [conversation_id] = ids
    path = f"/v1/conversations/{conversation_id}"
    until(lambda: line.ask("GET", path)["messageCount"] == 4)
    assert line.ask("GET", path)["participant"] == "+14155550112"
    assert line.ask("GET", "/v1/conversations")["total"] == 1


def test_each_conversation_says_whether_it_can_be_answered(line: Line, handset: Handsets) -> None:
    other = handset(number="+14155550113")
    line.hear("STOP")
    other.text(line.number, "hi")
    until(lambda: line.ask("GET", "/v1/conversations")["total"] == 2)
    listed = {each["participant"]: each for each in line.ask("GET", "/v1/conversations")["data"]}
    for number, reason in ((line.phone.number, "the recipient opted out"), (other.number, None)):
        told = listed[number]["capabilities"]
        assert (told["canSendMessages"], told["sendDisabledReason"]) == (reason is None, reason)
        assert line.ask("GET", f"/v1/conversations/{listed[number]['id']}")["capabilities"] == told


def test_conv_metadata_replaced_whole(line: Line, webhook_inbox: WebhookInbox) -> None:
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    path = f"/v1/conversations/{line.hear('hi')['conversationId']}"
    assert webhook_inbox.wait_for().body["conversationState"] is None
    assert line.ask("PATCH", path, {"metadata": {"a": 1}})["metadata"] == {"a": 1}
    line.hear("a?")
    assert webhook_inbox.wait_for().body["conversationState"] == {"a": 1}
    assert line.ask("PATCH", path, {"metadata": {"b": 2}})["metadata"] == {"b": 2}
    line.ask("PATCH", path, {})
    assert line.ask("GET", path)["metadata"] == {"b": 2}
    line.hear("state?")
    assert webhook_inbox.wait_for().body["conversationState"] == {"b": 2}
    line.ask("PATCH", path, {"metadata": None})
    assert line.ask("GET", path)["metadata"] is None
    line.hear("none?")
    assert webhook_inbox.wait_for().body["conversationState"] is None


def test_what_is_not_given_stays(line: Line) -> None:
    """Every PATCH changes what it names, and clears what it names as null, where that may be empty."""
    agent = f"/v1/agents/{line.agent_id}"
    line.ask("PATCH", agent, {"description": "d", "transferNumber": "+14155550112", "voiceSpeed": 1.5})
    line.ask("PATCH", agent, {"description": None})
    found = line.ask("PATCH", agent, {})
    assert (found["name"], found["description"]) == ("Ada", None)
    assert (found["transferNumber"], found["voiceSpeed"]) == ("+14155550112", 1.5)
    assert line.ask("PATCH", agent, {"transferNumber": "", "voiceSpeed": None})["transferNumber"] is None
    assert line.ask("GET", agent)["voiceSpeed"] == 1.0
    number = f"/v1/numbers/{line.number_id}"
    line.ask("PATCH", number, {"externalId": "e", "expiresAt": "2099-01-01T00:00:00Z"})
    assert line.ask("PATCH", number, {"expiresAt": None})["externalId"] == "e"
    found = line.ask("PATCH", number, {"externalId": None})
    assert found.get("expiresAt") is None
    assert found.get("externalId") is None
    made = {"phoneNumber": "+14155550112", "name": "Ann", "email": "ann@example.com", "notes": "n"}
    contact = f"/v1/contacts/{line.ask('POST', '/v1/contacts', made, 201)['id']}"
    found = line.ask("PATCH", contact, {"notes": None})
    assert (found["name"], found["email"], found.get("notes")) == ("Ann", "ann@example.com", None)
    phone = f"/sim/v1/handsets/{line.phone.id}"
    line.ask("PATCH", phone, {"name": "n", "personality": "echo"})
    found = line.ask("PATCH", phone, {"name": None})
    assert (found["name"], found["personality"]) == (None, "echo")


def test_conv_metadata_faithful(line: Line, webhook_inbox: WebhookInbox) -> None:
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    path = f"/v1/conversations/{line.hear('hi')['conversationId']}"
    odd = {
        "f": 0.1,
        "e": 1e-07,
        "": "empty",
        "a.b": {"$ne": None},
        "__proto__": {"x": 1},
        "é": [[], {}, None, True],
    }
    line.ask("PATCH", path, {"metadata": odd})
    assert line.ask("GET", path)["metadata"] == odd
    line.hear("state?")
    webhook_inbox.wait_for()
    assert webhook_inbox.wait_for().body["conversationState"] == odd
    big = {"big": 12345678901234567890123, "min": -9223372036854775809}
    answer = line.ringback.request("PATCH", path, json={"metadata": big})
    kept = line.ask("GET", path)["metadata"]
    assert (answer.status == 200 and kept == big) or (answer.status == 422 and kept == odd)
    assert line.ask("GET", "/v1/conversations")["total"] == 1
    assert line.ask("GET", "/v1/conversations")["data"][0]["metadata"] == kept
    line.hear("big?")
    assert webhook_inbox.wait_for().body["conversationState"] == kept


@pytest.mark.parametrize(
    "value",
    [
        1e308,
        -0.0,
        5e-324,
        2**53 + 1,
        0.1 + 0.2,
        "\u2028\u2029",
        "e\u0301",
        "\ufeff",
        "1e5",
        [1, 1.0, True, "1"],
    ],
)
def test_metadata_of_every_kind(line: Line, value: object) -> None:
    """The very value: no rounding, no other spelling of a text, nothing taken for something else."""
    path = f"/v1/conversations/{line.hear('hi')['conversationId']}"
    line.ask("PATCH", path, {"metadata": {"value": value}})
    assert repr(line.ask("GET", path)["metadata"]["value"]) == repr(value)


@pytest.mark.parametrize(
    "text", ["  padded  ", "e\u0301 is not é", "a\r\nb\tc", "\ufeffmarked", "Straße ﬁ", "a\u200bb"]
)
def test_texts_come_back_as_they_were(line: Line, text: str) -> None:
    """Neither trimmed nor normalised: who sent it finds it again."""
    assert line.hear(text)["body"] == text
    line.send(text)
    assert line.phone.wait_for().body == text
    agent = f"/v1/agents/{line.agent_id}"
    line.ask("PATCH", agent, {"name": text, "systemPrompt": text, "beginMessage": text})
    found = line.ask("GET", agent)
    assert [found[name] for name in ("name", "systemPrompt", "beginMessage")] == [text] * 3
    line.ask("PATCH", f"/v1/numbers/{line.number_id}", {"externalId": text})
    assert line.ask("GET", f"/v1/numbers/{line.number_id}")["externalId"] == text
    made = {"phoneNumber": "+14155550112", "name": text, "notes": text}
    contact = line.ask("POST", "/v1/contacts", made, 201)
    found = line.ask("GET", f"/v1/contacts/{contact['id']}")
    assert [found["name"], found["notes"]] == [text] * 2
    line.ask("PATCH", f"/sim/v1/handsets/{line.phone.id}", {"name": text})
    assert line.ask("GET", f"/sim/v1/handsets/{line.phone.id}")["name"] == text
