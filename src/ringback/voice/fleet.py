"""The media children of a host: one kept warm, more as calls come, and those of a host before taken back."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import structlog

from ringback.kit.private_sockets import socket_path
from ringback.voice.child.outbox import LEFT, read_left
from ringback.voice.children import CannotStart, Child, Settings, clear, clear_one, prune_logs, sockets, spawn
from ringback.voice.protocol import Message

_log = structlog.get_logger("ringback.voice")
_SPARE = 5
"""So many calls more must always find room without waiting for a child to start."""
_TIDY_S = 10.0
_LOOK_S = 0.02
_EXIT_S = 2.0


class Fleet:
    """`on_event` gets what children tell, `on_death` the child that died with its calls."""

    def __init__(
        self,
        settings: Settings,
        host: str,
        *,
        on_event: Callable[[Child, Message], None],
        on_death: Callable[[Child], None],
    ) -> None:
        self._settings, self._host = settings, host
        self._on_event, self._on_death = on_event, on_death
        self._children: dict[str, Child] = {}
        self._starting = asyncio.Lock()
        self._tidying: asyncio.Task[None] | None = None
        self._burying: set[asyncio.Task[None]] = set()

    @property
    def children(self) -> list[Child]:
        return list(self._children.values())

    def holder(self, call_id: str) -> Child | None:
        """The child that holds a call."""
        return next((child for child in self._children.values() if call_id in child.calls), None)

    def named(self, name: str) -> Child | None:
        return self._children.get(name)

    async def find(self) -> list[tuple[Message, str]]:
        """Take back the children that live; answers the events that others left behind when they ended, and which did."""
        for path in await asyncio.to_thread(sockets, self._settings.data):
            try:
                await self._meet(path.stem, path)
            except (OSError, TimeoutError):
                _log.info("a media child of before is gone", child=path.stem)
        await asyncio.to_thread(clear, self._settings.data, list(self._children))
        self._tidying = asyncio.create_task(self._tidy())
        return [(event, path.stem) for path in self._left() for event in read_left(path)]

    def forget_left(self) -> None:
        """What children left behind is stored."""
        for path in self._left():
            path.unlink(missing_ok=True)

    async def child_with_room(self) -> Child:
        """A child that can hold one call more; starts one where there is none. Raises `CannotStart`."""
        child = self._fullest()
        if child is not None:
            return child
        async with self._starting:
            return self._fullest() or await self._new()

    async def drain(self, within_s: float) -> None:
        """Let every child say its goodbyes and end; one that takes longer is killed."""
        await self._stop_tidying()
        ending = self.children
        for child in ending:
            child.draining = True
            child.send({"op": "drain"})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._children:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_S)
        for child in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            await child.leave()
        self._children.clear()
        for child in ending:
            await self._bury(child)

    async def leave(self) -> None:
        """Let go of the children, which go on for a while."""
        await self._stop_tidying()
        for child in self.children:
            await child.leave()

    def _fullest(self) -> Child | None:
        """Of those with room the one with the most calls: so that others empty."""
        fit = [child for child in self._children.values() if child.room > 0]
        return max(fit, key=lambda child: len(child.calls), default=None)

    async def _new(self) -> Child:
        name, path, process = await spawn(self._settings)
        try:
            return await self._meet(name, path, process)
        except (OSError, TimeoutError) as error:
            raise CannotStart(f"a media child does not answer: {error or 'no hello'}") from None

    async def _meet(self, name: str, path: Path, process: "subprocess.Popen[bytes] | None" = None) -> Child:
        child = Child(name, self._host, on_event=self._on_event, on_death=self._gone)
        child.process = process
        # Its events may come with its hello.
        self._children[name] = child
        try:
            await child.meet(path)
        except BaseException:
            self._children.pop(name, None)
            await child.leave()
            raise
        return child

    def _gone(self, child: Child) -> None:
        self._children.pop(child.name, None)
        burying = asyncio.create_task(self._bury(child))
        self._burying.add(burying)
        burying.add_done_callback(self._burying.discard)
        self._on_death(child)

    async def _bury(self, child: Child) -> None:
        """See that it is gone, and remove what it leaves."""
        await child.reap(_EXIT_S)
        await asyncio.to_thread(clear_one, self._settings.data, child.name)
        await asyncio.to_thread(prune_logs, self._settings.data, list(self._children))

    def _left(self) -> list[Path]:
        folder = socket_path(self._settings.data, "any").parent
        return sorted(folder.glob(f"*{LEFT}"))

    async def _tidy(self) -> None:
        """Keep one idle child, or room for some calls more; the others may go."""
        while True:
            await asyncio.sleep(_TIDY_S)
            idle = [child for child in self.children if not child.calls and not child.draining]
            for child in idle[1:]:
                child.draining = True
                child.send({"op": "drain"})
            room = sum(child.room for child in self.children)
            if self._children and room < _SPARE:
                with contextlib.suppress(CannotStart):
                    async with self._starting:
                        await self._new()

    async def _stop_tidying(self) -> None:
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
