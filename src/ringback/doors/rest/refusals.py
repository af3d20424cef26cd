"""How every kind of refusal is told, whichever application meets it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from ringback.doors.rest.errors import ApiError, error_response, fault_response, validation_response
from ringback.doors.rest.guard import BodyTooLarge, too_large
from ringback.doors.rest.json_body import BadJson
from ringback.kit.faults import Fault

Handler = Callable[[Request, Exception], Awaitable[Response]]
_log = structlog.get_logger("ringback.rest")
_CODES = {404: "NOT_FOUND"}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def tell_errors(app: FastAPI) -> None:
    """Let the application answer in our envelope, whatever is raised."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(Fault, _counted(_fault))
    app.add_exception_handler(RequestValidationError, _counted(_validation))
    app.add_exception_handler(BadJson, _counted(_bad_json))
    app.add_exception_handler(HTTPException, _counted(_http))
    app.add_exception_handler(BodyTooLarge, _counted(_body_too_large))
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unforeseen)


def _counted(tell: Handler) -> Handler:
    """Tells a refusal that may come before anybody asked who calls: its key's rate counts it all the same."""

    async def counted(request: Request, error: Exception) -> Response:
        if request.url.path.startswith("/v1/") and hasattr(request.app.state, "keys"):
            try:
                await request.app.state.keys.count(request)
            except ApiError as too_many:
                return too_many.response()
        return await tell(request, error)

    return counted


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


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
    return validation_response([_hinting(one) for one in errors])


def _hinting(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """A field that is missing and stands there in another spelling (`toNumber`, `to_number`) was hardly left out."""
    given = error.get("input")
    if error["type"] != "missing" or not isinstance(given, dict):
        return error
    wanted = str(error["loc"][-1])
    if _bare(wanted) not in map(_bare, given):
        return error
    return {**error, "msg": f"{error['msg']}; one of nearly this name is given: did you mean {wanted}?"}


def _bare(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


async def _bad_json(request: Request, error: Exception) -> Response:
    assert isinstance(error, BadJson)
    loc = ("body",) if error.field is None else ("body", error.field)
    return validation_response([{"loc": loc, "msg": error.detail, "type": "json_invalid"}])


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return _other_method(request)
    code = _CODES.get(error.status_code, "BAD_REQUEST")
    told = _nothing_here(request) if error.status_code == 404 else str(error.detail)
    return error_response(error.status_code, code, told, headers=error.headers)


def _nothing_here(request: Request) -> str:
    if request.url.path == "/":
        return "there is no page here: the API is at /v1, and README.md leads to a first text"
    return "there is nothing at this path: paths begin with one /v1 and have no slash at the end"


def _other_method(request: Request) -> Response:
    """405 with all that the path takes (the router knows of its first route only), or what OPTIONS asks for."""
    takes = [method for method in _METHODS if _is_taken(request, "GET" if method == "HEAD" else method)]
    allow = {"Allow": ", ".join([*takes, "OPTIONS"])}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    told = f"{request.method} is not taken here, but {allow['Allow']}"
    return error_response(405, "METHOD_NOT_ALLOWED", told, headers=allow)


def _is_taken(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes)


async def _gone(request: Request, error: Exception) -> Response:
    return error_response(400, "BAD_REQUEST", "the request ended before its body did")


async def _body_too_large(request: Request, error: Exception) -> Response:
    assert isinstance(error, BodyTooLarge)
    return too_large(error.limit)


async def _unforeseen(request: Request, error: Exception) -> Response:
    _log.error("a request failed in an unforeseen way", path=request.url.path, exc_info=error)
    return error_response(
        500, "INTERNAL_ERROR", "something went wrong here; the log tells more by X-Request-ID"
    )
