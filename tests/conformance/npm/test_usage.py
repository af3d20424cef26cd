"""Usage and the statistics of deliveries, as the vendor's TypeScript client finds them."""

import pytest

from ringback.testing import Handsets, WebhookInbox
from tests.conformance.npm.sdk import NpmClient
from tests.conformance.npm.steps import agent_with_number, received
from tests.conformance.seen import Request
from tests.phones import until

pytestmark = pytest.mark.conformance


def test_usage(client: NpmClient, handset: Handsets, requests: list[Request]) -> None:
    agent, number = agent_with_number(client)
    received(client, number, handset(), "one", "two")
    usage = client.usage.getUsage()
    assert (usage["numbers"]["used"], usage["stats"]["totalMessages"]) == (1, 2)
    daily = client.usage.getDailyUsage({"days": 7})
    assert (daily["days"], [day["messages"] for day in daily["data"]][-1]) == (7, 2)
    assert (client.usage.getDailyUsage({"days": None})["days"], requests[-1].query) == (30, "days=")
    monthly = client.usage.getMonthlyUsage({"months": 2})
    assert (monthly["months"], [month["messages"] for month in monthly["data"]]) == (2, [0, 2])
    [of_number] = client.usage.getUsageByNumber()["data"]
    assert (of_number["numberId"], of_number["agentName"], of_number["messages"]) == (number["id"], "Desk", 2)
    by_agent = client.usage.getUsageByAgent({"period": "week", "tz": "Asia/Tokyo"})
    assert by_agent["period"] == "week"
    assert [(one["agentId"], one["messages"]) for one in by_agent["data"]] == [(agent["id"], 2)]
    assert client.usage.getUsageByAgent({"period": "year", "tz": None})["data"] == by_agent["data"]
    assert requests[-1].query == "period=year&tz="


def test_statistics_of_deliveries(
    client: NpmClient, handset: Handsets, webhook_inbox: WebhookInbox, requests: list[Request]
) -> None:
    _, number = agent_with_number(client)
    client.webhooks.createOrUpdateWebhook({"body": {"url": webhook_inbox.url}})
    received(client, number, handset(), "one")
    until(lambda: client.webhooks.allTimeStats()["success"] == 1)
    assert client.webhooks.allTimeStats() == {"total": 1, "success": 1, "failed": 0, "successRate": 100}
    lately = client.webhooks.deliveryStats({"hours": 24})
    assert (lately["total"], lately["pending"]) == (1, 0)
    assert lately["byEventType"] == {"agent.message": {"total": 1, "success": 1, "failed": 0}}
    assert [hour["total"] for hour in lately["byHour"]] == [1]
    assert client.webhooks.deliveryStats({"hours": None}) == lately
    assert requests[-1].query == "hours="
