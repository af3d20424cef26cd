"""What is ours beside `/v1/webhooks`: dead letters, redelivery, another secret with an overlap, switching on again."""

from fastapi import APIRouter, Request

from ringback.agents import service as agents
from ringback.doors.rest.caller import Caller, Scoped
from ringback.doors.rest.endpoints.webhooks import answer_of
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import claim_of, to_bytes
from ringback.doors.rest.paging import Limit100, Offset, within_store
from ringback.doors.rest.parts import parts_of
from ringback.events.log import record
from ringback.kit.times import from_iso, to_iso
from ringback.storage.tx import Reads, Row, Tx
from ringback.webhooks import redelivery, service, store
from ringback.webhooks.schemas import (
    DeadLetters,
    RedeliveredRange,
    RedeliverRange,
    RotateSecret,
    WebhookDeliveryResponse,
    WebhookResponse,
)

project = APIRouter(route_class=JsonRoute, prefix="/v1/webhooks", tags=["webhooks"])
of_agent = APIRouter(route_class=JsonRoute, prefix="/v1/agents/{agent_id}/webhook", tags=["agentWebhooks"])
_HOUR_MS = 3_600_000


@project.get("/dead-letters", operation_id="listDeadLetters", response_model=DeadLetters)
async def list_dead_letters(
    request: Request, caller: Scoped, limit: Limit100 = 50, offset: Offset = 0
) -> JsonBytes:
    start = within_store(offset)

    def query(db: Reads) -> tuple[list[Row], int]:
        rows = redelivery.dead_letters(db, caller.account_id, limit=limit, offset=start)
        return rows, store.all_time(db, caller.account_id)["failed"]

    rows, total = await parts_of(request).store.read(query)
    data = [WebhookDeliveryResponse.of(row) for row in rows]
    return JsonBytes(to_bytes(DeadLetters(data=data, has_more=start + len(data) < total, total=total)))


@project.post(
    "/deliveries/{delivery_id}/redeliver",
    operation_id="redeliverDelivery",
    response_model=WebhookDeliveryResponse,
)
async def redeliver(request: Request, caller: Scoped, delivery_id: str) -> JsonBytes:
    def unit(tx: Tx) -> WebhookDeliveryResponse:
        return WebhookDeliveryResponse.of(redelivery.redeliver(tx, caller.account_id, delivery_id))

    return await parts_of(request).once.write(await claim_of(request, caller), caller, unit)


@project.post("/redeliver", operation_id="redeliverRange", response_model=RedeliveredRange)
async def redeliver_range(request: Request, caller: Scoped, asked: RedeliverRange) -> JsonBytes:
    start, until = from_iso(asked.from_), None if asked.until is None else from_iso(asked.until)

    def unit(tx: Tx) -> RedeliveredRange:
        if asked.agent_id is not None:
            agents.get(tx, caller.account_id, asked.agent_id)
        done = redelivery.redeliver_range(
            tx,
            caller.account_id,
            start=start,
            after=asked.after,
            end=tx.now + 1 if until is None else until,
            status=asked.status or "failed",
            agent_id=asked.agent_id,
        )
        more = done.more_from
        return RedeliveredRange(
            count=done.count,
            skipped=done.skipped,
            has_more=more is not None,
            more_from=None if more is None else to_iso(more),
            more_after=done.more_after,
        )

    return await parts_of(request).once.write(await claim_of(request, caller), caller, unit)


async def _rotate(request: Request, caller: Caller, scope: str, asked: RotateSecret | None) -> JsonBytes:
    parts, secret = parts_of(request), service.new_secret()
    hours = asked.overlap_hours if asked is not None else None

    def unit(tx: Tx) -> WebhookResponse:
        row = _endpoint(tx, caller, scope)
        row = service.rotate_secret(
            tx,
            row,
            sealed=parts.sealer.seal(secret, context=row["id"]),
            overlap_ms=(24 if hours is None else hours) * _HOUR_MS,
        )
        record(tx, caller.account_id, "webhook.secret_rotated", webhookId=row["id"], agentId=scope or None)
        return WebhookResponse.of(row, secret)

    return await parts.once.write(await claim_of(request, caller), caller, unit, secret=True)


async def _enable(request: Request, caller: Caller, scope: str) -> JsonBytes:
    parts = parts_of(request)

    def unit(tx: Tx) -> WebhookResponse:
        row = _endpoint(tx, caller, scope)
        if row["status"] == service.DISABLED:
            row = service.enable(tx, row)
            record(tx, caller.account_id, "webhook.enabled", webhookId=row["id"], agentId=scope or None)
        return answer_of(parts, row)

    return await parts.once.write(await claim_of(request, caller), caller, unit, secret=True)


def _endpoint(tx: Tx, caller: Caller, scope: str) -> Row:
    if scope != service.PROJECT:
        agents.get(tx, caller.account_id, scope)
    return service.needed(tx, caller.account_id, scope)


@project.post("/rotate-secret", operation_id="rotateWebhookSecret", response_model=WebhookResponse)
async def rotate_secret(request: Request, caller: Scoped, asked: RotateSecret | None = None) -> JsonBytes:
    return await _rotate(request, caller, service.PROJECT, asked)


@project.post("/enable", operation_id="enableWebhook", response_model=WebhookResponse)
async def enable(request: Request, caller: Scoped) -> JsonBytes:
    return await _enable(request, caller, service.PROJECT)


@of_agent.post("/rotate-secret", operation_id="rotateAgentWebhookSecret", response_model=WebhookResponse)
async def rotate_agent_secret(
    request: Request, caller: Scoped, agent_id: str, asked: RotateSecret | None = None
) -> JsonBytes:
    return await _rotate(request, caller, agent_id, asked)


@of_agent.post("/enable", operation_id="enableAgentWebhook", response_model=WebhookResponse)
async def enable_agent(request: Request, caller: Scoped, agent_id: str) -> JsonBytes:
    return await _enable(request, caller, agent_id)
