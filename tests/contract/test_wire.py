"""The guard against toy apps: it lets what the contract says pass, and bites at anything else."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.openapi import contracts, load, operations
from tests.wire import (
    App,
    Contract,
    ContractGuard,
    Message,
    Receive,
    Send,
    closed,
    the_contract,
)

pytestmark = pytest.mark.contract

HEADERS = {"content-type": "application/json", "x-request-id": "req_1", "x-content-type-options": "nosniff"}
NUMBER = {
    "id": "num_1",
    "phoneNumber": "+14155550100",
    "country": "US",
    "status": "active",
    "type": "sms",
    "agentId": None,
    "createdAt": "2026-11-25T12:00:00.000Z",
}
REFUSAL = {
    "error": {"message": "no", "code": "NUMBER_NOT_FOUND", "type": "not_found", "details": []},
    "detail": "no",
}
INVALID = {
    "error": {
        "message": "limit: too big",
        "code": "VALIDATION_ERROR",
        "type": "validation",
        "details": [{"field": "limit", "message": "too big", "type": "less_than_equal"}],
    },
    "detail": [{"loc": ["query", "limit"], "msg": "too big", "type": "less_than_equal"}],
}
CONVERSATION: dict[str, Any] = {
    "id": "conv_1",
    "agentId": None,
    "phoneNumberId": "num_1",
    "phoneNumber": "+14155550100",
    "participant": "+14155550101",
    "lastMessageAt": "2026-11-25T12:00:00Z",
    "messageCount": 0,
    "metadata": None,
    "createdAt": "2026-11-25T12:00:00Z",
    "messages": [],
}


def toy(status: int, body: bytes, headers: Mapping[str, str | None]) -> App:
    """An app that answers everything alike, its body in two pieces."""
    written = [(name.encode(), value.encode()) for name, value in headers.items() if value is not None]

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": written})
        await send({"type": "http.response.body", "body": body[:3], "more_body": True})
        await send({"type": "http.response.body", "body": body[3:]})

    return app


async def ask(
    method: str,
    path: str,
    status: int,
    body: Any,
    *,
    headers: Mapping[str, str | None] | None = None,
) -> tuple[httpx.Response, ContractGuard]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    guard = ContractGuard(toy(status, raw, {**HEADERS, **(headers or {})}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="http://toy") as client:
        return await client.request(method, path), guard


GOOD: list[tuple[str, str, int, Any]] = [
    ("GET", "/v1/numbers/num_1", 200, NUMBER),
    ("GET", "/v1/numbers/num_1", 200, {**NUMBER, "ringback": {"anything": 1}, "dailyNewContacts": None}),
    (
        "GET",
        "/v1/numbers/num_1",
        200,
        {**NUMBER, "dailyNewContacts": {"used": 1, "limit": 50, "ringback": {}}},
    ),
    ("HEAD", "/v1/numbers/num_1", 200, b""),
    ("GET", "/v1/numbers?limit=3", 200, {"data": [NUMBER, NUMBER], "hasMore": False, "total": 2}),
    ("GET", "/v1/numbers/num_1", 404, REFUSAL),
    ("GET", "/v1/numbers?limit=101", 422, INVALID),
    ("GET", "/v1/webhooks", 200, None),
    ("PATCH", "/v1/conversations/conv_1", 200, {**CONVERSATION, "metadata": {"any": {"thing": [1]}}}),
    (
        "GET",
        "/v1/webhooks/deliveries/stats",
        200,
        {
            "total": 1,
            "success": 1,
            "failed": 0,
            "pending": 0,
            "successRate": 100,
            "byEventType": {"agent.message": {"total": 1, "success": 1, "failed": 0}},
            "byHour": [{"hour": "2026-11-25T12:00:00Z", "total": 1}],
        },
    ),
    ("DELETE", "/v1/contacts/con_1", 204, b""),
    ("GET", "/v1/calls/call_1/transcript/stream", 404, REFUSAL),
    ("GET", "/healthz", 200, {"status": "ok"}),
    ("GET", "/readyz", 503, REFUSAL),
    (
        "PATCH",
        "/sim/v1/network",
        200,
        {
            "seed": 1,
            "latencyMs": 0,
            "lossPercent": 0.5,
            "jitterMs": 0,
            "messagesPerSecond": None,
            "registration": "never",
            "reviewSeconds": 3600,
            "inventory": {"US-415": 3},
            "campaign": None,
        },
    ),
    ("GET", "/v1/nowhere", 404, REFUSAL),
    ("GET", "/v1/numbers/", 404, REFUSAL),
    ("PUT", "/v1/numbers", 405, REFUSAL),
    ("GET", "/internal/v1/anything", 200, {"free": "form"}),
    ("GET", "/openapi.json", 200, {}),
]


@pytest.mark.parametrize(("method", "path", "status", "body"), GOOD)
async def test_lets_pass_what_the_contract_says(method: str, path: str, status: int, body: Any) -> None:
    response, guard = await ask(method, path, status, body)
    assert guard.violations == []
    assert response.status_code == status
    assert response.headers["x-request-id"] == "req_1"
    if not isinstance(body, bytes):
        assert response.json() == body


def without(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: part for name, part in value.items() if name not in names}


BAD: dict[str, tuple[str, str, int, Any, str]] = {
    "unknown property": ("GET", "/v1/numbers/n", 200, {**NUMBER, "extra": 1}, "'extra' was unexpected"),
    "unknown property in a list": (
        "GET",
        "/v1/numbers",
        200,
        {"data": [NUMBER, {**NUMBER, "extra": 1}], "hasMore": False, "total": 2},
        "$.data[1]",
    ),
    "unknown property under anyOf": (
        "GET",
        "/v1/webhooks",
        200,
        {
            "id": "wh_1",
            "url": "http://x",
            "secret": "whsec_x",
            "status": "active",
            "contextLimit": 10,
            "timeout": 30,
            "createdAt": "2026-11-25T12:00:00Z",
            "extra": 1,
        },
        "not valid under any",
    ),
    "unknown property in a nested object": (
        "GET",
        "/v1/numbers/n",
        200,
        {**NUMBER, "dailyNewContacts": {"used": 1, "limit": 2, "left": 1}},
        "'left' was unexpected",
    ),
    "ringback that is no object": ("GET", "/v1/numbers/n", 200, {**NUMBER, "ringback": "x"}, "$.ringback"),
    "missing required": ("GET", "/v1/numbers/n", 200, without(NUMBER, "agentId"), "'agentId' is a required"),
    "null where not allowed": ("GET", "/v1/numbers/n", 200, {**NUMBER, "country": None}, "$.country"),
    "wrong enum": ("GET", "/v1/numbers/n", 200, {**NUMBER, "status": "gone"}, "'gone' is not one of"),
    "wrong type": (
        "GET",
        "/v1/numbers",
        200,
        {"data": [], "hasMore": "no", "total": 0},
        "$.hasMore",
    ),
    "a float for an integer": (
        "GET",
        "/v1/numbers",
        200,
        {"data": [], "hasMore": False, "total": 0.0},
        "$.total",
    ),
    "a list where an object is": ("GET", "/v1/numbers", 200, [NUMBER], "is not of type 'object'"),
    "an object where a list is": (
        "GET",
        "/v1/agents/agt_1/webhook/deliveries",
        200,
        {"data": []},
        "is not of type 'array'",
    ),
    "date without zone": (
        "GET",
        "/v1/numbers/n",
        200,
        {**NUMBER, "createdAt": "2026-11-25T12:00:00"},
        "'date-time'",
    ),
    "date with an offset": (
        "GET",
        "/v1/numbers/n",
        200,
        {**NUMBER, "createdAt": "2026-11-25T12:00:00+00:00"},
        "'date-time'",
    ),
    "date finer than milliseconds": (
        "GET",
        "/v1/numbers/n",
        200,
        {**NUMBER, "createdAt": "2026-11-25T12:00:00.123456Z"},
        "'date-time'",
    ),
    "date that doesn't exist": (
        "GET",
        "/v1/numbers/n",
        200,
        {**NUMBER, "createdAt": "2026-02-30T12:00:00Z"},
        "'date-time'",
    ),
    "nullable date that is wrong": (
        "GET",
        "/v1/numbers/n",
        200,
        {**NUMBER, "expiresAt": "soon"},
        "'date-time'",
    ),
    "undocumented path": ("GET", "/v1/nowhere", 200, {}, "in neither document"),
    "undocumented path that fails": ("GET", "/v1/nowhere", 500, REFUSAL, "in neither document"),
    "undocumented path refused otherwise": ("GET", "/v1/nowhere", 404, {"detail": "Not Found"}, "'error'"),
    "undocumented method": ("PUT", "/v1/numbers", 200, {}, "method PUT"),
    "undocumented status": ("POST", "/v1/numbers", 201, NUMBER, "status 201"),
    "redirect": ("GET", "/v1/numbers", 307, b"", "status 307"),
    "body on 204": ("DELETE", "/v1/contacts/con_1", 204, {}, "must have no body"),
    "no body on 200": ("DELETE", "/v1/numbers/n", 200, b"", "not JSON"),
    "not JSON": ("GET", "/v1/numbers", 200, b"hello", "not JSON"),
    "not quite JSON": ("GET", "/v1/numbers", 200, b'{"data":[],"hasMore":false,"total":NaN}', "NaN"),
    "not UTF-8": ("GET", "/v1/numbers", 200, b'"\xff"', "not JSON"),
    "error without envelope": ("GET", "/v1/numbers/n", 404, {"detail": "no"}, "'error' is a required"),
    "error without details": (
        "GET",
        "/v1/numbers/n",
        404,
        {"error": without(REFUSAL["error"], "details"), "detail": "no"},  # type: ignore[arg-type]
        "details is missing",
    ),
    "error told in two ways": ("GET", "/v1/numbers/n", 404, {**REFUSAL, "detail": "yes"}, "differs"),
    "422 in the form of the rest": ("GET", "/v1/numbers", 422, REFUSAL, "$.detail"),
    "422 with more than it should tell": (
        "GET",
        "/v1/numbers",
        422,
        {**INVALID, "detail": [{**INVALID["detail"][0], "input": 101}]},  # type: ignore[index]
        "'input' was unexpected",
    ),
    "422 that lists nothing": ("GET", "/v1/numbers", 422, {**INVALID, "detail": []}, "each wrong field"),
    "429 without Retry-After": ("GET", "/v1/numbers", 429, REFUSAL, "Retry-After"),
    "our own schema": ("GET", "/healthz", 200, {"status": "fine"}, "'ok' was expected"),
}


@pytest.mark.parametrize("case", BAD)
async def test_bites(case: str) -> None:
    method, path, status, body, expected = BAD[case]
    response, guard = await ask(method, path, status, body)
    assert response.status_code == 599
    [violation] = guard.violations
    assert (violation.method, violation.path, violation.status) == (method, path, status)
    assert expected in violation.message
    assert violation.message in response.json()["detail"]
    assert len(violation.body) <= 500


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-request-id": None}, "X-Request-ID"),
        ({"x-request-id": " "}, "X-Request-ID"),
        ({"x-content-type-options": None}, "nosniff"),
        ({"content-type": None}, "content type"),
        ({"content-type": "text/plain"}, "content type"),
        ({"content-type": "application/json; charset=latin-1"}, "content type"),
    ],
)
async def test_bites_at_headers(headers: dict[str, str | None], expected: str) -> None:
    response, guard = await ask("GET", "/v1/numbers/num_1", 200, NUMBER, headers=headers)
    assert response.status_code == 599
    assert expected in guard.violations[0].message


async def test_exempt_paths_keep_their_headers() -> None:
    response, guard = await ask("GET", "/internal/v1/x", 200, {}, headers={"x-request-id": None})
    assert response.status_code == 599
    assert "X-Request-ID" in guard.violations[0].message


async def test_streams_pass_piece_by_piece() -> None:
    seen: list[str] = []
    events = {"type": "http.response.body", "body": b"event: text\ndata: {}\n\n", "more_body": True}

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        headers = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n != "content-type"]
        headers.append((b"content-type", b"text/event-stream; charset=utf-8"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(events)
        assert seen == ["http.response.start", "http.response.body"], "the guard held a stream back"
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Message) -> None:
        seen.append(message["type"])

    async def receive() -> Message:
        return {"type": "http.request"}

    guard = ContractGuard(app)
    await guard({"type": "http", "method": "GET", "path": "/sim/v1/events"}, receive, send)
    assert seen[-1] == "http.response.body"
    assert guard.violations == []


async def test_bites_at_a_stream_of_the_wrong_kind() -> None:
    response, guard = await ask("GET", "/sim/v1/events", 200, b"event: x\n\n")
    assert response.status_code == 599
    assert "text/event-stream" in guard.violations[0].message
    response, guard = await ask(
        "GET", "/v1/numbers", 200, b"event: x\n\n", headers={"content-type": "text/event-stream"}
    )
    assert response.status_code == 599
    assert "application/json" in guard.violations[0].message


async def test_an_app_that_raises_or_falls_silent_is_a_violation() -> None:
    async def raises(scope: Message, receive: Receive, send: Send) -> None:
        raise RuntimeError("boom")

    async def silent(scope: Message, receive: Receive, send: Send) -> None:
        return

    async def left(scope: Message, receive: Receive, send: Send) -> None:
        await receive()

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError("nothing is sent")

    scope = {"type": "http", "method": "GET", "path": "/v1/numbers"}
    guard = ContractGuard(raises)
    with pytest.raises(RuntimeError, match="boom"):
        await guard(scope, gone, send)
    assert "boom" in guard.violations[0].message
    guard = ContractGuard(silent)
    await guard(scope, gone, send)
    assert "without a whole answer" in guard.violations[0].message
    guard = ContractGuard(left)
    await guard(scope, gone, send)
    assert guard.violations == []


async def test_leaves_other_scopes_alone() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.complete"})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    await ContractGuard(app)({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "lifespan.startup.complete"}]


def test_every_answer_of_both_documents_compiles() -> None:
    contract = Contract(contracts())
    for document in contracts():
        for operation in operations(document):
            for status in operation.spec["responses"]:
                assert contract.answer(operation, 500 if status == "default" else int(status)) is not None


def test_operation_ids_are_unique() -> None:
    ids = [operation.id for document in contracts() for operation in operations(document)]
    assert all(ids)
    assert len(ids) == len(set(ids))


def test_both_documents_tell_errors_alike() -> None:
    vendor, ours = load("openapi.yaml"), load("ringback.yaml")
    for name in ("Error", "ValidationFailed"):
        assert closed({"$ref": f"#/components/schemas/{name}"}, vendor) == closed(
            {"$ref": f"#/components/schemas/{name}"}, ours
        )


def test_a_literal_path_goes_before_a_parameter() -> None:
    assert the_contract().methods("/v1/agents/voices")["GET"].id == "listVoices"
    assert the_contract().methods("/v1/agents/agt_1")["GET"].id == "getAgent"
    assert the_contract().methods("/v1/agents/agt_1/numbers/num_1")["DELETE"].id == "detachNumberFromAgent"
    assert the_contract().methods("/v1/agents/") == {}


def test_schemas_that_cannot_be_closed_are_refused() -> None:
    tree = {
        "components": {"schemas": {"Tree": {"properties": {"next": {"$ref": "#/components/schemas/Tree"}}}}}
    }
    with pytest.raises(ValueError, match="recursive"):
        closed({"$ref": "#/components/schemas/Tree"}, tree)
    with pytest.raises(ValueError, match="allOf"):
        closed({"allOf": []}, {})


def test_maps_stay_open() -> None:
    free = {"type": "object", "additionalProperties": {}}
    assert closed(free, {})["additionalProperties"] == {}
    assert "additionalProperties" not in closed({"type": "object"}, {})
    assert closed({"properties": {"a": {}}}, {})["additionalProperties"] is False
    assert closed({"properties": {"a": {}}, "additionalProperties": {}}, {})["additionalProperties"] == {}
