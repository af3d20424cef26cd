"""`Idempotency-Key` on the simulated network's own POSTs."""

import pytest

from ringback.testing import Handsets, Ringback

pytestmark = pytest.mark.scenario


def test_a_text_from_a_handset_is_sent_once(ringback: Ringback, handset: Handsets) -> None:
    number = ringback.request("POST", "/v1/numbers", json={}).json
    path, key = f"/sim/v1/handsets/{handset().id}/messages", {"Idempotency-Key": "one text"}
    text = {"to": number["phoneNumber"], "body": "once"}
    first = ringback.request("POST", path, json=text, headers=key)
    again = ringback.request("POST", path, json=text, headers=key)
    assert (first.status, again.status) == (200, 200)
    assert first.json == again.json
    assert len(ringback.request("GET", path).json["data"]) == 1
    other = ringback.request("POST", path, json={**text, "body": "twice"}, headers=key)
    assert (other.status, other.json["error"]["code"]) == (409, "IDEMPOTENCY_MISMATCH")


def test_a_refusal_frees_the_key(ringback: Ringback) -> None:
    key = {"Idempotency-Key": "a phone"}
    refused = ringback.request("POST", "/sim/v1/handsets", json={"areaCode": "x"}, headers=key)
    assert refused.status == 422
    made = ringback.request("POST", "/sim/v1/handsets", json={"areaCode": "415"}, headers=key)
    assert made.status == 200
    assert (
        ringback.request("POST", "/sim/v1/handsets", json={"areaCode": "415"}, headers=key).json == made.json
    )


def test_a_stranger_is_told_nothing(ringback: Ringback) -> None:
    key = {"Idempotency-Key": "k"}
    assert ringback.request("POST", "/sim/v1/handsets", headers=key, api_key="sk_live_no").status == 401
