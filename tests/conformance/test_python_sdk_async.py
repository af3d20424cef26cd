"""The vendor's Python client, its asynchronous half, unchanged but for the base URL."""

import asyncio
import inspect
from collections.abc import Iterator, MutableMapping
from typing import Any

import agentphone
import pytest

from ringback.testing import Handsets, Ringback
from tests.conformance import accounts, calls, coverage, errors, numbers, people, texts, usage, webhooks

pytestmark = pytest.mark.conformance


class Blocking:
    """The asynchronous client with the manners of the synchronous one: each method waits for its answer."""

    def __init__(self, inner: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._inner = inner
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if hasattr(found, "_client"):
            return Blocking(found, self._loop)
        if not inspect.ismethod(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            answer = found(*args, **kwargs)
            return self._loop.run_until_complete(_all(answer) if inspect.isasyncgen(answer) else answer)

        return call


async def _all(events: Any) -> list[Any]:
    return [event async for event in events]


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def vendor_client(ringback: Ringback, loop: asyncio.AbstractEventLoop) -> Iterator[Any]:
    client = agentphone.AsyncAgentPhone(api_key=ringback.api_key, base_url=ringback.base_url)
    yield client
    loop.run_until_complete(client.close())


@pytest.fixture
def client(vendor_client: Any, loop: asyncio.AbstractEventLoop) -> Any:
    return Blocking(vendor_client, loop)


@pytest.fixture
def stranger(ringback: Ringback, loop: asyncio.AbstractEventLoop) -> Iterator[Any]:
    client = agentphone.AsyncAgentPhone(api_key="sk_live_nobody", base_url=ringback.base_url + "/")
    yield Blocking(client, loop)
    loop.run_until_complete(client.close())


@pytest.fixture
def request_headers(vendor_client: Any) -> MutableMapping[str, str]:
    """The headers that the client sends with each request."""
    headers: MutableMapping[str, str] = vendor_client._client.headers
    return headers


@pytest.fixture
def answers(vendor_client: Any) -> list[dict[str, Any]]:
    """The bodies of all answers, as they come in."""
    seen: list[dict[str, Any]] = []

    async def keep(response: Any) -> None:
        await response.aread()
        seen.append(response.json())

    vendor_client._client.event_hooks = {"response": [keep]}
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


class TestTogether:
    """What only this half can do: many requests at once."""

    async def test_many_at_once(self, ringback: Ringback, handset: Handsets) -> None:
        phone = handset()
        async with agentphone.AsyncAgentPhone(ringback.api_key, base_url=ringback.base_url) as client:
            agent = await client.agents.create(name="Desk")
            numbers = await asyncio.gather(*(client.numbers.buy(agent_id=agent.id) for _ in range(5)))
            assert len({number.phone_number for number in numbers}) == 5
            sent = await asyncio.gather(
                *(
                    client.messages.send(number_id=number.id, to_number=phone.number, body=f"{index}")
                    for number in numbers
                    for index in range(10)
                )
            )
            assert len({message["id"] for message in sent}) == 50
            for number in numbers:
                page = await client.numbers.get_messages(number.id)
                assert len(page.data) == 10
                assert len({message.received_at for message in page.data}) == 10
