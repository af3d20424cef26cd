"""Reading JSON bodies: what is no JSON, or can't be kept, is a 422 and never a 500."""

from collections.abc import Callable, Coroutine, Set
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from ringback.kit import json_text
from ringback.kit.faults import Invalid

_LISTS = ("phoneNumbers", "types")
"""Values of a query that are lists, with commas between."""


class BadJson(HTTPException):
    """The body is no JSON that can be taken; `field` is the one that is wrong, None where it is all."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(422, message)
        self.field = field


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


class JsonRequest(Request):
    """A request whose `json` refuses what RFC 8259 does, and nesting that would break whoever reads it back."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            try:
                self._json = parse(await self.body())
            except BadJson:
                await _refuse_strangers(self)  # FastAPI reads the body before it asks for the key
                raise
        return self._json


async def _refuse_strangers(request: Request) -> None:
    """Nobody without a key is told more than 401. A network in a process of its own has no keys."""
    if hasattr(request.app.state, "keys"):
        await request.app.state.keys.require_any(request.headers.get("authorization"))


def parse(body: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises `BadJson`."""
    try:
        return json_text.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise BadJson("the body must be JSON in UTF-8") from None
    except json_text.TooDeep as error:
        raise BadJson(f"is {error}" if error.field else f"the body is {error}", error.field) from None
    except ValueError as error:
        raise BadJson(f"the body is not valid JSON: {error}") from None


def _each_once(query: bytes, known: Set[str]) -> bytes:
    """The query with lists joined that came in pieces. Of two other values each reader might take another: `Invalid`."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    if len(values) == len(pairs):
        return query
    for name in known & values.keys():
        if len(values[name]) > 1 and name not in _LISTS:
            raise Invalid("may be given once only", field=name, where="query")
    return urlencode({name: ",".join(given) for name, given in values.items()}).encode()


class JsonRoute(APIRoute):
    """A route that reads its body as `JsonRequest` does, and each value of its query once."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = {param.alias for param in self.dependant.query_params}

        async def handle_json(request: Request) -> Response:
            if b"&" in request.scope["query_string"]:
                try:
                    request.scope["query_string"] = _each_once(request.scope["query_string"], known)
                except Invalid:
                    await _refuse_strangers(request)
                    raise
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_json
