"""Usage and the statistics of deliveries, as the vendor's Python client finds them."""

from datetime import timedelta
from typing import Any

import agentphone
import pytest
from agentphone import models

from ringback.testing import Clock, Handsets, WebhookInbox
from tests.conformance.steps import agent_with_number, received
from tests.phones import at, until


class Usage:
    def test_get(self, client: Any, handset: Handsets, webhook_inbox: WebhookInbox, clock: Clock) -> None:
        empty = client.usage.get()
        assert isinstance(empty, models.Usage)
        assert (empty.numbers.used, empty.numbers.limit, empty.numbers.remaining) == (0, 10, 10)
        webhook_inbox.secret = client.webhooks.set(url=webhook_inbox.url).secret
        _, number = agent_with_number(client)
        phone = handset()
        received(client, number, phone, "one")
        client.messages.send(number_id=number.id, to_number=phone.number, body="two" * 100)
        until(lambda: client.usage.get().stats.successful_webhook_deliveries == 1)
        usage = client.usage.get()
        assert (usage.numbers.used, usage.numbers.remaining) == (1, 9)
        assert at(usage.period_start) <= at(usage.report_generated_at) < at(usage.period_end)
        stats = usage.stats
        assert (stats.total_messages, stats.sms_segments_last_30d) == (2, 3)
        assert (stats.messages_last_24h, stats.messages_last_7d, stats.messages_last_30d) == (2, 2, 2)
        assert (stats.total_webhook_deliveries, stats.failed_webhook_deliveries) == (1, 0)
        assert stats.total_calls == stats.calls_last_24h == stats.calls_last_7d == stats.calls_last_30d == 0
        clock.advance(days=1)
        later = client.usage.get().stats
        assert (later.total_messages, later.messages_last_24h, later.messages_last_7d) == (2, 0, 2)
        clock.advance(days=29)
        later = client.usage.get().stats
        assert (later.messages_last_7d, later.messages_last_30d, later.sms_segments_last_30d) == (0, 0, 0)

    def test_get_daily(self, client: Any, handset: Handsets, clock: Clock) -> None:
        received(client, agent_with_number(client)[1], handset(), "one", "two")
        usage = client.usage.get_daily()
        assert isinstance(usage, models.DailyUsage)
        assert (usage.days, len(usage.data)) == (30, 30)
        assert usage.data[-1].date == f"{clock.now:%Y-%m-%d}"
        assert sum(point.messages for point in usage.data) == 2
        assert [point.date for point in usage.data] == sorted({point.date for point in usage.data})
        clock.advance(days=2)
        today = client.usage.get_daily(days=1)
        assert (today.days, [(p.messages, p.calls, p.webhooks) for p in today.data]) == (1, [(0, 0, 0)])
        assert sum(point.messages for point in client.usage.get_daily(days=365).data) == 2

    def test_get_monthly(self, client: Any, handset: Handsets, clock: Clock) -> None:
        received(client, agent_with_number(client)[1], handset(), "one")
        usage = client.usage.get_monthly()
        assert isinstance(usage, models.MonthlyUsage)
        assert (usage.months, len(usage.data)) == (6, 6)
        assert usage.data[-1].month == f"{clock.now:%Y-%m}"
        assert sum(point.messages for point in usage.data) == 1
        assert len(client.usage.get_monthly(months=24).data) == 24

    def test_get_by_number(self, client: Any, handset: Handsets) -> None:
        agent, number = agent_with_number(client)
        other = client.numbers.buy()
        received(client, number, handset(), "one", "two")
        client.numbers.release(number.id)
        assert client.usage.get_by_number() == [
            {
                "numberId": other.id,
                "phoneNumber": other.phone_number,
                "country": "US",
                "status": "active",
                "agentId": None,
                "agentName": None,
                "messages": 0,
                "calls": 0,
            },
            {
                "numberId": number.id,
                "phoneNumber": number.phone_number,
                "country": "US",
                "status": "released",
                "agentId": None,
                "agentName": None,
                "messages": 2,
                "calls": 0,
            },
        ]
        client.agents.attach_number(agent.id, other.id)
        held = client.usage.get_by_number()[0]
        assert (held["agentId"], held["agentName"]) == (agent.id, "Desk")

    def test_get_by_agent(self, client: Any, handset: Handsets) -> None:
        agent, number = agent_with_number(client)
        idle = client.agents.create(name="Idle")
        received(client, number, handset(), "one", "two")
        usage = client.usage.get_by_agent()
        assert usage["period"] == "month"
        assert at(usage["periodStart"]) < at(usage["periodEnd"])
        desk = {
            "agentId": agent.id,
            "agentName": "Desk",
            "messages": 2,
            "calls": 0,
            "totalSeconds": 0,
            "isOrphan": False,
        }
        assert usage["data"] == [desk, {**desk, "agentId": idle.id, "agentName": "Idle", "messages": 0}]
        client.agents.delete(agent.id)
        for period in ("week", "month", "year"):
            usage = client.usage.get_by_agent(period=period)
            assert usage["period"] == period
            orphaned = usage["data"][-1]
            assert (orphaned["agentId"], orphaned["agentName"], orphaned["isOrphan"]) == (
                None,
                "Unassigned",
                True,
            )
            assert orphaned["messages"] == 2
        with pytest.raises(agentphone.AgentPhoneError) as refused:
            client.usage.get_by_agent(period="decade")
        assert refused.value.status == 422


