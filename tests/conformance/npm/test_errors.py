"""Refusals, as the vendor's TypeScript client tells them."""

from collections.abc import Callable
from typing import Any

import pytest

from ringback.testing import Handsets, Ringback
from tests.conformance.limited import TOLD, Limited
from tests.conformance.npm.sdk import Node, NpmClient, NpmError
from tests.conformance.npm.steps import agent_with_number, received
from tests.conformance.seen import Request

pytestmark = pytest.mark.conformance


def told(call: Callable[[], Any]) -> NpmError:
    with pytest.raises(NpmError) as refused:
        call()
    return refused.value


def test_401(node: Node, ringback: Ringback) -> None:
    error = told(NpmClient(node, ringback.base_url, "sk_live_nobody").numbers.listNumbers)
    assert (error.name, error.status, error.body["error"]["code"]) == ("AgentPhoneError", 401, "UNAUTHORIZED")
    assert error.text.startswith('Status code: 401\nBody: {\n  "error": {\n    "message": "')


def test_404(client: NpmClient) -> None:
    error = told(lambda: client.numbers.getNumber({"number_id": "num_nowhere"}))
    assert (error.name, error.status) == ("AgentPhoneError", 404)
    assert error.body["error"]["code"] == "PHONE_NUMBER_NOT_FOUND"
    assert error.body["detail"] == error.body["error"]["message"]
    assert error.text.startswith("Status code: 404\nBody: {")
    assert error.body["detail"] in error.text


def test_422(client: NpmClient) -> None:
    error = told(lambda: client.agents.createAgent({"name": "x", "voiceMode": "robot", "maxSilenceMs": 1}))
    assert (error.name, error.status) == ("UnprocessableEntityError", 422)
    assert [entry["loc"][-1] for entry in error.body["detail"]] == ["voiceMode", "maxSilenceMs"]
    assert all(entry.keys() == {"loc", "msg", "type"} for entry in error.body["detail"])
    assert error.text.startswith("UnprocessableEntityError\nStatus code: 422\nBody: {")
    assert error.body["detail"][0]["msg"] in error.text


def test_403_after_an_opt_out(client: NpmClient, handset: Handsets) -> None:
    agent, number = agent_with_number(client)
    phone = handset()
    received(client, number, phone, "STOP")
    text = {"agent_id": agent["id"], "to_number": phone.number, "body": "One more thing"}
    error = told(lambda: client.messages.sendMessage(text))
    assert (error.name, error.status) == ("AgentPhoneError", 403)
    assert error.body["error"]["code"] == "RECIPIENT_OPTED_OUT"


def test_409_when_a_key_is_used_for_two_things(node: Node, ringback: Ringback) -> None:
    keyed = {"Idempotency-Key": "one-key"}
    client = NpmClient(node, ringback.base_url, ringback.api_key, headers=keyed)
    first = client.agents.createAgent({"name": "one"})
    assert client.agents.createAgent({"name": "one"}) == first, "the same request has one effect"
    error = told(lambda: client.agents.createAgent({"name": "two"}))
    assert (error.status, error.body["error"]["code"]) == (409, "IDEMPOTENCY_MISMATCH")


class TestTooManyRequests:
    @pytest.fixture
    def ringback_asgi(self, ringback_asgi: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda app: ringback_asgi(Limited(app, times=2))

    def test_429(self, node: Node, ringback: Ringback, client: NpmClient, requests: list[Request]) -> None:
        hasty = NpmClient(node, ringback.base_url, ringback.api_key, maxRetries=0)
        error = told(hasty.agents.listAgents)
        assert (error.name, error.status) == ("AgentPhoneError", 429)
        assert (error.body["error"]["code"], error.body["detail"]) == ("RATE_LIMIT_EXCEEDED", TOLD)
        assert client.agents.listAgents()["total"] == 0, "it waits as long as it was told, and asks again"
        assert len(requests) == 3
