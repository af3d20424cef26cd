"""The protocol, by the official package: which tools and resources there are, and their answers.

Imported at the first request only: the package takes a second.
"""

import asyncio
import base64
import functools
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from starlette.types import Receive, Scope, Send

from ringback import __version__
from ringback.doors.mcp import resources, tools
from ringback.doors.mcp.api import Api, Refused
from ringback.doors.mcp.catalogue import BY_NAME, TOOLS
from ringback.doors.mcp.told import INSTRUCTIONS, going_on

API = "ringback.api"
"""In the scope of a request: what makes an `Api` for it."""


class Endpoint:
    """The protocol over HTTP. No session is kept, so that any process answers.

    An answer is one JSON text, and a stream (SSE) where the client wants to be told that its call goes on.
    """

    def __init__(self, *, simulated: bool) -> None:
        server = _Answers(simulated=simulated).server()
        self._texts = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        self._streams = StreamableHTTPSessionManager(server, stateless=True)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with self._texts.run(), self._streams.run():
            yield

    async def answer(self, scope: Scope, receive: Receive, send: Send, *, streaming: bool) -> None:
        await (self._streams if streaming else self._texts).handle_request(scope, receive, send)


class _Answers:
    def __init__(self, *, simulated: bool) -> None:
        self._tools = [tool for tool in TOOLS if simulated or not tool.simulated]
        self._writing: set[asyncio.Task[tools.Told]] = set()

    def server(self) -> Server[Any]:
        return Server(
            "ringback",
            version=__version__,
            title="Ringback",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
        )

    async def _list_tools(self, context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_told(tool) for tool in self._tools])

    async def _call_tool(self, context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = BY_NAME.get(params.name)
        if tool is None or tool not in self._tools:
            raise MCPError(
                types.INVALID_PARAMS, f"there is no tool {params.name[:100]}: tools/list names them"
            )
        async with going_on(context.session, params.name):
            said = await self._done(tool, tools.call(tool, _api_of(context), params.arguments))
        return types.CallToolResult(content=[types.TextContent(text=said.text)], is_error=said.failed)

    async def _done(self, tool: tools.Tool, work: Coroutine[Any, Any, tools.Told]) -> tools.Told:
        """What changes something is done as it was let in, also when the client leaves meanwhile."""
        if not tool.changes:
            return await work
        task = asyncio.create_task(work)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return await asyncio.shield(task)

    async def _list_resources(self, context: Any, params: Any) -> types.ListResourcesResult:
        try:
            found, following = await resources.newest(_api_of(context), _offset(params))
        except Refused as refused:
            raise _error(refused) from None
        listed = [
            types.Resource(
                uri=one.uri, name=one.name, description=one.description, mime_type="application/json"
            )
            for one in found
        ]
        return types.ListResourcesResult(
            resources=listed, next_cursor=None if following is None else _cursor(following)
        )

    async def _list_templates(self, context: Any, params: Any) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(
                    uri_template=uri, name=name, description=description, mime_type="application/json"
                )
                for uri, name, description in resources.TEMPLATES
            ]
        )

    async def _read_resource(
        self, context: Any, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        try:
            text = await resources.read(_api_of(context), uri)
        except Refused as refused:
            raise _error(refused) from None
        content = types.TextResourceContents(uri=uri, mime_type="application/json", text=text)
        return types.ReadResourceResult(contents=[content])


def _api_of(context: Any) -> Api:
    api: Api = context.request.scope[API]()
    return api


@functools.cache
def _told(tool: tools.Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.arguments.schema_of(),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=not tool.changes,
            destructive_hint=tool.destroys,
            open_world_hint=tool.changes and not tool.simulated,
        ),
    )


def describe_tools() -> None:
    """Make what every list of tools shows, which takes a while and is then kept."""
    for tool in TOOLS:
        _told(tool)


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


def _offset(params: Any) -> int:
    cursor = getattr(params, "cursor", None)
    if cursor is None:
        return 0
    try:
        offset = int(base64.urlsafe_b64decode(cursor))
    except ValueError:
        offset = -1
    if not 0 <= offset < 1 << 31:
        raise MCPError(types.INVALID_PARAMS, "this cursor is none of this server's")
    return offset


def _error(refused: Refused) -> MCPError:
    missing = refused.code.endswith("NOT_FOUND")
    return MCPError(
        types.INVALID_PARAMS if missing else types.INTERNAL_ERROR, f"{refused.message} ({refused.code})"
    )
