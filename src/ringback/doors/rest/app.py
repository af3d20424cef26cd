"""The REST application: routes, error bodies, limits."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException

from ringback import __version__
from ringback.doors.rest import (
    agents,
    conversations,
    health,
    internal,
    messages,
    not_built,
    numbers,
    webhooks,
)
from ringback.doors.rest.error_schemas import RESPONSES
from ringback.doors.rest.errors import ApiError, error_response, fault_response, validation_response
from ringback.doors.rest.guard import BodyTooLarge, Guard, names_of
from ringback.doors.rest.json_body import BadJson
from ringback.doors.rest.parts import Parts
from ringback.kit.faults import Fault

_log = structlog.get_logger("ringback.rest")
_CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}


def create(parts: Parts, *, more: Sequence[APIRouter] = ()) -> FastAPI:
    """The application over `parts`; `more` are other doors' routers."""
    app = FastAPI(
        title="Ringback",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: to_camel(route.name),
    )
    app.state.parts = parts
    app.state.store = parts.store
    for router in (
        messages.router,
        not_built.build_router(),
        numbers.router,
        webhooks.of_agent,
        agents.router,
        conversations.router,
        webhooks.project,
        *more,
        internal.router,
    ):
        app.include_router(router, responses=RESPONSES)
    app.include_router(health.router, responses={"default": RESPONSES["default"]})
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(Fault, _fault)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(BadJson, _bad_json)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(BodyTooLarge, _body_too_large)
    app.add_exception_handler(Exception, _unforeseen)
    return app


def guarded(app: Any, parts: Parts) -> Guard:
    """The application behind the guard."""
    settings = parts.settings
    return Guard(
        app,
        ids=parts.ids,
        host=settings.host,
        names=names_of(settings.public_url, settings.allowed_hosts),
        max_body_bytes=settings.max_body_bytes,
    )


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error_response(error.status, error.code, error.message, field=error.field, headers=error.headers)


async def _fault(request: Request, error: Exception) -> Response:
    assert isinstance(error, Fault)
    return fault_response(error)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if any(isinstance(one.get("input"), bytes) for one in errors):
        # FastAPI hands a body of another content type over unread.
        told = "send JSON, with the header 'Content-Type: application/json'"
        errors = [{"loc": ("body",), "msg": told, "type": "content_type"}]
    return validation_response(errors)


async def _bad_json(request: Request, error: Exception) -> Response:
    assert isinstance(error, BadJson)
    return validation_response([{"loc": ("body",), "msg": error.detail, "type": "json_invalid"}])


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "BAD_REQUEST")
    told = str(error.detail)
    if error.status_code == 404 and request.url.path == "/":
        told = "there is no page here: the API is at /v1, and README.md leads to a first text"
    return error_response(error.status_code, code, told, headers=error.headers)


async def _body_too_large(request: Request, error: Exception) -> Response:
    limit = request.app.state.parts.settings.max_body_bytes
    return error_response(413, "BODY_TOO_LARGE", f"a body may hold {limit} bytes at most")


async def _unforeseen(request: Request, error: Exception) -> Response:
    _log.error("a request failed in an unforeseen way", path=request.url.path, exc_info=error)
    return error_response(
        500, "INTERNAL_ERROR", "something went wrong here; the log tells more by X-Request-ID"
    )
