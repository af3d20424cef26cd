"""The vendor's Python client, its synchronous half, unchanged but for the base URL."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import agentphone
import pytest

from ringback.testing import Ringback
from tests.conformance import accounts, calls, coverage, errors, numbers, people, texts, usage, webhooks

pytestmark = pytest.mark.conformance


@pytest.fixture
def vendor_client(ringback: Ringback) -> Iterator[Any]:
    with ringback.client() as client:
        assert type(client) is agentphone.AgentPhone
        yield client


@pytest.fixture
def client(vendor_client: Any) -> Any:
    return vendor_client


@pytest.fixture
def stranger(ringback: Ringback) -> Iterator[Any]:
    with agentphone.AgentPhone(api_key="sk_live_nobody", base_url=ringback.base_url + "/") as client:
        yield client


@pytest.fixture
def request_headers(vendor_client: Any) -> MutableMapping[str, str]:
    """The headers that the client sends with each request."""
    headers: MutableMapping[str, str] = vendor_client._session.headers
    return headers


@pytest.fixture
def answers(vendor_client: Any) -> list[dict[str, Any]]:
    """The bodies of all answers, as they come in."""
    seen: list[dict[str, Any]] = []
    vendor_client._session.hooks["response"].append(lambda response, **_: seen.append(response.json()))
    return seen


class TestNumbers(numbers.Numbers):
    pass


class TestAgents(numbers.Agents):
    pass


class TestMessages(texts.Messages):
    pass


class TestConversations(texts.Conversations):
    pass


class TestWebhooks(webhooks.Webhooks):
    pass


class TestAgentWebhooks(webhooks.AgentWebhooks):
    pass


class TestSubAccounts(accounts.SubAccounts):
    pass


class TestUsage(usage.Usage):
    pass


class TestDeliveryStats(usage.DeliveryStats):
    pass


class TestErrors(errors.Errors):
    pass


class TestContacts(people.Contacts):
    pass


class TestLookup(people.Lookup):
    pass


class TestFeedback(people.Feedback):
    pass


class TestAnotherLine(people.AnotherLine):
    pass


class TestCalls(calls.Calls):
    pass


class TestCoverage(coverage.Coverage):
    pass
