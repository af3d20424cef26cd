"""`/catch/{token}`, which takes webhooks for whoever has no endpoint yet, and what it took: `/v1/webhooks/caught`."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from ringback.doors.rest.caller import Caller, Scoped
from ringback.doors.rest.endpoints.success import Success
from ringback.doors.rest.errors import ApiError, JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.near import is_near
from ringback.doors.rest.once import to_bytes
from ringback.doors.rest.paging import NOT_GIVEN
from ringback.doors.rest.parts import Parts, parts_of
from ringback.flows.send_text import SendText, needs, send_text
from ringback.kit import json_text
from ringback.kit.faults import Fault
from ringback.kit.links import base_of
from ringback.kit.wire import DIGITS
from ringback.storage.idempotency import Claim
from ringback.storage.tx import Row, Tx
from ringback.webhooks import demo, service
from ringback.webhooks.catcher import DEMO, ID_HEADER, KEPT_CHARACTERS, PATH, Catcher, Caught, answer_to
from ringback.webhooks.demo import DemoText
from ringback.webhooks.schemas import CaughtList, CaughtWebhook

project = APIRouter(route_class=JsonRoute, prefix="/v1/webhooks", tags=["webhooks"])
door = APIRouter(include_in_schema=False)
Id = Annotated[str, Query(alias="id", description="Only what came with this X-Webhook-ID.")]
Characters = Annotated[
    int,
    Query(alias="bodyCharacters", ge=0, le=KEPT_CHARACTERS, description="So many characters of each body."),
    DIGITS,
]


def catcher_of(parts: Parts) -> Catcher:
    """The server's catcher. It has an address on the simulated network alone, and only while the server listens to
    nobody but its own machine: elsewhere it would be a way around what webhooks may call."""
    settings = parts.settings
    allowed = parts.policy.loopback_allowed and parts.carrier.name == "simulated"
    return Catcher(parts.line.hash_key, base_of(settings.host, settings.port) if allowed else None)


@project.get("/caught", operation_id="listCaught", response_model=CaughtList)
async def list_caught(
    request: Request, caller: Scoped, webhook_id: Id = NOT_GIVEN, characters: Characters = KEPT_CHARACTERS
) -> JsonBytes:
    parts, catcher, account_id = parts_of(request), _catcher(request), caller.account_id
    url, demo_url = catcher.url_of(account_id), catcher.demo_url_of(account_id)
    row = await parts.store.read(lambda db: service.get(db, account_id, service.PROJECT))
    caught = [
        CaughtWebhook.of(one, characters)
        for one in catcher.newest(account_id)
        if not webhook_id or one.headers.get(ID_HEADER) == webhook_id
    ]
    leads_to = None if row is None else row["url"]
    told = CaughtList(
        url=url,
        demo_url=demo_url,
        catching=leads_to is not None and leads_to in (url, demo_url),
        answering=leads_to is not None and leads_to == demo_url,
        refused=catcher.refused(account_id),
        data=caught,
    )
    return JsonBytes(to_bytes(told))


@door.post(PATH + "{token}")
async def catch(request: Request, token: str) -> Response:
    caught, _ = await _take(request, token, _catcher(request).url_of)
    return JSONResponse(answer_to(caught))


@door.post(PATH + "{token}" + DEMO)
async def catch_and_answer(request: Request, token: str) -> Response:
    caught, account_id = await _take(request, token, _catcher(request).demo_url_of)
    try:
        told = json_text.loads(caught.body)
    except ValueError:
        told = None
    text = demo.text_answer(told)
    if text is not None:
        await _send(parts_of(request), account_id, text, once=caught.headers.get(ID_HEADER, ""))
    return JSONResponse(demo.spoken_answer(told))


async def _take(request: Request, token: str, url_of: Callable[[str], str | None]) -> tuple[Caught, str]:
    """Keep a webhook; answers it, and whose it is. Raises `ApiError` for one that doesn't belong here."""
    parts, catcher = parts_of(request), _catcher(request)
    # Only this server sends here, and not by its public address.
    account_id = catcher.whose(token) if is_near(request) else None
    endpoint = None if account_id is None else await _endpoint(parts, account_id)
    if account_id is None or endpoint is None or endpoint["url"] != url_of(account_id):
        raise ApiError(404, "NOT_FOUND", "no webhook leads here")
    secrets = service.secrets_of(endpoint, parts.sealer, now=parts.clock.now_ms())
    caught = catcher.take(account_id, request.headers, await request.body(), secrets=secrets)
    if caught is None:
        raise ApiError(
            403, "SIGNATURE_WRONG", "the signature is not this endpoint's, or older than five minutes"
        )
    return caught, account_id


async def _send(parts: Parts, account_id: str, text: DemoText, *, once: str) -> None:
    """Send a reply, once for each webhook; whoever opted out, or can't be texted, gets none."""
    asked = SendText(account_id=account_id, to=text.to, body=text.body, number_id=text.number_id)
    claim = Claim(account_id=account_id, operation="demo", key=once, fingerprint=once)

    def unit(tx: Tx) -> Success:
        send_text(tx, parts.line, asked)
        return Success(success=True)

    try:
        await parts.once.write(claim, Caller(account_id, None), unit, needs=needs(parts.line, asked))
    except Fault as refused:
        if refused.status >= 500:
            raise


@door.get(PATH.rstrip("/"))
async def show() -> Response:
    return RedirectResponse("/console/catch", status_code=303)


async def _endpoint(parts: Parts, account_id: str) -> Row | None:
    return await parts.store.read(lambda db: service.get(db, account_id, service.PROJECT))


def _catcher(request: Request) -> Catcher:
    found: Catcher = request.app.state.catcher
    return found
