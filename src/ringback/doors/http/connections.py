"""All connections of one server: how many there may be, and the watch that ends those that waste its time."""

import asyncio
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from ringback.doors.http.connection import Connection
from ringback.doors.http.handing import HandingConnection
from ringback.doors.http.limits import Limits
from ringback.kit.ids import IdMaker

_log = structlog.get_logger("ringback.http")
_SPARE = 64
"""Connections beyond the limit that are told so; any more are cut."""
_TELL_EVERY_S = 60.0
_LOOK_AT_LEAST_EVERY_S = 1.0
_NOT_AGAIN_WITHIN_S = 0.1
"""A look for idle connections goes through all of them, and a crowd may knock more often than that is worth."""


class Connections:
    """Makes the connections of one uvicorn server and watches over them.

    A look at all of them each second costs less than a timer for each request, and is as exact as anybody needs.
    """

    def __init__(self, ids: IdMaker, limits: Limits) -> None:
        self.ids = ids
        self.limits = limits
        self._all: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None
        shortest = min(
            limits.head_timeout_s, limits.request_timeout_s, limits.answer_timeout_s, limits.linger_s
        )
        self._look_every_s = min(_LOOK_AT_LEAST_EVERY_S, shortest / 4)
        self._all_busy_until = 0.0
        self._told_until = 0.0

    def config(self, app: ASGIApp, **options: Any) -> uvicorn.Config:
        """uvicorn's settings for serving `app` over these connections; `options` are uvicorn's own."""
        return uvicorn.Config(
            app,
            loop="none",
            http=self._make,  # type: ignore[arg-type]
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            **options,
        )

    def _make(
        self,
        config: uvicorn.Config,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> Connection:
        self._all = server_state.connections
        return HandingConnection(config, server_state, app_state, _loop, of=self)

    def join(self, connection: Connection) -> None:
        """A connection was made, and is one of uvicorn's already."""
        if self._timer is None:
            self._timer = connection.loop.call_later(self._look_every_s, self._look)
        most = self.limits.max_connections
        if len(self._all) > most:
            self._make_room(connection)
        if len(self._all) > most + _SPARE:
            connection.cut()
        elif len(self._all) > most:
            connection.refuse_for_want_of_room()

    def _make_room(self, newest: Connection) -> None:
        """End a sixteenth of all, of those on which nothing is asked, the longest idle first."""
        now = newest.loop.time()
        if now < self._all_busy_until:
            return
        idle = [one for one in self._all if one.idle and one is not newest]
        if not idle:
            self._all_busy_until = now + _NOT_AGAIN_WITHIN_S
        idle.sort(key=lambda one: one.idle_since)
        for one in idle[: len(self._all) // 16 + 1]:
            self._all.discard(one)
            one.end()
        if now >= self._told_until:
            self._told_until = now + _TELL_EVERY_S
            told = "all connections are taken: idle ones are ended, and where there are none new ones refused"
            _log.warning(told, limit=self.limits.max_connections, idle=len(idle))

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for one in [one for one in self._all if one.due <= now or one.taking_due <= now]:
            one.look(now)
        self._timer = loop.call_later(self._look_every_s, self._look) if self._all else None
