"""The life of a server process: started, answering, drained."""

import asyncio
import contextlib
import gc
import os
import secrets
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager

import click
import structlog
import uvicorn

from ringback import running
from ringback.app import Server
from ringback.cli import open_files, whatnow
from ringback.cli.serve import BACKLOG, url_of
from ringback.cli.terminal import under_way
from ringback.doors.http.connections import Connections
from ringback.doors.http.loop import loop_factory
from ringback.settings import Settings

log = structlog.get_logger()


def run(settings: Settings, listener: socket.socket) -> Server:
    """Serve on a listening socket until a signal asks for a stop, then drain. Answers the server, which has stopped."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_live(settings, listener))


class _Stop:
    """The first signal asks for a drained stop, the second ends the process where it stands."""

    def __init__(self) -> None:
        self.asked = False
        self.web: uvicorn.Server | None = None
        self.end_waits: Callable[[], None] = lambda: None

    def watch(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._heed, number)

    def _heed(self, number: signal.Signals) -> None:
        if self.asked:
            os._exit(128 + number)
        self.asked = True
        log.info("stopping", signal=number.name)
        self.end_waits()
        if self.web:
            self.web.should_exit = True


class _Web(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()  # signals are ours: a stop as asked ends with exit code 0


async def _live(settings: Settings, listener: socket.socket) -> Server:
    stop = _Stop()
    stop.watch()
    url = url_of(listener)
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    if settings.role in ("all", "api"):
        # Before the start: a command that comes now waits in the listener's queue until the server is ready.
        running.write(settings.data, running.Running(url, secrets.token_urlsafe(32), os.getpid()))
    try:
        with under_way("starting"):
            server = Server(settings)
            await server.start()
        try:
            await _answer(server, settings, listener, stop)
        finally:
            await server.stop()
        return server
    finally:
        running.remove(settings.data)


async def _answer(server: Server, settings: Settings, listener: socket.socket, stop: _Stop) -> None:
    web = _web_server(server, settings)
    stop.web = web
    stop.end_waits = server.end_waits
    if stop.asked:
        return
    with contextlib.suppress(BrokenPipeError):
        click.echo("\n".join(whatnow.lines(settings, url_of(listener), server.first)))
    # What exists by now lives as long as the process; the collector need not walk it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    await web.serve(sockets=[listener])


def _web_server(server: Server, settings: Settings) -> _Web:
    config = Connections(server.ids, open_files.limits_of(settings)).config(
        server.asgi,
        interface="asgi3",
        lifespan="off",
        timeout_graceful_shutdown=settings.stop_timeout_s,
        backlog=BACKLOG,
    )
    config.load()
    return _Web(config)
