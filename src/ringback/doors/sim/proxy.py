"""Passes `/sim/v1` on to a network in a process of its own, streams included, as bytes."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from ringback.doors.rest.errors import ApiError
from ringback.doors.sim.links import FRONT
from ringback.doors.sim.talk import PATH as CONNECT
from ringback.doors.web.opening import Opening
from ringback.doors.web.tunnel import Tunnels
from ringback.sim.media import PATH

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

_METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
# The key is this server's matter, and a host or length belongs to one connection.
_NOT_SENT = _HOP_BY_HOP | {"host", "content-length", "authorization", "cookie", "accept-encoding", FRONT}
# What every answer of this server carries it adds itself.
_NOT_ANSWERED = _HOP_BY_HOP | {"content-encoding", "date", "server", "x-request-id", "x-content-type-options"}
_HEALTH_S = 2.0
UNREACHED = "the simulated network can't be reached: start `ringback sim` where RINGBACK_SIM_URL says"
"""Everybody may read it, so it names the setting and not the address."""


class RemoteNetwork:
    """The network at `url`, for a server that is reached at `own_url`, and for pages of these `origins`.

    `after_change` is awaited when the network's settings may have changed, before the answer goes out.
    """

    def __init__(
        self,
        url: str,
        *,
        own_url: str = "",
        after_change: Callable[[], Awaitable[None]] | None = None,
        origins: Iterable[str] = (),
    ) -> None:
        self._base = url.rstrip("/")
        self._own_url = own_url
        self._after_change = after_change
        self._session: aiohttp.ClientSession | None = None
        self._origins = origins
        self._tunnels = Tunnels()

    async def start(self) -> None:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=2),
            auto_decompress=False,
        )

    async def stop(self) -> None:
        await self._tunnels.stop()
        if self._session is not None:
            await self._session.close()

    def router(self) -> APIRouter:
        """A router for `/sim/v1` (without the clock's calls being any different: the other side refuses them)."""
        router = APIRouter()

        @router.api_route("/sim/v1/{path:path}", methods=_METHODS, include_in_schema=False)
        async def pass_on(request: Request) -> StreamingResponse:
            return await self.pass_on(request)

        return router

    def open_router(self) -> APIRouter:
        """A router for what needs no key: media, which whoever knows their id may read, and pages that come with a token."""
        router = APIRouter()

        @router.api_route(PATH + "{media_id}", methods=["GET", "HEAD"], include_in_schema=False)
        async def pass_media_on(request: Request) -> StreamingResponse:
            return await self.pass_on(request)

        @router.get(CONNECT, include_in_schema=False)
        async def pass_page_on(request: Request) -> Response:
            opening = Opening(request, self._origins)
            url = f"{self._base}{CONNECT}"
            return await self._tunnels.open(opening, request, url, who="the simulated network")

        return router

    async def trouble(self) -> str | None:
        """Why the network can't be used, or None."""
        import aiohttp

        if self._session is None:
            return "the simulated network's client is not started"
        timeout = aiohttp.ClientTimeout(total=_HEALTH_S)
        try:
            async with self._session.get(f"{self._base}/healthz", timeout=timeout) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            return UNREACHED
        return None if status == 200 else f"the simulated network answers {status}"

    async def pass_on(self, request: Request) -> StreamingResponse:
        """Send the request on; 502 when the network can't be reached, 504 when it never answered."""
        import aiohttp

        if self._session is None:
            raise ApiError(503, "SERVICE_UNAVAILABLE", "The simulated network's client is not started")
        raw_path = request.scope.get("raw_path") or request.url.path.encode()
        target = self._base + raw_path.decode("latin-1")
        if request.url.query:
            target += f"?{request.url.query}"
        headers = [(name, value) for name, value in request.headers.items() if name not in _NOT_SENT]
        headers.append((FRONT, self._own_url))
        try:
            answer = await self._session.request(
                request.method,
                _as_is(target),
                # aiohttp warns of large bytes, which it would write in one piece.
                data=BytesIO(body) if (body := await request.body()) else None,
                headers=headers,
                allow_redirects=False,
            )
        except aiohttp.ClientConnectorError:
            raise ApiError(502, "CARRIER_ERROR", "No connection to the simulated network") from None
        except (aiohttp.ClientError, TimeoutError):
            raise ApiError(504, "CARRIER_ERROR", "The simulated network did not answer") from None
        if self._after_change is not None and request.method == "PATCH":
            with contextlib.suppress(Exception):
                await self._after_change()
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_ANSWERED}
        return StreamingResponse(_chunks(answer), status_code=answer.status, headers=kept)


def _as_is(target: str) -> "URL":
    from yarl import URL

    return URL(target, encoded=True)


async def _chunks(answer: "aiohttp.ClientResponse") -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.content.iter_any():
            yield chunk
    finally:
        answer.close()
