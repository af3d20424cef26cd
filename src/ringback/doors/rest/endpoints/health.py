"""/healthz: the process serves. /readyz: it can do its job. No key needed for these; /openapi.json takes one."""

from typing import Literal

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse

from ringback.doors.rest.caller import scoped
from ringback.doors.rest.errors import ApiError
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.parts import parts_of
from ringback.kit.wire import CamelWire
from ringback.storage.schema import meta

router = APIRouter(route_class=JsonRoute, tags=["health"])


class Health(CamelWire):
    status: Literal["ok"]


@router.get("/healthz", operation_id="healthz")
async def healthz() -> Health:
    return Health(status="ok")


@router.get("/openapi.json", include_in_schema=False, dependencies=[Depends(scoped)])
async def openapi(request: Request) -> JSONResponse:
    # Made at the first request: it takes a second, which no start should wait for.
    return JSONResponse(request.app.openapi())


@router.get("/readyz", operation_id="readyz")
async def readyz(request: Request) -> Health:
    if not request.app.state.ready:
        raise ApiError(503, "NOT_READY", "the server is starting or stopping", headers={"Retry-After": "1"})
    try:
        await request.app.state.store.read(lambda db: db.get(meta, "ready"))
        trouble = await request.app.state.store.trouble()
    except Exception:
        raise ApiError(503, "NOT_READY", "the store does not answer", headers={"Retry-After": "1"}) from None
    if trouble is None and parts_of(request).settings.role != "deliver":
        trouble = await request.app.state.trouble()
    if trouble is not None:
        raise ApiError(503, "NOT_READY", trouble, headers={"Retry-After": "1"})
    return Health(status="ok")
