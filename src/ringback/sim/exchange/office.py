"""The exchange's side of its network: events that are kept until acknowledged, and questions who has which number."""

import asyncio
import contextlib
import itertools
from typing import Any

from ringback.sim.exchange.channel import Channel

_ANSWERS_S = 5.0


class Office:
    """One connection at a time; a new one takes the place of the old, and is told again what was not acknowledged."""

    def __init__(self) -> None:
        self._channel: Channel | None = None
        self._events: dict[int, dict[str, Any]] = {}
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._questions = itertools.count(1)

    @property
    def is_there(self) -> bool:
        """Whether the network is connected."""
        return self._channel is not None

    def open(self, channel: Channel) -> None:
        """The network has connected."""
        self._channel = channel
        for event in self._events.values():
            channel.send(event)

    def close(self, channel: Channel) -> None:
        """That connection is gone."""
        if self._channel is channel:
            self._channel = None

    async def leave(self) -> None:
        """Nothing more is told."""
        if self._channel is not None:
            await self._channel.close()

    def tell(self, call_id: str, kind: str, data: dict[str, Any]) -> None:
        """Tell what happened to a handset's call."""
        number = next(self._numbers)
        event = {"op": "event", "n": number, "call": call_id, "type": kind, "data": data}
        self._events[number] = event
        self.say(event)

    def say(self, message: dict[str, Any]) -> None:
        """Tell what matters to a network that listens now, and to none later."""
        if self._channel is not None:
            self._channel.send(message)

    def acknowledged(self, number: int) -> None:
        """All events up to this one are stored."""
        for known in [known for known in self._events if known <= number]:
            del self._events[known]

    @property
    def untold(self) -> set[str]:
        """The calls of which the network has not stored all events."""
        return {event["call"] for event in self._events.values()}

    async def ask(self, **question: Any) -> dict[str, Any] | None:
        """The network's answer; None when it gave none in time."""
        number = next(self._questions)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        self.say({"op": "ask", "question": number, **question})
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANSWERS_S):
                    return await future
            return None
        finally:
            del self._asked[number]

    def answered(self, message: dict[str, Any]) -> None:
        """An answer came."""
        future = self._asked.get(message.get("question", 0))
        if future is not None and not future.done():
            future.set_result(message)
