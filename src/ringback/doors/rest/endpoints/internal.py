"""/internal/v1: for the command line of this machine, with the token in `server.json`. In no document."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from ringback.doors.rest.caller import Keys, require_token
from ringback.doors.rest.endpoints import events
from ringback.doors.rest.endpoints.success import Success
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.paging import NOT_GIVEN
from ringback.feedback import service as feedback
from ringback.kit.wire import DIGITS, CamelWire, Text

router = APIRouter(
    route_class=JsonRoute,
    prefix="/internal/v1",
    include_in_schema=False,
    dependencies=[Depends(require_token)],
)


class CreateKey(CamelWire):
    name: Annotated[Text, Field(min_length=1, max_length=200)] = "command line"
    expires_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    account_id: Text | None = None


@router.post("/keys")
async def create_key(request: Request, asked: CreateKey) -> dict[str, Any]:
    made = await request.app.state.accounts.create_key(
        asked.name, asked.expires_days, account_id=asked.account_id
    )
    return {"id": made.id, "key": made.key, "accountId": made.account_id}


@router.get("/keys")
async def list_keys(request: Request) -> dict[str, Any]:
    return {"data": await request.app.state.accounts.list_keys()}


@router.post("/keys/hide")
async def hide_first_key(request: Request) -> Success:
    request.app.state.accounts.hide_first_key()
    return Success(success=True)


@router.delete("/keys/{key_id}")
async def revoke_key(request: Request, key_id: str) -> Success:
    known: Keys = request.app.state.keys
    known.forget(await request.app.state.accounts.revoke_key(key_id))
    return Success(success=True)


class CreateLink(CamelWire):
    account_id: Text | None = None


@router.post("/links")
async def create_link(request: Request, asked: CreateLink) -> dict[str, Any]:
    """The path of a link that opens an account's console once."""
    account = await request.app.state.accounts.find(asked.account_id)
    return {"path": request.app.state.links.new(account)}


@router.get("/feedback")
async def list_feedback(
    request: Request, limit: Annotated[int, Query(ge=1, le=1_000), DIGITS] = 20
) -> dict[str, Any]:
    return {"data": await request.app.state.store.read(lambda db: feedback.newest(db, limit))}


@router.get("/events")
async def tail_events(
    request: Request,
    account_id: Annotated[str, Query(alias="accountId")] = NOT_GIVEN,
    after: events.After = None,
    types: events.Types = NOT_GIVEN,
    agent_id: events.AgentId = NOT_GIVEN,
    limit: events.Limit = 100,
    wait: events.Wait = 0,
) -> JsonBytes:
    account = await request.app.state.accounts.find(account_id or None)
    return await events.listed(
        request, account, after=after, types=types, agent_id=agent_id, limit=limit, wait=wait
    )


@router.get("/check")
async def check(request: Request) -> dict[str, Any]:
    return {"parts": await request.app.state.check()}
