"""`ringback serve`: the server, from the taken port to the last drained request."""

import asyncio
import contextlib
import gc
import os
import secrets
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import click

from ringback import running
from ringback.cli.options import load_settings
from ringback.operator_error import OperatorError

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from ringback.app import Server
    from ringback.cli.whatnow import FirstSteps
    from ringback.settings import Settings

_BACKLOG = 2048


@click.command()
@click.option("--host", metavar="HOST", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", metavar="PORT", help="Port to listen on; 0 takes any free one.  [default: 8642]")
@click.option(
    "--data", metavar="DIR", help="Folder for store, keys and recordings.  [default: ./ringback-data]"
)
@click.option(
    "--database", "database_url", metavar="URL", help="PostgreSQL in place of SQLite in the data folder."
)
@click.option("--role", metavar="R", help="all, api, dispatch or deliver; other than all: beside PostgreSQL.")
@click.option("--log-level", metavar="L", help="debug, info, warning or error.  [default: info]")
def serve(**options: str | None) -> int:
    """Run the server until it is told to stop.

    Every option is also an environment variable (RINGBACK_PORT) and a line of ringback.toml; an option wins over the
    environment, that over the file.
    """
    # Until the loop listens for signals, a stop ends the start the way Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = load_settings(**options)
    listener = listen(settings.host, settings.port)
    with listener:
        running.make_data_folder(settings.data)
        from ringback import logs

        logs.set_up(settings.log_level)
        # PostgreSQL serves many processes; SQLite's file has one owner.
        owned: AbstractContextManager[None]
        owned = contextlib.nullcontext() if settings.on_postgres else running.hold(settings.data)
        with owned, asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(settings, listener))
    return 0


def listen(host: str, port: int) -> socket.socket:
    """A socket that already listens, so that a port in use is known before anything is opened."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise OperatorError(
            f"host {host} isn't known: give a name or address of this machine with --host or RINGBACK_HOST"
        ) from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise OperatorError(_why_not(error, host, port)) from None
    listener.setblocking(False)
    return listener


def _why_not(error: OSError, host: str, port: int) -> str:
    import errno

    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken: stop what uses it, or choose another with --port or RINGBACK_PORT"
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"port {port} isn't allowed for this user: choose one from 1024 on with --port or RINGBACK_PORT"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"host {host} is no address of this machine: choose another with --host or RINGBACK_HOST"
    return f"host {host}, port {port}: {error.strerror}"


def url_of(listener: socket.socket) -> str:
    """The address under which this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{host}:{port}"


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


class _Stop:
    """The first signal asks for a drained stop, the second ends the process where it stands."""

    def __init__(self) -> None:
        self.asked = False
        self.web: uvicorn.Server | None = None

    def watch(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._heed, number)

    def _heed(self, number: signal.Signals) -> None:
        import structlog

        if self.asked:
            os._exit(128 + number)
        self.asked = True
        structlog.get_logger().info("stopping", signal=number.name)
        if self.web:
            self.web.should_exit = True


async def _run(settings: "Settings", listener: socket.socket) -> None:
    stop = _Stop()
    stop.watch()
    from ringback.app import Server

    url = url_of(listener)
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    if settings.role in ("all", "api"):
        # Before the start: a command that comes now waits in the listener's queue for the server to be ready.
        running.write(settings.data, running.Running(url, secrets.token_urlsafe(32), os.getpid()))
    try:
        server = Server(settings)
        await server.start()
        try:
            await _answer(server, settings, listener, url, stop)
        finally:
            await server.stop()
    finally:
        running.remove(settings.data)


async def _answer(
    server: "Server", settings: "Settings", listener: socket.socket, url: str, stop: _Stop
) -> None:
    web = _web_server(server.asgi, settings)
    stop.web = web
    if stop.asked:
        return
    _say_what_now(settings, url, server.first)
    # What exists by now lives as long as the process; the collector need not walk it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    await web.serve(sockets=[listener])


def _web_server(asgi: "ASGIApp", settings: "Settings") -> "uvicorn.Server":
    import uvicorn

    class Web(uvicorn.Server):
        def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
            return contextlib.nullcontext()  # signals are ours: a stop ends with exit code 0

    config = uvicorn.Config(
        asgi,
        loop="none",
        http="httptools",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=settings.stop_timeout_s,
        backlog=_BACKLOG,
    )
    config.load()
    return Web(config)


def _say_what_now(settings: "Settings", url: str, first: "FirstSteps") -> None:
    from ringback.cli.whatnow import lines

    with contextlib.suppress(BrokenPipeError):
        click.echo("\n".join(lines(settings, url, first)))
