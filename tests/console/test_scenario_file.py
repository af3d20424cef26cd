"""A finished call as a scenario, from its page."""

import pytest
import yaml

from ringback.scenarios.file import written
from ringback.scenarios.saving import scenario_of
from ringback.testing import Ringback
from tests.console.looking import signed_in
from tests.switchboard import Exchange

pytestmark = pytest.mark.scenario


def test_a_call_is_saved_as_the_command_saves_it(ringback: Ringback) -> None:
    looking, ask = signed_in(ringback), ringback.request
    agent = ask("POST", "/v1/agents", json={"name": "Desk"}).json
    number = ask("POST", "/v1/numbers", json={"agentId": agent["id"]}).json
    exchange = Exchange(ringback)
    call_id = exchange.ring(number["phoneNumber"], "+14155550123")["call_id"]
    exchange.tell(call_id, "answered")
    page = looking.get(f"/console/calls/{call_id}").text
    assert "Save as scenario" not in page
    refused = looking.get(f"/console/calls/{call_id}/scenario")
    assert (refused.status, "is not over" in refused.text) == (409, True)
    exchange.say(call_id, "user", "Größe: is {anybody} there?")
    exchange.tell(call_id, "ended", reason="user_hangup")
    assert (
        f'href="/console/calls/{call_id}/scenario" download' in looking.get(f"/console/calls/{call_id}").text
    )
    saved = looking.get(f"/console/calls/{call_id}/scenario")
    call, transcript = (ask("GET", f"/v1/calls/{call_id}{part}").json for part in ("", "/transcript"))
    assert saved.text == written(scenario_of(call, transcript))
    assert saved.headers["content-disposition"] == f'attachment; filename="{call_id}.yaml"'
    assert yaml.safe_load(saved.text)["expect"]["turns"][0]["caller"] == "Größe: is {anybody} there?"
    assert looking.get("/console/calls/call_none/scenario").status == 404
