"""Looking numbers up, and what callers tell the operator."""

from urllib.parse import quote

import pytest

from ringback.testing import Handsets, Network, Ringback
from tests.scenarios.lines import Line

pytestmark = pytest.mark.scenario

PATH = "/v1/numbers/lookup?phoneNumbers="
ASKED = ["+442079460018", "+14155550100", "+41446681800"]


@pytest.fixture
def line(ringback: Ringback, handset: Handsets) -> Line:
    return Line(ringback, handset)


@pytest.mark.parametrize(
    "spelled",
    [
        ",".join(ASKED),
        quote(",".join(ASKED)),
        quote(", ".join(ASKED)),
        "%20".join(["442079460018,", "14155550100,", "41446681800"]).replace("442", "%20442", 1),
        quote("+44 20 7946 0018,(415) 555-0100,+41 44 668 18 00"),
        quote("+442079460018, 4155550100,tel:+41-44-668-18-00"),
    ],
)
def test_numbers_as_clients_send_them(line: Line, spelled: str) -> None:
    """A plus that is not encoded arrives as a space, which is how forms write one."""
    found = line.ask("GET", PATH + spelled)["data"]
    assert [entry["phoneNumber"] for entry in found] == ASKED
    assert [(entry["country"], entry["lineType"]) for entry in found] == [
        ("GB", "landline"), ("US", None), ("CH", "landline")
    ]  # fmt: skip


def test_in_their_order_and_as_often_as_asked(line: Line) -> None:
    number = quote(line.number)
    found = line.ask("GET", f"{PATH}{number},{quote(line.phone.number)},{number}")["data"]
    assert [entry["phoneNumber"] for entry in found] == [line.number, line.phone.number, line.number]
    assert [entry["lineType"] for entry in found] == ["voip", "mobile", "voip"]
    line.ask("DELETE", f"/v1/numbers/{line.number_id}")
    gone = line.ask("GET", PATH + number)["data"]
    assert gone == [{"phoneNumber": line.number, "lineType": None, "country": "US", "rcsEnabled": None}]


def test_a_landline_is_what_refuses_a_text(line: Line, handset: Handsets) -> None:
    fixed = handset(personality="landline")
    [found] = line.ask("GET", PATH + quote(fixed.number))["data"]
    assert (found["lineType"], found["rcsEnabled"]) == ("landline", False)


@pytest.mark.parametrize("wrong", ["x", ",", "%2B14155550100,", ",".join(["%2B14155550100"] * 26), "911", ""])
def test_what_can_not_be_looked_up(line: Line, wrong: str) -> None:
    line.refused("GET", PATH + wrong, 422, field="phoneNumbers")


def test_the_wrong_one_is_named(line: Line) -> None:
    error = line.refused("GET", f"{PATH}%2B14155550100,12,x", 422, field="phoneNumbers")
    assert "number 2 is too short" in error["message"]


def test_a_carrier_that_is_out(line: Line, network: Network) -> None:
    network.fault("outage")
    assert line.refused("GET", PATH + quote(line.number), 502)["code"] == "CARRIER_ERROR"


def test_feedback_reaches_the_operator(ringback: Ringback, line: Line) -> None:
    ringback.server.keys.local_token = "token-of-the-command-line"
    told = {"category": "bug", "note": "It broke.\nTwice 😀", "request_id": "req_1", "tags": ["sms", "é"]}
    first = line.ask("POST", "/v1/feedback", told)
    line.ask("POST", "/v1/feedback", {"category": "docs", "note": "More!", "tags": None, "url": None})
    path = "/internal/v1/feedback"
    found = ringback.request("GET", path, api_key="token-of-the-command-line").json["data"]
    assert [entry["note"] for entry in found] == ["More!", told["note"]], "newest first"
    assert found[1] == {
        "id": first["id"],
        "accountId": found[0]["accountId"],
        "createdAt": found[1]["createdAt"],
        "category": "bug",
        "note": told["note"],
        "requestId": "req_1",
        "url": None,
        "tags": ["sms", "é"],
    }
    assert ringback.request("GET", path).status == 401, "it is nobody's but the operator's"
    newest = ringback.request("GET", f"{path}?limit=1", api_key="token-of-the-command-line").json["data"]
    assert newest == found[:1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("category", ""),
        ("category", "x" * 101),
        ("note", " "),
        ("note", "x" * 10_001),
        ("note", None),
        ("request_id", "x" * 256),
        ("url", "x" * 2_049),
        ("tags", ["x"] * 21),
        ("tags", ["x" * 101]),
        ("tags", ["\x00"]),
        ("tags", "x"),
    ],
)
def test_what_is_no_feedback(line: Line, field: str, value: object) -> None:
    line.refused("POST", "/v1/feedback", 422, field=field, body={"category": "a", "note": "b", field: value})
