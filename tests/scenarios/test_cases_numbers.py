"""Faults that others had, retold: numbers as people write them."""

from urllib.parse import quote

import pytest

from ringback.testing import Handsets, Ringback
from tests.phones import until
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
    contact = line.ask("POST", "/v1/contacts", {"phoneNumber": typed, "name": "Ann"}, 201)
    assert contact["phoneNumber"] == e164
    line.refused("POST", "/v1/contacts", 409, body={"phoneNumber": e164, "name": "Ann"})
    assert (
        line.ask("GET", f"/v1/numbers/lookup?phoneNumbers={quote(typed)}")["data"][0]["phoneNumber"] == e164
    )
    phone = line.ask(
        "POST", "/sim/v1/handsets", {"phoneNumber": typed.replace("0018", "0019").replace("0104", "0105")}
    )
    assert phone["phoneNumber"] == e164.replace("0018", "0019").replace("0104", "0105")


@pytest.mark.parametrize(
    "spell", ["{0}", "tel:{0}", " {0} ", "{1}", "({2}) {3}-{4}", "1-{2}-{3}-{4}", "{2}.{3}.{4}"]
)
def test_own_number_in_other_spellings(line: Line, spell: str) -> None:
    """What a person types on the phone, and a program as its sender, is the same number."""
    number = line.number
    typed = spell.format(number, number[2:], number[2:5], number[5:8], number[8:])
    line.phone.text(typed, "hello")
    assert until(lambda: line.messages())[0]["from"] == line.phone.number
    sent = line.ask(
        "POST", "/v1/messages", {"from_number": typed, "to_number": line.phone.number, "body": "x"}
    )
    assert sent["from_number"] == number


@pytest.mark.parametrize(
    "typed",
    [
        "+1 415 555 0106 ext. 4567",
        "+14155550106;ext=4567",
        "415-555-0106x4567",
        "415-555-0106 #4567",
        "tel:+14155550106;phone-context=+1;ext=4567",
        "+14155550106,,4567",
    ],
)
def test_num_extension(line: Line, typed: str) -> None:
    """A text can't reach an extension: neither glued on nor dropped in silence."""
    line.refused("POST", "/v1/messages", 400, 422, field="to_number", body=line.text("hi", typed))
    assert line.messages() == []
    sender = {"from_number": typed, "to_number": line.phone.number, "body": "x"}
    line.refused("POST", "/v1/messages", 400, 422, field="from_number", body=sender)
    contact = {"phoneNumber": typed, "name": "Ann"}
    line.refused("POST", "/v1/contacts", 400, 422, field="phoneNumber", body=contact)
    line.refused("GET", f"/v1/numbers/lookup?phoneNumbers={quote(typed)}", 400, 422, field="phoneNumbers")
    line.refused("POST", "/sim/v1/handsets", 400, 422, field="phoneNumber", body={"phoneNumber": typed})
    text = {"to": typed, "body": "x"}
    line.refused("POST", f"/sim/v1/handsets/{line.phone.id}/messages", 400, 422, field="to", body=text)
    bought = {"ringback": {"phoneNumber": typed}}
    line.refused("POST", "/v1/numbers", 400, 422, field="ringback.phoneNumber", body=bought)


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
    line.ask("POST", "/v1/contacts", {"phoneNumber": typed, "name": "Ann"}, 201)
    [found] = line.ask("GET", "/v1/contacts")["data"]
    assert found["phoneNumber"] == e164


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
    line.ask("POST", "/v1/contacts", {"phoneNumber": typed, "name": "Ann"}, 201)
    [found] = line.ask("GET", "/v1/contacts")["data"]
    assert found["phoneNumber"] == e164


COUNTRIES = {
    "+18765550107": "JM",
    "+18095550107": "DO",
    "+15145550107": "CA",
    "+12025550107": "US",
    "+442079460018": "GB",
}


def test_num_plus_one_is_not_us(line: Line) -> None:
    """+1 is twenty-five countries."""
    asked = quote(",".join(COUNTRIES), safe="")
    found = line.ask("GET", f"/v1/numbers/lookup?phoneNumbers={asked}")["data"]
    assert {one["phoneNumber"]: one["country"] for one in found} == COUNTRIES
    assert [one["phoneNumber"] for one in found] == list(COUNTRIES)
    phone = line.ask("POST", "/sim/v1/handsets", {"phoneNumber": "+18765550107"})
    assert phone["country"] == "JM"
    offered = line.ask("GET", "/v1/numbers/available?country=CA")["data"][0]["phoneNumber"]
    bought = line.ask("POST", "/v1/numbers", {"ringback": {"phoneNumber": offered}})
    assert (bought["phoneNumber"], bought["country"]) == (offered, "CA")


@pytest.mark.parametrize(
    ("typed", "e164"), [("+1 983 555 0108", "+19835550108"), ("+1 861 555 0108", "+18615550108")]
)
def test_num_new_area_code(line: Line, typed: str, e164: str) -> None:
    """A list of assigned ranges always lags: what is possible is taken."""
    assert line.send("hi", typed)["to_number"] == e164
    line.ask("POST", "/v1/contacts", {"phoneNumber": typed, "name": "Ann"}, 201)
    [found] = line.ask("GET", "/v1/contacts")["data"]
    assert found["phoneNumber"] == e164
