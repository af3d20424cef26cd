"""Faults that others had with calls, retold. Most are told where calls are: `test_voice_calls` has the caller who leaves
early, who says nothing, and the stream with bad lines, `test_seed_page_voice` what registration has to do with it."""

import pytest

from ringback.testing import Handsets, Ringback
from tests.callers import desk

pytestmark = pytest.mark.scenario

IN_ANY_SPELLING = ["911", "9-1-1", "9 1 1", "+1911", "+1 911", "1911", "tel:911", "911#", "９１１", "٩١١"]
KIN = ["+19115550118", "112", "988", "+1988", "211", "411", "811", "933", "+1 800 273 8255"]


@pytest.mark.parametrize("number", [*IN_ANY_SPELLING, *KIN])
def test_no_help_is_called_for(ringback: Ringback, handset: Handsets, number: str) -> None:
    """A service for emergencies can't be called back, and a robot there costs a life: no spelling gets through."""
    agent, _, number_id = desk(ringback)
    asked = {"agentId": agent, "toNumber": number}
    text = {"number_id": number_id, "to_number": number, "body": "help"}
    for path, body in (("/v1/calls", asked), ("/v1/messages", text)):
        refused = ringback.request("POST", path, json=body)
        assert refused.status in (403, 422), (path, refused)
        if refused.status == 403:
            assert refused.json["error"]["code"] == "NUMBER_BLOCKED"
    if number == "911":
        assert ringback.request("POST", "/v1/calls", json=asked).status == 403
    assert ringback.request("GET", "/v1/calls").json["total"] == 0
