"""A whole server in a thread of the test process."""

import asyncio
import contextlib
import shutil
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import structlog
import uvicorn
from pydantic_settings import PydanticBaseSettingsSource
from starlette.types import ASGIApp

from ringback.accounts.keys import hash_of
from ringback.app import Server
from ringback.doors.http.connections import Connections
from ringback.doors.http.limits import Limits
from ringback.doors.http.loop import loop_factory
from ringback.logs import mask_secrets
from ringback.settings import Settings
from ringback.storage.opening import bring_up, file_of
from ringback.testing.api import OWN, Answer, Api, _Own

T = TypeVar("T")
_START_S = 60
_STOP_S = 60
_BACKLOG = 256


class OwnSettings(Settings):
    """Settings that come from the test alone: a developer's environment must not reach into it."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: Any,
        init_settings: PydanticBaseSettingsSource,
        *others: Any,
        **more: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


class Ringback:
    """The server under test. `base_url` and `api_key` are all that an application needs."""

    base_url: str
    api_key: str
    api: Api
    """Requests with the first account's key."""
    server: Server
    """The server itself, which lives in the loop of another thread; see `on_loop`."""

    def __init__(self, settings: Settings, wrap: Callable[[ASGIApp], ASGIApp]) -> None:
        self.settings = settings
        self._wrap = wrap
        self._clients: list[Any] = []
        self._up: Future[None] = Future()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._web: _Web | None = None
        self._thread = threading.Thread(target=self._live, name="ringback", daemon=True)

    def client(self) -> Any:
        """The vendor's client, `agentphone.AgentPhone`, with the first account's key."""
        try:
            import agentphone
        except ImportError:
            raise ModuleNotFoundError(
                "ringback.client() gives the vendor's client, which is not installed: pip install agentphone",
                name="agentphone",
            ) from None
        client = agentphone.AgentPhone(api_key=self.api_key, base_url=self.base_url)
        self._clients.append(client)
        return client

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        api_key: str | _Own | None = OWN,
    ) -> Answer:
        """Make a request and return the answer, whatever its status. `api_key=None` sends no key.

        The body is `json`, or `content` as it is, whose type `headers` say.
        """
        return self.api.request(
            method, path, json=json, content=content, query=query, headers=headers, api_key=api_key
        )

    def new_account(self, name: str = "other") -> str:
        """Make another account; returns its API key."""
        return self.on_loop(self.server.book.create_account(name)).key

    def revoke_key(self, key: str) -> None:
        """From now on the key opens nothing."""
        self.on_loop(self._revoke(key))

    async def _revoke(self, key: str) -> None:
        from ringback.accounts.keys import find

        now = self.server.clock.now_ms()
        known = await self.server.store.read(lambda db: find(db, hash_of(key), now=now))
        if known is None:
            raise ValueError("no live key of this server")
        self.server.keys.forget(await self.server.book.revoke_key(known.id))

    def on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine where the server lives, and return its result."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_S)

    def start(self) -> None:
        """Return when the server answers."""
        self._thread.start()
        self._up.result(_START_S)

    def stop(self) -> None:
        """Return when nothing of the server is left."""
        for client in self._clients:
            client.close()
        loop, web = self._loop, self._web
        if loop is not None and web is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it failed, see below
                loop.call_soon_threadsafe(web.end)
        self._thread.join(_STOP_S)
        if self._thread.is_alive():
            raise TimeoutError(f"the server did not stop within {_STOP_S} s")
        if self._failure is not None:
            raise self._failure

    def _live(self) -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(self._serve())
        except BaseException as error:
            if self._up.done():
                self._failure = error
            else:
                self._up.set_exception(error)

    async def _serve(self) -> None:
        listener = _listen()
        with listener:
            host, port = listener.getsockname()
            server = Server(self.settings.model_copy(update={"port": port}))
            try:
                await server.start()
                limits = Limits(
                    max_connections=self.settings.max_connections,
                    request_timeout_s=self.settings.request_timeout_s,
                )
                config = Connections(server.ids, limits).config(
                    self._wrap(server.asgi),
                    interface="asgi3",
                    lifespan="off",
                    date_header=False,
                    timeout_graceful_shutdown=self.settings.stop_timeout_s,
                    backlog=_BACKLOG,
                )
                web = _Web(config, server.end_waits)
                self.server, self._web, self._loop = server, web, asyncio.get_running_loop()
                self.base_url = f"http://{host}:{port}"
                self.api_key = server.book.key_file.read_text(encoding="utf-8").strip()
                self.api = Api(host, port, self.api_key)
                await web.answer(listener, lambda: self._up.set_result(None))
            finally:
                await server.stop()


class _Web(uvicorn.Server):
    """uvicorn without its waits: it looks every 100 ms whether to stop, which hundreds of tests would feel."""

    def __init__(self, config: uvicorn.Config, end_waits: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_waits = end_waits
        self._over = asyncio.Event()

    def end(self) -> None:
        self._over.set()

    async def answer(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup([listener])
        ready()
        await self._over.wait()
        await self.shutdown()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_waits()
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110
                    await asyncio.sleep(0.002)
        for task in self.server_state.tasks:
            task.cancel()


def _listen() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


def make_template(folder: Path) -> Path:
    """An empty store's file at this version's schema. Migrating takes longer than all the rest of a start."""
    settings = OwnSettings(data=folder)
    bring_up(settings)
    return file_of(settings)


@contextlib.contextmanager
def serve(
    data: Path,
    *,
    settings: Mapping[str, Any],
    wrap: Callable[[ASGIApp], ASGIApp],
    template: Callable[[], Path],
) -> Iterator[Ringback]:
    """A server over a fresh store in `data`, which is empty and is removed at the end."""
    own = OwnSettings(**{"data": data, "stop_timeout_s": 2, **settings})
    if not own.on_postgres and not file_of(own).exists():
        shutil.copyfile(template(), file_of(own))
    with _logs_for_pytest():
        server = Ringback(own, wrap)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            shutil.rmtree(data, ignore_errors=True)


@contextlib.contextmanager
def _logs_for_pytest() -> Iterator[None]:
    """Logs go to the standard module, where pytest shows them beside a failure, unless the test chose otherwise."""
    if structlog.is_configured():
        yield
        return
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            mask_secrets,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(10),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.reset_defaults()
