"""A webhook endpoint that notes every attempt and now and then refuses the first one of an event."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

_REFUSES_EVERY = 97


class Endpoint:
    """`attempts` are the bytes of every attempt, in order, by `X-Webhook-ID`."""

    def __init__(self) -> None:
        self.url = ""
        self.attempts: dict[str, list[bytes]] = {}
        self.delay_s = 0.0

    async def take(self, request: web.Request) -> web.Response:
        attempts = self.attempts.setdefault(request.headers["X-Webhook-ID"], [])
        attempts.append(await request.read())
        await asyncio.sleep(self.delay_s)
        refused = len(attempts) == 1 and len(self.attempts) % _REFUSES_EVERY == 0
        return web.Response(status=503 if refused else 200)


@asynccontextmanager
async def endpoint() -> AsyncIterator[Endpoint]:
    """An endpoint on a free port of loopback."""
    taker = Endpoint()
    app = web.Application()
    app.router.add_post("/hook", taker.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    taker.url = f"http://{host}:{port}/hook"
    try:
        yield taker
    finally:
        await runner.cleanup()
