"""The synthetic message of a webhook test."""

from ringback.flows.render_webhook import envelope
from ringback.kit.ids import IdMaker
from ringback.kit.times import to_iso
from ringback.webhooks.schemas import TestWebhook

_FROM, _TO, _TEXT = "+14155550123", "+14155550100", "This is a test message from Ringback."


def synthetic_message(asked: TestWebhook, *, ids: IdMaker, now: int, agent_id: str | None) -> str:
    """An `agent.message` that nobody sent, marked `"test": true`, with what the caller asked for filled in."""
    message_id = ids.new("msg")
    sender = asked.from_ or _FROM
    return envelope(
        channel=asked.channel or "sms",
        at_ms=now,
        agent_id=agent_id,
        data={
            "messageId": message_id,
            "id": message_id,
            "conversationId": ids.new("conv"),
            "numberId": ids.new("num"),
            "from": sender,
            "to": asked.to or _TO,
            "contact": None,
            "message": asked.message or _TEXT,
            "mediaUrl": None,
            "mediaUrls": [],
            "direction": "inbound",
            "receivedAt": to_iso(now),
            "senderIdentifier": sender,
            "externalId": None,
            "group": None,
        },
        state=None,
        history=[],
        test=True,
    )
