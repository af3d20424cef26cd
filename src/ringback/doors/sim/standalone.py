"""The simulated network as a process of its own: `/sim/v1` for people, `/carrier/v1` for servers, `/healthz`."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import JSONResponse

from ringback.doors.http.connections import Connections
from ringback.doors.http.limits import Limits
from ringback.doors.http.loop import loop_factory
from ringback.doors.rest.guard import Guard
from ringback.doors.rest.refusals import tell_errors
from ringback.doors.sim.carrier_api import build_carrier_router
from ringback.doors.sim.clock import NoClock
from ringback.doors.sim.links import Links
from ringback.doors.sim.media import LARGER, build_media_router
from ringback.doors.sim.router import build_router
from ringback.doors.sim.talk import build_talk_router
from ringback.kit.clock import MovableClock
from ringback.kit.http import AddressPolicy, OutgoingHttp
from ringback.kit.ids import IdMaker
from ringback.kit.links import base_of
from ringback.operator_error import OperatorError
from ringback.sim.network import Network
from ringback.sim.unit import Handsets

_DRAIN_S = 5
_BACKLOG = 2048
_MAX_BODY_BYTES = 1_048_576


def create(network: Network, *, own_url: str = "") -> FastAPI:
    """The app over a network, which it starts and stops, reached at `own_url`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await network.start()
        yield
        await network.stop()

    app = FastAPI(
        title="Ringback's simulated network",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    app.include_router(build_media_router(network))
    app.include_router(build_talk_router(network))
    app.include_router(build_router(network, NoClock(), Links(own_url, fronted=True)))
    app.include_router(build_carrier_router(network))
    tell_errors(app)
    return app


def guarded(app: FastAPI, *, host: str, names: Sequence[str], ids: IdMaker) -> Guard:
    """The app behind the guard. A network that listens on this machine only is called by `names` and loopback's."""
    return Guard(
        app,
        ids=ids,
        host=host,
        names=names if _is_loopback(host) else None,
        max_body_bytes=_MAX_BODY_BYTES,
        larger=LARGER,
    )


async def serve(
    host: str,
    port: int,
    data: Path,
    log_level: str = "info",
    handsets: Handsets = "auto",
    *,
    names: Sequence[str] = (),
    limits: Limits | None = None,
    exchange: Sequence[str] = (),
) -> int:
    """Run until told to stop; SIGTERM and SIGINT drain. Answers the exit code; `OperatorError` when it can't listen."""
    import uvicorn

    listener = _listen(host, port)
    http = OutgoingHttp(AddressPolicy(loopback_allowed=_is_loopback(host)))
    clock = MovableClock()
    ids = IdMaker(clock)
    network = Network(data / "network.db", clock, handsets=handsets, http=http, exchange=exchange)
    app = create(network, own_url=base_of(host, listener.getsockname()[1]))
    config = Connections(ids, limits or Limits()).config(
        guarded(app, host=host, names=names, ids=ids),
        log_level=log_level.lower(),
        timeout_graceful_shutdown=_DRAIN_S,
        backlog=_BACKLOG,
    )
    server = uvicorn.Server(config)
    # Signals are ours: uvicorn would raise them again after the drain, and a stop as asked ends with 0.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]

    def stop() -> None:
        server.should_exit = True
        network.end_waits()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with listener:
        await server.serve([listener])
    await http.close()
    return 0


def run(
    host: str,
    port: int,
    data: Path,
    log_level: str,
    *,
    names: Sequence[str] = (),
    limits: Limits | None = None,
    exchange: Sequence[str] = (),
) -> int:
    """As `serve`, for a command that has no event loop yet."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(serve(host, port, data, log_level, names=names, limits=limits, exchange=exchange))


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:
        raise OperatorError(
            f"can't listen on {host} port {port} ({error}): choose others with --host and --port"
        ) from None
    return listener


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")
