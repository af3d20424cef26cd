"""Webhooks on the wire (contract: WebhookResponse, WebhookDeliveryResponse, WebhookTestResult; and ours)."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ringback.kit.times import from_iso, to_iso
from ringback.kit.wire import WHOLE, CamelWire, IsoTime, Text
from ringback.storage.tx import Row
from ringback.webhooks.catcher import Caught
from ringback.webhooks.service import FurtherEvent, events_of


class WebhookExtras(CamelWire):
    """What is ours: further events, and one delivery at a time in their order. What is not given stays as it was."""

    events: Annotated[list[FurtherEvent], Field(max_length=50)] | None = None
    ordered: bool | None = None


class SetWebhook(CamelWire):
    url: Text
    context_limit: Annotated[int, Field(ge=0, le=50), WHOLE] | None = 10
    timeout: Annotated[int, Field(ge=5, le=120), WHOLE] | None = 30
    ringback: WebhookExtras | None = None


class WebhookState(CamelWire):
    """What of an endpoint is ours."""

    events: list[str]
    ordered: bool
    failing_since: IsoTime | None
    disabled_at: IsoTime | None
    previous_secret_until: IsoTime | None

    @classmethod
    def of(cls, row: Row) -> "WebhookState":
        return cls(
            events=events_of(row),
            ordered=bool(row["ordered"]),
            failing_since=_iso(row["failing_since"]),
            disabled_at=_iso(row["disabled_at"]),
            previous_secret_until=_iso(row["previous_secret_until"]),
        )


class WebhookResponse(CamelWire):
    id: str
    url: str
    secret: str
    status: str
    context_limit: int
    timeout: int
    created_at: IsoTime
    ringback: WebhookState

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
            ringback=WebhookState.of(row),
        )


class Endpoint(CamelWire):
    """An endpoint in a list; its secret is not there."""

    id: str
    agent_id: str | None
    url: str
    status: str
    context_limit: int
    timeout: int
    created_at: IsoTime
    ringback: WebhookState

    @classmethod
    def of(cls, row: Row) -> "Endpoint":
        return cls(
            id=row["id"],
            agent_id=row["scope"] or None,
            url=row["url"],
            status=row["status"],
            context_limit=row["context_limit"],
            timeout=row["timeout_s"],
            created_at=to_iso(row["created_at"]),
            ringback=WebhookState.of(row),
        )


class EndpointList(CamelWire):
    data: list[Endpoint]
    has_more: bool
    total: int


class RotateSecret(CamelWire):
    """How long both secrets sign."""

    overlap_hours: Annotated[int, Field(ge=0, le=168), WHOLE] | None = 24


def _time(text: str) -> str:
    from_iso(text)
    return text


Time = Annotated[IsoTime, AfterValidator(_time)]
"""A time that is asked with; it stays text, as the document says."""


class RedeliverRange(CamelWire):
    """Which deliveries are attempted anew, by when they were planned: from `from` to before `until` (now).

    `after` is the id of a delivery that was planned at `from`: those before it at that time are left out, and it too.
    """

    from_: Time = Field(alias="from")
    after: Text | None = None
    until: Time | None = None
    status: Literal["failed", "delivered", "all"] | None = "failed"
    agent_id: Text | None = None


class RedeliveredRange(CamelWire):
    count: int
    skipped: int
    has_more: bool
    more_from: IsoTime | None
    more_after: str | None


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
    ringback: WebhookState


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


class PastAttempt(CamelWire):
    number: int
    at: IsoTime
    http_status: int | None
    error: str | None
    side: str | None
    took_ms: int | None


class DeliveryRequest(CamelWire):
    """The POST as the endpoint would get it now; `as_sent` says whether the body is byte for byte what was attempted."""

    method: Literal["POST"]
    url: str
    headers: dict[str, str]
    body: str
    as_sent: bool


class DeliveryDetail(WebhookDeliveryResponse):
    attempts: list[PastAttempt]
    request: DeliveryRequest | None


class CaughtWebhook(CamelWire):
    """What the server's own catcher took; of a body longer than 65,536 characters the beginning."""

    id: str
    event: str
    at: IsoTime
    headers: dict[str, str]
    body: str
    size: int

    @classmethod
    def of(cls, caught: Caught, characters: int) -> "CaughtWebhook":
        return cls(
            id=caught.headers.get("x-webhook-id", ""),
            event=caught.headers.get("x-webhook-event", ""),
            at=to_iso(caught.at),
            headers=dict(caught.headers),
            body=caught.body[:characters],
            size=caught.size,
        )


class CaughtList(CamelWire):
    """`url` is what to set as the webhook, None where the server has no catcher, `demo_url` where texts and turns of calls
    are answered by rules as well; `catching`: the account's leads to either, `answering`: to the second."""

    url: str | None
    demo_url: str | None
    catching: bool
    answering: bool
    refused: int
    data: list[CaughtWebhook]


class PaginatedDeliveriesResponse(CamelWire):
    items: list[WebhookDeliveryResponse]
    total: int
    offset: int
    limit: int
    data: list[WebhookDeliveryResponse]
    has_more: bool


class DeadLetters(CamelWire):
    data: list[WebhookDeliveryResponse]
    has_more: bool
    total: int


class AllTimeStatsResponse(CamelWire):
    total: int
    success: int
    failed: int
    success_rate: float

    @classmethod
    def of(cls, counted: Row) -> "AllTimeStatsResponse":
        return cls(**_counts(counted), success_rate=_percent(counted["delivered"], counted["failed"]))


class WebhookDeliveryStatsResponse(CamelWire):
    total: int
    success: int
    failed: int
    pending: int
    success_rate: float
    by_event_type: dict[str, dict[str, int]]
    by_hour: list[dict[str, Any]]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "WebhookDeliveryStatsResponse":
        """From counts by hour and event type, oldest first."""
        all_, by_type, by_hour = _none(), dict[str, Row](), dict[int, Row]()
        for row in rows:
            for sums in (
                all_,
                by_type.setdefault(row["event_type"], _none()),
                by_hour.setdefault(row["hour"], _none()),
            ):
                for name in sums:
                    sums[name] += row[name]
        return cls(
            **_counts(all_),
            pending=all_["total"] - all_["delivered"] - all_["failed"],
            success_rate=_percent(all_["delivered"], all_["failed"]),
            by_event_type={name: _counts(sums) for name, sums in sorted(by_type.items())},
            by_hour=[{"hour": to_iso(hour), **_counts(sums)} for hour, sums in by_hour.items()],
        )


def _none() -> Row:
    return {"total": 0, "delivered": 0, "failed": 0}


def _counts(sums: Row) -> dict[str, int]:
    return {"total": sums["total"], "success": sums["delivered"], "failed": sums["failed"]}


def _percent(delivered: int, failed: int) -> float:
    """How many of those that are over were delivered, in hundredths cut off: 100 means that not one has failed."""
    ended = delivered + failed
    return delivered * 10_000 // ended / 100 if ended else 100.0


def _iso(ms: int | None) -> str | None:
    return None if ms is None else to_iso(ms)
