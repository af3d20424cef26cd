"""/v1/webhooks and /v1/agents/{agent_id}/webhook: one endpoint each for the project and for an agent."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from ringback.agents import service as agents
from ringback.doors.rest.caller import Caller, Scoped
from ringback.doors.rest.endpoints.success import Success
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import claim_of, to_bytes
from ringback.doors.rest.paging import NOT_GIVEN, Limit100, Offset, within_store
from ringback.doors.rest.parts import Parts, parts_of
from ringback.events.log import record
from ringback.flows.synthetic_event import synthetic_message
from ringback.kit.addresses import BadUrl, check_url
from ringback.kit.faults import Invalid
from ringback.kit.wire import DIGITS
from ringback.storage.tx import Reads, Row, Tx
from ringback.webhooks import service, store
from ringback.webhooks.attempts import note_test
from ringback.webhooks.jobs import attempt
from ringback.webhooks.schemas import (
    AllTimeStatsResponse,
    PaginatedDeliveriesResponse,
    SetWebhook,
    TestWebhook,
    WebhookDeliveryResponse,
    WebhookDeliveryStatsResponse,
    WebhookExtras,
    WebhookResponse,
    WebhookState,
    WebhookTestResult,
)

project = APIRouter(route_class=JsonRoute, prefix="/v1/webhooks", tags=["webhooks"])
of_agent = APIRouter(route_class=JsonRoute, prefix="/v1/agents/{agent_id}/webhook", tags=["agentWebhooks"])
Hours = Annotated[int | None, Query(ge=1), DIGITS]
_MANY_HOURS = 10_000_000
"""Before anything that can be stored."""


async def _set(request: Request, caller: Caller, scope: str, asked: SetWebhook) -> JsonBytes:
    parts = parts_of(request)
    extras = asked.ringback or WebhookExtras()
    try:
        check_url(asked.url)
        parts.policy.judge_literal(asked.url)
    except BadUrl as error:
        hint = "; it does while it listens on loopback only" if "loopback" in str(error) else ""
        raise Invalid(f"{error}{hint}", field="url") from None
    secret = service.new_secret()

    def unit(tx: Tx) -> WebhookResponse:
        if scope != service.PROJECT:
            agents.get(tx, caller.account_id, scope)
        row = service.set_endpoint(
            tx,
            caller.account_id,
            scope,
            url=asked.url,
            context_limit=10 if asked.context_limit is None else asked.context_limit,
            timeout_s=30 if asked.timeout is None else asked.timeout,
            secret=secret,
            seal=lambda plain, context: parts.sealer.seal(plain, context=context),
            events=extras.events,
            ordered=extras.ordered,
        )
        record(tx, caller.account_id, "webhook.set", webhookId=row["id"], agentId=scope or None)
        return WebhookResponse.of(row, secret)

    return await parts.once.write(await claim_of(request, caller), caller, unit, secret=True)


async def _get(request: Request, caller: Caller, scope: str) -> JsonBytes:
    parts = parts_of(request)

    def query(db: Reads) -> Row | None:
        if scope != service.PROJECT:
            agents.get(db, caller.account_id, scope)
        return service.get(db, caller.account_id, scope)

    row = await parts.store.read(query)
    if row is None:
        return JsonBytes(b"null")
    return JsonBytes(to_bytes(answer_of(parts, row)))


def answer_of(parts: Parts, row: Row) -> WebhookResponse:
    """An endpoint as it is shown, its secret opened."""
    secret, *_ = service.secrets_of(row, parts.sealer, now=0)
    return WebhookResponse.of(row, secret)


async def _delete(request: Request, caller: Caller, scope: str) -> JsonBytes:
    def unit(tx: Tx) -> None:
        if scope != service.PROJECT:
            agents.get(tx, caller.account_id, scope)
        service.delete_endpoint(tx, caller.account_id, scope)

    await parts_of(request).store.write(unit, account=caller.account_id)
    return JsonBytes(to_bytes(Success(success=True)))


async def _test(
    request: Request, caller: Caller, *, scope: str, agent_id: str | None, asked: TestWebhook
) -> JsonBytes:
    parts = parts_of(request)

    async def act() -> WebhookTestResult:
        return await _attempt_test(parts, caller, scope=scope, agent_id=agent_id, asked=asked)

    return await parts.once.work(await claim_of(request, caller), caller, act)


async def _attempt_test(
    parts: Parts, caller: Caller, *, scope: str, agent_id: str | None, asked: TestWebhook
) -> WebhookTestResult:
    def query(db: Reads) -> Row:
        if agent_id is not None:
            agents.get(db, caller.account_id, agent_id)
        if scope == service.PROJECT:
            found = service.endpoint_for(db, caller.account_id, agent_id)
            if found is not None:
                return found
        return service.needed(db, caller.account_id, scope)

    endpoint = await parts.store.read(query)
    result = await attempt(
        parts.http,
        endpoint,
        service.secrets_of(endpoint, parts.sealer, now=parts.clock.now_ms()),
        delivery_id=parts.ids.new("whd"),
        event_type="agent.message",
        payload=synthetic_message(asked, ids=parts.ids, now=parts.clock.now_ms(), agent_id=agent_id),
    )
    if result.ok == (endpoint["failing_since"] is not None):
        tested = endpoint
        endpoint = await parts.store.write(
            lambda tx: note_test(tx, tested, ok=result.ok), account=caller.account_id
        )
    return WebhookTestResult(
        success=result.ok,
        http_status=result.http_status,
        error_message=result.error,
        status_code=result.http_status,
        response_ms=result.elapsed_ms,
        error=result.error,
        ringback=WebhookState.of(endpoint),
    )


def _since(parts: Parts, hours: int) -> int:
    return max(0, parts.clock.now_ms() - min(hours, _MANY_HOURS) * store.HOUR_MS)


@project.post("", operation_id="createOrUpdateWebhook", response_model=WebhookResponse)
async def set_webhook(request: Request, caller: Scoped, asked: SetWebhook) -> JsonBytes:
    return await _set(request, caller, service.PROJECT, asked)


@project.get("", operation_id="getWebhook", response_model=WebhookResponse | None)
async def get_webhook(request: Request, caller: Scoped) -> JsonBytes:
    return await _get(request, caller, service.PROJECT)


@project.delete("", operation_id="deleteWebhook", response_model=Success)
async def delete_webhook(request: Request, caller: Scoped) -> JsonBytes:
    return await _delete(request, caller, service.PROJECT)


@project.post("/test", operation_id="testWebhook", response_model=WebhookTestResult)
async def test_webhook(
    request: Request,
    caller: Scoped,
    asked: TestWebhook | None = None,
    agent_id: Annotated[str, Query(alias="agentId")] = NOT_GIVEN,
) -> JsonBytes:
    return await _test(
        request, caller, scope=service.PROJECT, agent_id=agent_id or None, asked=asked or TestWebhook()
    )


@project.get("/deliveries", operation_id="listDeliveries", response_model=PaginatedDeliveriesResponse)
async def list_deliveries(
    request: Request, caller: Scoped, limit: Limit100 = 50, offset: Offset = 0, hours: Hours = None
) -> JsonBytes:
    parts, start = parts_of(request), within_store(offset)
    since = None if hours is None else _since(parts, hours)

    def query(db: Reads) -> tuple[list[Row], int]:
        rows = store.page(db, caller.account_id, since=since or 0, limit=limit, offset=start)
        return rows, store.count(db, caller.account_id, since=since)

    rows, total = await parts.store.read(query)
    data = [WebhookDeliveryResponse.of(row) for row in rows]
    return JsonBytes(
        to_bytes(
            PaginatedDeliveriesResponse(
                items=data,
                data=data,
                total=total,
                offset=offset,
                limit=limit,
                has_more=start + len(data) < total,
            )
        )
    )


@project.get("/deliveries/stats", operation_id="deliveryStats", response_model=WebhookDeliveryStatsResponse)
async def delivery_stats(
    request: Request, caller: Scoped, hours: Annotated[int, Query(ge=1), DIGITS] = 24
) -> JsonBytes:
    parts = parts_of(request)
    since = _since(parts, hours)
    stats = await parts.store.read(
        lambda db: WebhookDeliveryStatsResponse.of(store.by_hour(db, caller.account_id, since=since))
    )
    return JsonBytes(to_bytes(stats))


@project.get("/deliveries/all-time", operation_id="allTimeStats", response_model=AllTimeStatsResponse)
async def all_time_stats(request: Request, caller: Scoped) -> JsonBytes:
    counted = await parts_of(request).store.read(lambda db: store.all_time(db, caller.account_id))
    return JsonBytes(to_bytes(AllTimeStatsResponse.of(counted)))


@of_agent.post("", operation_id="createOrUpdateAgentWebhook", response_model=WebhookResponse)
async def set_agent_webhook(request: Request, caller: Scoped, agent_id: str, asked: SetWebhook) -> JsonBytes:
    return await _set(request, caller, agent_id, asked)


@of_agent.get("", operation_id="getAgentWebhook", response_model=WebhookResponse | None)
async def get_agent_webhook(request: Request, caller: Scoped, agent_id: str) -> JsonBytes:
    return await _get(request, caller, agent_id)


@of_agent.delete("", operation_id="deleteAgentWebhook", response_model=Success)
async def delete_agent_webhook(request: Request, caller: Scoped, agent_id: str) -> JsonBytes:
    return await _delete(request, caller, agent_id)


@of_agent.post("/test", operation_id="testAgentWebhook", response_model=WebhookTestResult)
async def test_agent_webhook(
    request: Request, caller: Scoped, agent_id: str, asked: dict[str, object] | None = None
) -> JsonBytes:
    return await _test(request, caller, scope=agent_id, agent_id=agent_id, asked=TestWebhook())


@of_agent.get("/deliveries", operation_id="listAgentDeliveries", response_model=list[WebhookDeliveryResponse])
async def list_agent_deliveries(
    request: Request, caller: Scoped, agent_id: str, limit: Limit100 = 50, hours: Hours = None
) -> JsonBytes:
    parts = parts_of(request)
    since = 0 if hours is None else _since(parts, hours)

    def query(db: Reads) -> list[Row]:
        agents.get(db, caller.account_id, agent_id)
        return store.page_of_scope(db, caller.account_id, agent_id, since=since, limit=limit)

    rows = await parts.store.read(query)
    body = b",".join(to_bytes(WebhookDeliveryResponse.of(row)) for row in rows)
    return JsonBytes(b"[" + body + b"]")
