"""What takes an iMessage-class line: first whether the thing is there, then the body, then what it would take."""

from typing import Any

import pytest

from ringback.testing import Handsets, Ringback
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario

IMAGE = "https://example.com/x.png"
OPERATIONS: list[tuple[str, str, Any]] = [
    ("POST", "/v1/messages/{message}/reactions", {"reaction": "love"}),
    ("POST", "/v1/conversations/{conversation}/typing", None),
    ("POST", "/v1/conversations/{conversation}/background", {"image_url": IMAGE}),
    ("DELETE", "/v1/conversations/{conversation}/background", None),
    ("PATCH", "/v1/conversations/{conversation}", {"group_name": "Friends", "metadata": {"a": 1}}),
    ("GET", "/v1/numbers/{number}/contact-card", None),
    ("PUT", "/v1/numbers/{number}/contact-card", {"firstName": "Ann", "avatarUrl": IMAGE}),
    ("PUT", "/v1/numbers/{number}/contact-card", None),
    ("DELETE", "/v1/numbers/{number}/contact-card", None),
]


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


@pytest.fixture
def ids(line: Line) -> dict[str, str]:
    message = line.hear("Hello")
    return {
        "message": message["id"],
        "conversation": message["conversationId"],
        "number": line.number_id,
    }


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_it_is_told_what_it_would_take(
    line: Line, ids: dict[str, str], method: str, path: str, body: Any
) -> None:
    error = line.refused(method, path.format(**ids), 400, body=body)
    assert error["code"] == "UNSUPPORTED_CHANNEL"
    assert (
        "needs an iMessage-class line" in error["message"]
        or "need an iMessage-class line" in error["message"]
    )
    assert line.ask("GET", f"/v1/conversations/{ids['conversation']}")["metadata"] is None, "nothing changed"


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_what_is_not_there_or_not_yours_comes_first(
    ringback: Ringback, line: Line, ids: dict[str, str], method: str, path: str, body: Any
) -> None:
    key = ringback.new_account()
    foreign = ringback.request(method, path.format(**ids), json=body, api_key=key)
    unknown = {"message": "msg_nowhere", "conversation": "conv_nowhere", "number": "num_nowhere"}
    assert foreign.status == 404
    code = foreign.json["error"]["code"]
    assert line.refused(method, path.format(**unknown), 404, body=body)["code"] == code


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/v1/messages/{message}/reactions", {}, "reaction"),
        ("POST", "/v1/messages/{message}/reactions", {"reaction": ""}, "reaction"),
        ("POST", "/v1/messages/{message}/reactions", {"reaction": 1}, "reaction"),
        ("POST", "/v1/messages/{message}/reactions", {"reaction": "x" * 65}, "reaction"),
        ("POST", "/v1/messages/{message}/reactions", None, None),
        ("POST", "/v1/conversations/{conversation}/typing", [], None),
        ("POST", "/v1/conversations/{conversation}/background", {}, "image_url"),
        ("POST", "/v1/conversations/{conversation}/background", {"image_url": "x.png"}, "image_url"),
        ("PUT", "/v1/numbers/{number}/contact-card", {"firstName": 1}, "firstName"),
        ("PUT", "/v1/numbers/{number}/contact-card", {"lastName": "x" * 101}, "lastName"),
        ("PUT", "/v1/numbers/{number}/contact-card", {"avatarUrl": "ftp://example.com/x"}, "avatarUrl"),
    ],
)
def test_a_wrong_body_comes_second(
    line: Line, ids: dict[str, str], method: str, path: str, body: Any, field: str | None
) -> None:
    line.refused(method, path.format(**ids), 422, field=field, body=body)
    nowhere = path.format(message="msg_nowhere", conversation="conv_nowhere", number="num_nowhere")
    line.refused(method, nowhere, 404, body=body)


@pytest.mark.parametrize(
    "to",
    [
        {"to_number": "ann@example.com"},
        {"to_number": "grp_1"},
        {"recipients": ["+14155550100", "+14155550101"]},
    ],
)
def test_whom_sms_can_not_reach(line: Line, to: dict[str, Any]) -> None:
    sender = {"number_id": line.number_id, "body": "x"}
    field = next(iter(to))
    error = line.refused("POST", "/v1/messages", 400, field=field, body=sender | to)
    assert error["code"] == "UNSUPPORTED_CHANNEL"
    for unknown in ({"number_id": "num_nowhere"}, {"agent_id": "agt_nowhere"}):
        line.refused("POST", "/v1/messages", 404, body={"body": "x"} | unknown | to)
    line.refused("POST", "/v1/messages", 422, field="number_id", body={"body": "x"} | to)
    line.refused("POST", "/v1/messages", 422, field="body", body={"number_id": line.number_id} | to)
    assert line.messages() == []


def test_one_recipient_is_no_group(line: Line) -> None:
    asked = {"number_id": line.number_id, "body": "x", "recipients": [line.phone.number]}
    line.refused("POST", "/v1/messages", 422, field="recipients", body=asked)


def test_reply_and_style_are_nothing_to_sms(line: Line) -> None:
    said = line.hear("Hello")
    extras = {"reply_to_message_id": said["id"], "send_style": "slam"}
    sent = line.ask("POST", "/v1/messages", line.text("Hi") | extras)
    assert (sent["reply_to_message_id"], sent["reply_parent_unresolved"]) == (None, None)
    assert line.phone.wait_for().body == "Hi"
    line.ask("POST", "/v1/messages", line.text("Hi") | {"reply_to_message_id": "msg_nowhere"})
    line.refused("POST", "/v1/messages", 422, field="send_style", body=line.text("Hi") | {"send_style": "x"})
