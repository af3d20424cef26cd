"""The network's line to its exchange: found where one runs, started where none does, lost when it dies."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from ringback.kit.machine import monotonic
from ringback.sim.errors import ExchangeDown
from ringback.sim.exchange.channel import BadLine, Channel, connect

_logger = logging.getLogger(__name__)
_START_S = 20.0
_STOP_S = 3.0
_LOOK_S = 0.02
Message = dict[str, Any]


class Trunk:
    """`command` starts an exchange that says in the file `where` how it is reached; an empty one starts none.

    `on_open` gets the ids of the calls that the exchange carries, before any message; `on_message` all it says, one after
    another; `on_lost` hears that it is gone with all its calls.
    """

    def __init__(
        self,
        command: Sequence[str],
        where: Path,
        *,
        on_open: Callable[[set[str]], Awaitable[None]],
        on_message: Callable[[Message], Awaitable[None]],
        on_lost: Callable[[], Awaitable[None]],
    ) -> None:
        self._command = tuple(command)
        self._where = where
        self._on_open = on_open
        self._on_message = on_message
        self._on_lost = on_lost
        self._channel: Channel | None = None
        self._found: Message = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()
        self._stopping = False

    async def adopt(self) -> bool:
        """Connect to an exchange that runs already, left by a network that died; whether there is one."""
        async with self._opening:
            return self._channel is not None or await self._connect()

    async def open(self) -> Message:
        """How legs reach the exchange (`host`, `port`, `key`), which is started if need be. Raises `ExchangeDown`."""
        async with self._opening:
            if self._channel is None and not await self._connect():
                await self._start()
            return {"host": self._found["host"], "port": self._found["port"], "key": self._found["key"]}

    @property
    def key(self) -> str:
        """The exchange's, which signs; "" as long as none was found."""
        return str(self._found.get("key", ""))

    @property
    def pages(self) -> Path | None:
        """The Unix socket at which the exchange takes the connections of pages; None where there is no exchange."""
        found = self._found.get("pages") if self._channel is not None else None
        return None if found is None else Path(found)

    def say(self, message: Message) -> bool:
        """Send to the exchange; whether there is one."""
        if self._channel is None:
            return False
        self._channel.send(message)
        return True

    async def stop(self) -> None:
        """End the exchange, and with it every call; what it has to tell of them is taken."""
        self._stopping = True
        self.say({"op": "bye"})
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=_STOP_S)
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._process is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_S):
                    await self._process.wait()
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()

    async def _start(self) -> None:
        if not self._command or self._stopping:
            raise ExchangeDown("this network carries no calls")
        self._where.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._where.unlink(missing_ok=True)
        try:
            # A session of its own: what ends a terminal's command ends the server first, which ends its calls.
            self._process = process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise ExchangeDown(f"the process that carries calls can't be started: {error}") from None
        deadline = monotonic() + _START_S
        while not await self._connect():
            if process.returncode is not None:
                raise ExchangeDown(f"the process that carries calls ended at once, with {process.returncode}")
            if monotonic() > deadline:
                process.kill()
                raise ExchangeDown(f"the process that carries calls did not come up in {_START_S:.0f} s")
            await asyncio.sleep(_LOOK_S)

    async def _connect(self) -> bool:
        try:
            found = json.loads(self._where.read_text(encoding="utf-8"))
            channel = await connect(found["host"], found["port"])
        except (OSError, ValueError, KeyError, TypeError):
            return False
        channel.send({"key": found["key"], "op": "office"})
        try:
            async with asyncio.timeout(_STOP_S):
                hello = await channel.read()
        except (BadLine, TimeoutError):
            hello = None
        if hello is None or hello.get("op") != "hello":
            await channel.close()
            return False
        await self._on_open(set(hello["calls"]))
        self._found, self._channel = found, channel
        self._reading = asyncio.create_task(self._read(channel))
        return True

    async def _read(self, channel: Channel) -> None:
        try:
            with contextlib.suppress(BadLine):
                while (message := await channel.read()) is not None:
                    await self._on_message(message)
        finally:
            self._channel = None
            channel.shut()
        if not self._stopping:
            _logger.warning("the exchange is gone, and the calls that it carried")
        await self._on_lost()
