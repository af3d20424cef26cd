"""Too many requests, as the vendor's Python client tells it."""

from collections.abc import Callable
from typing import Any

import agentphone
import pytest

from ringback.testing import Ringback
from tests.conformance.limited import TOLD, Limited

pytestmark = pytest.mark.conformance


@pytest.fixture
def ringback_asgi(ringback_asgi: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda app: ringback_asgi(Limited(app, times=1))


def test_429(ringback: Ringback) -> None:
    client = ringback.client()
    with pytest.raises(agentphone.RateLimitError) as refused:
        client.agents.list()
    assert (refused.value.status, refused.value.message) == (429, TOLD)
    assert str(refused.value) == f"AgentPhone API error 429: {TOLD}"
    assert client.agents.list().total == 0, "it is asked again by whoever called, not by the client"
