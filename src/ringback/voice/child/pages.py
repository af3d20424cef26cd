"""Pages that come to a child: the connection of a browser finds the call that it belongs to."""

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

from ringback.kit.hand_over import Taker
from ringback.voice.legs.browser import BrowserLeg

_EARLY_S = 3.0
"""A connection may come before its call does: they take different ways."""


class Pages:
    """Listens at `path`; each connection is given with `{call}`."""

    def __init__(self, path: Path) -> None:
        self._legs: dict[str, BrowserLeg] = {}
        self._early: dict[str, socket.socket] = {}
        self._meetings: set[asyncio.Task[None]] = set()
        self._taker = Taker(path, self._take)

    def open(self) -> None:
        self._taker.open()

    def close(self) -> None:
        self._taker.close()
        for call_id in list(self._early):
            self._drop(call_id)

    def expect(self, leg: BrowserLeg) -> None:
        """Pages of this call are for `leg`."""
        self._legs[leg.call_id] = leg
        early = self._early.pop(leg.call_id, None)
        if early is not None:
            self._meet(leg, early)

    def forget(self, call_id: str) -> None:
        self._legs.pop(call_id, None)

    def _take(self, told: dict[str, Any], connection: socket.socket) -> None:
        call_id = str(told.get("call"))
        leg = self._legs.get(call_id)
        if leg is not None:
            self._meet(leg, connection)
            return
        self._drop(call_id)
        self._early[call_id] = connection
        asyncio.get_running_loop().call_later(_EARLY_S, self._drop, call_id)

    def _meet(self, leg: BrowserLeg, connection: socket.socket) -> None:
        async def meet() -> None:
            with contextlib.suppress(OSError):
                await leg.meet(connection)

        task = asyncio.create_task(meet())
        self._meetings.add(task)
        task.add_done_callback(self._meetings.discard)

    def _drop(self, call_id: str) -> None:
        early = self._early.pop(call_id, None)
        if early is not None:
            early.close()
