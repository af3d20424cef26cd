"""Values of a query: integers as everybody writes them, each value once, lists in pieces."""

import pytest

from ringback.testing import Ringback

pytestmark = pytest.mark.scenario


@pytest.mark.parametrize(
    "path",
    [
        "/v1/numbers?limit=",
        "/v1/usage/daily?days=",
        "/sim/v1/handsets?limit=",
        "/v1/webhooks/deliveries/stats?hours=",
    ],
)
@pytest.mark.parametrize("typed", ["1_0", "%2B1", "%201", "1.0", "1e1", "0x1", "%D9%A1", "%EF%BC%91"])
def test_an_integer_is_written_in_digits(ringback: Ringback, path: str, typed: str) -> None:
    refused = ringback.request("GET", path + typed)
    assert refused.status == 422, refused.json
    assert "integer" in refused.json["error"]["message"]
    assert ringback.request("GET", path + "7").status == 200


def test_a_value_is_given_once(ringback: Ringback) -> None:
    for path in (
        "/v1/numbers?limit=1&limit=2",
        "/v1/contacts?search=a&search=b",
        "/sim/v1/handsets?offset=0&%6Fffset=1",
    ):
        refused = ringback.request("GET", path)
        assert refused.status == 422
        [detail] = refused.json["error"]["details"]
        assert (detail["field"] in path.replace("%6F", "o"), detail["message"]) == (
            True,
            "may be given once only",
        )
    assert ringback.request("GET", "/v1/numbers?limit=&limit=2&&").status == 200


def test_a_list_may_come_in_pieces(ringback: Ringback) -> None:
    asked = "/v1/numbers/lookup?phoneNumbers=%2B14155550101&phoneNumbers=+14155550102,%2B14155550103"
    found = ringback.request("GET", asked).json["data"]
    assert [one["phoneNumber"] for one in found] == [f"+1415555010{n}" for n in (1, 2, 3)]


def test_unknown_values_are_ignored_however_often_they_are_given(ringback: Ringback) -> None:
    assert ringback.request("GET", "/v1/agents?utm=1&utm=2&limit=1").status == 200


def test_a_stranger_is_told_nothing_of_what_is_wrong_with_a_query(ringback: Ringback) -> None:
    for query in ("limit=1&limit=2", "limit=1_0"):
        assert ringback.request("GET", f"/v1/agents?{query}", api_key=None).status == 401
