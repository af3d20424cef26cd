"""Webhooks on the wire (contract: WebhookResponse, WebhookDeliveryResponse, WebhookTestResult)."""

from typing import Annotated, Literal

from pydantic import Field

from ringback.kit.times import to_iso
from ringback.kit.wire import CamelWire, IsoTime, Text
from ringback.storage.tx import Row


class WebhookExtras(CamelWire):
    """What is ours and comes with trusted delivery; given now, it is refused rather than ignored."""

    events: list[Text] | None = None
    ordered: bool | None = None


class SetWebhook(CamelWire):
    url: Text
    context_limit: Annotated[int, Field(ge=0, le=50)] | None = 10
    timeout: Annotated[int, Field(ge=5, le=120)] | None = 30
    ringback: WebhookExtras | None = None


class WebhookResponse(CamelWire):
    id: str
    url: str
    secret: str
    status: str
    context_limit: int
    timeout: int
    created_at: IsoTime

    @classmethod
    def of(cls, row: Row, secret: str) -> "WebhookResponse":
        return cls(
            id=row["id"],
            url=row["url"],
            secret=secret,
            status=row["status"],
            context_limit=row["context_limit"],
            timeout=row["timeout_s"],
            created_at=to_iso(row["created_at"]),
        )


class TestWebhook(CamelWire):
    """What the synthetic message of a test looks like."""

    __test__ = False

    from_: Text | None = Field(default=None, alias="from")
    to: Text | None = None
    message: Text | None = None
    channel: Literal["sms", "imessage", "mms", "whatsapp", "rcs"] | None = None


class WebhookTestResult(CamelWire):
    success: bool
    http_status: int | None
    error_message: str | None
    status_code: int | None
    response_ms: int | None
    error: str | None


class WebhookDeliveryResponse(CamelWire):
    id: str
    message_id: str | None
    event_type: str | None
    channel: str | None
    status: str
    http_status: int | None
    error_message: str | None
    response_body: str | None
    attempt_count: int
    last_attempt_at: IsoTime | None
    next_retry_at: IsoTime | None
    created_at: IsoTime
    event: str | None
    status_code: int | None
    success: bool
    delivered_at: IsoTime | None
    response_ms: int | None

    @classmethod
    def of(cls, row: Row) -> "WebhookDeliveryResponse":
        return cls(
            id=row["id"],
            message_id=row["message_id"],
            event_type=row["event_type"],
            channel=row["channel"],
            status=row["status"],
            http_status=row["http_status"],
            error_message=row["error_message"],
            response_body=row["response_body"],
            attempt_count=row["attempts"],
            last_attempt_at=_iso(row["last_attempt_at"]),
            next_retry_at=_iso(row["next_retry_at"]),
            created_at=to_iso(row["created_at"]),
            event=row["event_type"],
            status_code=row["http_status"],
            success=row["status"] == "delivered",
            delivered_at=_iso(row["delivered_at"]),
            response_ms=row["response_ms"],
        )


class PaginatedDeliveriesResponse(CamelWire):
    items: list[WebhookDeliveryResponse]
    total: int
    offset: int
    limit: int
    data: list[WebhookDeliveryResponse]
    has_more: bool


def _iso(ms: int | None) -> str | None:
    return None if ms is None else to_iso(ms)