class DeliveryStats:
    def test_get_delivery_stats(
        self, client: Any, handset: Handsets, webhook_inbox: WebhookInbox, clock: Clock
    ) -> None:
        none = client.webhooks.get_delivery_stats()
        assert isinstance(none, models.WebhookDeliveryStats)
        assert (none.total, none.success, none.failed, none.pending, none.success_rate) == (0, 0, 0, 0, 100.0)
        assert (none.by_event_type, none.by_hour) == ({}, [])
        clock.freeze()
        client.webhooks.set(url=webhook_inbox.url)
        _, number = agent_with_number(client)
        phone = handset()
        webhook_inbox.answer(status=500, times=1)
        received(client, number, phone, "one")
        until(lambda: client.webhooks.list_deliveries()[0].attempt_count == 1)
        pending = client.webhooks.get_delivery_stats()
        assert (pending.total, pending.pending, pending.success_rate) == (1, 1, 100.0)
        clock.advance(hours=1)
        webhook_inbox.answer(status=500)
        received(client, number, phone, "two")
        clock.advance(hours=4)
        stats = client.webhooks.get_delivery_stats(hours=24)
        assert (stats.total, stats.success, stats.failed, stats.pending) == (2, 1, 1, 0)
        assert stats.success_rate == 50.0
        assert stats.by_event_type == {"agent.message": {"total": 2, "success": 1, "failed": 1}}
        first, second = stats.by_hour
        assert (first["total"], first["success"], first["failed"]) == (1, 1, 0)
        assert (second["total"], second["success"], second["failed"]) == (1, 0, 1)
        assert at(second["hour"]) - at(first["hour"]) == timedelta(hours=1)
        assert [client.webhooks.get_delivery_stats(hours=hours).total for hours in (5, 4, 3)] == [2, 1, 0]

    def test_get_all_time_stats(
        self, client: Any, handset: Handsets, webhook_inbox: WebhookInbox, clock: Clock
    ) -> None:
        assert client.webhooks.get_all_time_stats() == {
            "total": 0,
            "success": 0,
            "failed": 0,
            "successRate": 100.0,
        }
        client.webhooks.set(url=webhook_inbox.url)
        received(client, agent_with_number(client)[1], handset(), "one", "two")
        until(lambda: client.webhooks.get_all_time_stats()["success"] == 2)
        clock.advance(days=400)
        assert client.webhooks.get_all_time_stats() == {
            "total": 2,
            "success": 2,
            "failed": 0,
            "successRate": 100.0,
        }
        assert client.webhooks.get_delivery_stats(hours=24).total == 0
