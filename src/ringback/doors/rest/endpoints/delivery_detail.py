"""What is ours to look at of webhooks: all endpoints of an account, and one delivery with its request and attempts."""

from fastapi import APIRouter, Request

from ringback.doors.rest.caller import Scoped
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import to_bytes
from ringback.doors.rest.paging import Limit100, Offset, within_store
from ringback.doors.rest.parts import parts_of
from ringback.flows.show_delivery import ShownDelivery, show_delivery
from ringback.kit.times import to_iso
from ringback.webhooks import service, store
from ringback.webhooks.schemas import (
    DeliveryDetail,
    DeliveryRequest,
    Endpoint,
    EndpointList,
    PastAttempt,
    WebhookDeliveryResponse,
)

router = APIRouter(route_class=JsonRoute, prefix="/v1/webhooks", tags=["webhooks"])


@router.get("/endpoints", operation_id="listWebhookEndpoints", response_model=EndpointList)
async def list_endpoints(
    request: Request, caller: Scoped, limit: Limit100 = 50, offset: Offset = 0
) -> JsonBytes:
    start = within_store(offset)
    rows, total = await parts_of(request).store.read(
        lambda db: store.endpoints(db, caller.account_id, limit=limit, offset=start)
    )
    data = [Endpoint.of(row) for row in rows]
    return JsonBytes(to_bytes(EndpointList(data=data, has_more=start + len(data) < total, total=total)))


@router.get("/deliveries/{delivery_id}", operation_id="getDelivery", response_model=DeliveryDetail)
async def get_delivery(request: Request, caller: Scoped, delivery_id: str) -> JsonBytes:
    parts = parts_of(request)
    shown = await parts.store.read(
        lambda db: show_delivery(
            db,
            caller.account_id,
            delivery_id,
            base=parts.settings.own_url,
            open_secrets=lambda row: service.secrets_of(row, parts.sealer, now=parts.clock.now_ms()),
        )
    )
    return JsonBytes(to_bytes(_told(shown)))


def _told(shown: ShownDelivery) -> DeliveryDetail:
    request = shown.request
    return DeliveryDetail(
        **dict(WebhookDeliveryResponse.of(shown.delivery)),
        attempts=[
            PastAttempt(
                number=each.number,
                at=to_iso(each.at),
                http_status=each.http_status,
                error=each.error,
                side=each.side,
                took_ms=each.took_ms,
            )
            for each in shown.attempts
        ],
        request=None
        if request is None
        else DeliveryRequest(
            method="POST",
            url=request.url,
            headers=request.headers,
            body=request.body,
            as_sent=request.as_sent,
        ),
    )
