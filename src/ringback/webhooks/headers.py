"""The headers of an attempt: what it is of, and its signature (contract: behaviour, "Webhooks")."""

from collections.abc import Sequence

from ringback.kit.clock import real_ms
from ringback.kit.signing import sign


def headers_of(delivery_id: str, event_type: str, request_id: str | None) -> dict[str, str]:
    """What every attempt of a delivery says of itself."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-Webhook-ID": delivery_id,
        "X-Webhook-Event": event_type,
    }
    if request_id is not None:
        headers["X-Request-ID"] = request_id
    return headers


def signed(secret: str, previous: Sequence[str], body: bytes) -> dict[str, str]:
    """The headers that sign a body for this moment of real time."""
    timestamp = real_ms() // 1000
    headers = {
        "X-Webhook-Signature": sign(secret, timestamp, body),
        "X-Webhook-Timestamp": str(timestamp),
    }
    if previous:
        headers["X-Webhook-Signature-Previous"] = ", ".join(sign(each, timestamp, body) for each in previous)
    return headers
