"""A field that is missing and stands there in another spelling: the refusal says which spelling is meant."""

import pytest

from ringback.testing import Ringback

pytestmark = pytest.mark.scenario


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/contacts", {"PhoneNumber": "+12025550143", "name": "Ann"}, "phoneNumber"),
        ("/v1/contacts", {"phone-number": "+12025550143", "name": "Ann"}, "phoneNumber"),
        ("/v1/agents", {"Name": "Ada"}, "name"),
        ("/v1/webhooks", {"URL": "http://127.0.0.1:9/"}, "url"),
    ],
)
def test_the_spelling_that_is_meant_is_told(
    ringback: Ringback, path: str, body: dict[str, str], field: str
) -> None:
    refused = ringback.request("POST", path, json=body)
    assert refused.status == 422, refused
    [detail] = refused.json["error"]["details"]
    assert (detail["field"], detail["type"]) == (field, "missing")
    # What was sent is never repeated.
    told = f"Field required; one of nearly this name is given: did you mean {field}?"
    assert detail["message"] == told


def test_a_field_that_is_not_there_at_all_gets_no_guess(ringback: Ringback) -> None:
    for body in ({}, {"named": "Ada"}, {"description": "name"}, {"name": None}):
        refused = ringback.request("POST", "/v1/agents", json=body)
        assert refused.status == 422
        assert "did you mean" not in refused.json["error"]["message"], body


def test_other_spellings_of_what_may_be_left_out_are_ignored_as_all_unknown_fields(
    ringback: Ringback,
) -> None:
    made = ringback.request("POST", "/v1/agents", json={"name": "Ada", "SystemPrompt": "x"})
    assert made.status == 200
