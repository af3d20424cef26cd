"""MCP over standard input and output, for hosts that start their servers as processes.

What is asked goes on to `/mcp` of a running server as it is, so both ways have the same tools. Standard output carries
JSON-RPC only: the package turns whatever else is written there to standard error.
"""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from ringback import __version__
from ringback.doors.mcp.told import INSTRUCTIONS, going_on
from ringback.operator_error import OperatorError

_LONGEST_S = 660.0
"""A conversation call may be waited for 600 s."""
_VERSION = "2025-06-18"


@dataclass(frozen=True, slots=True)
class Place:
    """A server and the key to it."""

    url: str
    key: str
    account: str | None = None


class _Away(Exception):
    """The server does not answer, or not as it should; the message says what to do."""


class _Forward:
    """Asks the server at `place()`, which is looked up each time: a server that was started again has another address."""

    def __init__(self, session: aiohttp.ClientSession, place: Callable[[], Place]) -> None:
        self._session = session
        self._place = place
        self._ids = itertools.count(1)

    async def __call__(self, method: str, params: Any) -> Any:
        """The result. Raises `MCPError` as the server told it, or `_Away`."""
        try:
            place = await asyncio.to_thread(self._place)
        except OperatorError as error:
            raise _Away(error.line) from None
        asked: dict[str, Any] = {"jsonrpc": "2.0", "id": next(self._ids), "method": method}
        if params is not None:
            asked["params"] = params.model_dump(mode="json", by_alias=True, exclude_unset=True)
            asked["params"].pop("_meta", None)
        headers = {
            "Authorization": f"Bearer {place.key}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": _VERSION,
        }
        if place.account is not None:
            headers["X-Sub-Account-Id"] = place.account
        try:
            async with self._session.post(f"{place.url}/mcp", json=asked, headers=headers) as answer:
                told = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _Away(
                f"the server at {place.url} doesn't answer ({str(error) or type(error).__name__}): is it running?"
            ) from None
        return _result(told)


def _result(told: Any) -> Any:
    if isinstance(told, dict) and "result" in told:
        return told["result"]
    error = told.get("error") if isinstance(told, dict) else None
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        raise MCPError(error["code"], str(error.get("message")))
    message = error.get("message") if isinstance(error, dict) else None
    raise _Away(str(message or "the server gave no answer of MCP: is its address right?"))


async def serve(place: Callable[[], Place]) -> None:
    """Answer until standard input ends."""
    timeout = aiohttp.ClientTimeout(total=_LONGEST_S, sock_connect=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        server = _server(_Forward(session, place))
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())


def _server(forward: _Forward) -> Server[Any]:
    async def asked(method: str, params: Any) -> Any:
        try:
            return await forward(method, params)
        except _Away as away:
            raise MCPError(types.INTERNAL_ERROR, str(away)) from None

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult.model_validate(await asked("tools/list", params))

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            async with going_on(context.session, params.name):
                told = await forward("tools/call", params)
            return types.CallToolResult.model_validate(told)
        except _Away as away:
            # A model is told of a failed tool; of a broken protocol its host is.
            return types.CallToolResult(content=[types.TextContent(text=str(away))], is_error=True)

    async def list_resources(context: Any, params: Any) -> types.ListResourcesResult:
        return types.ListResourcesResult.model_validate(await asked("resources/list", params))

    async def list_templates(context: Any, params: Any) -> types.ListResourceTemplatesResult:
        found = await asked("resources/templates/list", params)
        return types.ListResourceTemplatesResult.model_validate(found)

    async def read_resource(
        context: Any, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        return types.ReadResourceResult.model_validate(await asked("resources/read", params))

    return Server(
        "ringback",
        version=__version__,
        title="Ringback",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
    )
