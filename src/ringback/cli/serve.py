"""`ringback serve`: the command, and the port it takes before anything is opened."""

import contextlib
import errno
import signal
import socket

import click

from ringback import running
from ringback.cli.options import load_settings, tell_strays
from ringback.cli.terminal import under_way
from ringback.operator_error import OperatorError

BACKLOG = 2048
"""Connections that may wait while the server starts or is busy."""


@click.command()
@click.option("--host", metavar="HOST", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", metavar="PORT", help="Port to listen on; 0 takes any free one.  [default: 8642]")
@click.option(
    "--data", metavar="DIR", help="Folder for store, keys and recordings.  [default: ./ringback-data]"
)
@click.option(
    "--database", "database_url", metavar="URL", help="PostgreSQL in place of SQLite in the data folder."
)
@click.option(
    "--role", metavar="R", help="all, api, dispatch, deliver or voice; other than all: beside PostgreSQL."
)
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
        tell_strays()
        # PostgreSQL serves many processes; SQLite's file has one owner.
        with contextlib.nullcontext() if settings.on_postgres else running.hold(settings.data):
            with under_way("starting"):
                from ringback.cli import serving

            server = serving.run(settings, listener)
    # The folder and the port are free by now: nobody waits for a collector that hangs.
    if server.traces is not None:
        server.traces.wait()
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
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OperatorError(_why_not(error, host, port)) from None
    listener.setblocking(False)
    return listener


def _why_not(error: OSError, host: str, port: int) -> str:
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
