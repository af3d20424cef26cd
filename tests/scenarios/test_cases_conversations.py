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


def test_conv_metadata_replaced_whole(line: Line, webhook_inbox: WebhookInbox) -> None:
    line.ask("POST", f"/v1/agents/{line.agent_id}/webhook", {"url": webhook_inbox.url})
    path = f"/v1/conversations/{line.hear('hi')['conversationId']}"
    assert webhook_inbox.wait_for().body["conversationState"] is None
    assert line.ask("PATCH", path, {"metadata": {"a": 1}})["metadata"] == {"a": 1}
    assert line.ask("PATCH", path, {"metadata": {"b": 2}})["metadata"] == {"b": 2}
    line.ask("PATCH", path, {})
    assert line.ask("GET", path)["metadata"] == {"b": 2}
    line.hear("state?")
    assert webhook_inbox.wait_for().body["conversationState"] == {"b": 2}
    line.ask("PATCH", path, {"metadata": None})
    assert line.ask("GET", path)["metadata"] is None


def test_conv_metadata_faithful(line: Line) -> None:
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
    big = {"big": 12345678901234567890123, "min": -9223372036854775809}
    answer = line.ringback.request("PATCH", path, json={"metadata": big})
    kept = line.ask("GET", path)["metadata"]
    assert (answer.status == 200 and kept == big) or (answer.status == 422 and kept == odd)
    assert line.ask("GET", "/v1/conversations")["total"] == 1
