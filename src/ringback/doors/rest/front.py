"""The short way to the hottest operation: the same endpoint, without FastAPI's way to it (decision 0013).

A plain request is read, validated and answered here in half of the processor time. Whatever is not plain, and whatever
fails validation, goes the long way with its body, so that every refusal has one author.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringback.doors.rest.caller import Caller, scoped
from ringback.doors.rest.json_body import BadJson, JsonRequest, parse


@dataclass(frozen=True, slots=True)
class Hot:
    """An operation that takes a JSON object and nothing from path or query: its endpoint, as FastAPI calls it too."""

    endpoint: Callable[[Request, Caller, Any], Awaitable[Response]]
    body: type[BaseModel]


class Front:
    """An ASGI layer before `app`; `api` is the FastAPI application inside it. `hot` is by method and path."""

    def __init__(self, app: ASGIApp, api: FastAPI, hot: Mapping[tuple[str, str], Hot]) -> None:
        self._app = app
        self._api = api
        self._hot = hot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hot = self._hot.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if hot is None:
            await self._app(scope, receive, send)
            return
        request = JsonRequest({**scope, "app": self._api}, receive)
        try:
            asked = await _read(request, hot)
            if asked is None:
                await self._app(scope, replayed(await request.body(), receive), send)
                return
            caller = await scoped(request, request.headers.get("x-sub-account-id", ""))
            scope["route"] = hot
            response = await hot.endpoint(request, caller, asked)
        except ClientDisconnect:
            return
        except Exception as error:
            response = await self._tell(request, error)
        await response(scope, receive, send)

    async def _tell(self, request: Request, error: Exception) -> Response:
        handlers = self._api.exception_handlers
        handler: Any = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
        response: Response = await handler(request, error)
        return response


async def _read(request: JsonRequest, hot: Hot) -> BaseModel | None:
    """What is asked, or None for what FastAPI has to look at."""
    body = await request.body()
    if request.headers.get("content-type") != "application/json":
        return None
    try:
        return hot.body.model_validate(parse(body))
    except (BadJson, ValidationError):
        return None


def replayed(body: bytes, receive: Receive) -> Receive:
    """A receive that begins with the body that has been read."""
    told = False

    async def from_the_start() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return from_the_start
