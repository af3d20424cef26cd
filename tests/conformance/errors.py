"""Refusals, as the vendor's Python client tells them."""

from collections.abc import Callable
from typing import Any

import agentphone
import pytest

from ringback.testing import Handsets
from tests.conformance.steps import agent_with_number, received


class Errors:
    def test_401(self, stranger: Any) -> None:
        with pytest.raises(agentphone.AuthenticationError) as refused:
            stranger.numbers.list()
        assert refused.value.status == 401
        assert isinstance(refused.value.message, str)

    def test_404(self, client: Any) -> None:
        agent = client.agents.create(name="Desk")
        calls: list[Callable[[], Any]] = [
            lambda: client.numbers.get("num_nowhere"),
            lambda: client.numbers.release("num_nowhere"),
            lambda: client.numbers.get_messages("num_nowhere"),
            lambda: client.numbers.update("num_nowhere", external_id="x"),
            lambda: client.numbers.buy(agent_id="agt_nowhere"),
            lambda: client.agents.get("agt_nowhere"),
            lambda: client.agents.update("agt_nowhere", name="x"),
            lambda: client.agents.delete("agt_nowhere"),
            lambda: client.agents.attach_number("agt_nowhere", "num_nowhere"),
            lambda: client.agents.attach_number(agent.id, "num_nowhere"),
            lambda: client.agents.detach_number(agent.id, "num_nowhere"),
            lambda: client.agents.list_conversations("agt_nowhere"),
            lambda: client.agents.get_webhook("agt_nowhere"),
            lambda: client.agents.set_webhook("agt_nowhere", url="http://127.0.0.1:9/"),
            lambda: client.agents.list_webhook_deliveries("agt_nowhere"),
            lambda: client.conversations.get("conv_nowhere"),
            lambda: client.conversations.update("conv_nowhere", metadata={}),
            lambda: client.conversations.get_messages("conv_nowhere"),
            lambda: client.messages.send(agent_id="agt_nowhere", to_number="+14155550100", body="x"),
        ]
        for call in calls:
            with pytest.raises(agentphone.NotFoundError) as refused:
                call()
            assert refused.value.status == 404
            assert isinstance(refused.value.message, str)
            assert refused.value.message
        assert client.numbers.list().total == 0

    def test_422(self, client: Any) -> None:
        calls: list[tuple[Callable[[], Any], str]] = [
            (lambda: client.numbers.list(limit=101), "limit"),
            (lambda: client.numbers.list(offset=-1), "offset"),
            (lambda: client.numbers.buy(country="USA"), "country"),
            (lambda: client.numbers.buy(area_code="41"), "areaCode"),
            (lambda: client.numbers.buy(expires_at="tomorrow"), "expiresAt"),
            (lambda: client.agents.create(name="x", voice_mode="robot"), "voiceMode"),
            (lambda: client.agents.create(name="x", max_silence_ms=9_999), "maxSilenceMs"),
            (lambda: client.agents.create(name="x", voice_speed=2.1), "voiceSpeed"),
            (lambda: client.webhooks.set(url="http://127.0.0.1:9/", context_limit=51), "contextLimit"),
            (lambda: client.webhooks.set(url="http://127.0.0.1:9/", timeout=4), "timeout"),
            (lambda: client.webhooks.list_deliveries(limit=0), "limit"),
            (lambda: client.conversations.get("conv_x", message_limit=101), "message_limit"),
        ]
        for call, field in calls:
            with pytest.raises(agentphone.AgentPhoneError) as refused:
                call()
            assert refused.value.status == 422
            [entry] = refused.value.message
            assert entry["loc"][-1] == field
            assert entry.keys() == {"loc", "msg", "type"}

    def test_400(self, client: Any) -> None:
        number = client.numbers.buy()
        client.numbers.release(number.id)
        with pytest.raises(agentphone.AgentPhoneError) as refused:
            client.messages.send(number_id=number.id, to_number="+14155550100", body="x")
        assert type(refused.value) is agentphone.AgentPhoneError
        assert refused.value.status == 400
        assert isinstance(refused.value.message, str)

    def test_403_after_an_opt_out(self, client: Any, handset: Handsets) -> None:
        agent, number = agent_with_number(client)
        phone = handset()
        received(client, number, phone, "STOP")
        with pytest.raises(agentphone.AgentPhoneError) as refused:
            client.messages.send(agent_id=agent.id, to_number=phone.number, body="One more thing")
        assert refused.value.status == 403
        assert isinstance(refused.value.message, str)

    def test_409_when_a_key_is_used_for_two_things(self, client: Any, request_headers: Any) -> None:
        request_headers["Idempotency-Key"] = "one-key"
        first = client.agents.create(name="one")
        assert client.agents.create(name="one") == first, "the same request has one effect"
        with pytest.raises(agentphone.AgentPhoneError) as refused:
            client.agents.create(name="two")
        assert type(refused.value) is agentphone.AgentPhoneError
        assert refused.value.status == 409
        assert isinstance(refused.value.message, str)
        del request_headers["Idempotency-Key"]
        assert client.agents.list().total == 1
