"""`GET /v1/numbers/matching`: numbers for sale by their digits."""

import pytest

from ringback.testing import Ringback

pytestmark = pytest.mark.scenario
PATH = "/v1/numbers/matching"


@pytest.mark.parametrize(("typed", "digits"), [("2266", "2266"), ("pizza", "74992"), ("22 - 66", "2266")])
def test_digits_and_the_letters_of_keys(ringback: Ringback, typed: str, digits: str) -> None:
    found = ringback.request("GET", PATH, query={"pattern": typed, "limit": 5}).json["data"]
    assert len(found) == 5
    assert all(digits in offer["phoneNumber"][2:] for offer in found)
    bought = ringback.request(
        "POST", "/v1/numbers", json={"ringback": {"phoneNumber": found[0]["phoneNumber"]}}
    ).json
    assert bought["phoneNumber"] == found[0]["phoneNumber"]
    left = ringback.request("GET", PATH, query={"pattern": typed, "limit": 5}).json["data"]
    assert bought["phoneNumber"] not in [offer["phoneNumber"] for offer in left]


@pytest.mark.parametrize("pattern", ["", " ", "#", "12345678901", "ü", "\u0661", "%", "1" * 41])
def test_what_is_no_pattern(ringback: Ringback, pattern: str) -> None:
    refused = ringback.request("GET", PATH, query={"pattern": pattern})
    assert refused.status == 422
    assert refused.json["error"]["details"][0]["field"] == "pattern"


def test_a_pattern_is_needed_and_the_rest_is_as_in_a_search(ringback: Ringback) -> None:
    assert ringback.request("GET", PATH).status == 422
    for query in ({"country": "USA"}, {"areaCode": "41"}):
        wrong = ringback.request("GET", PATH, query={"pattern": "7", **query})
        assert (wrong.status, wrong.json["error"]["details"][0]["field"]) == (422, next(iter(query)))
