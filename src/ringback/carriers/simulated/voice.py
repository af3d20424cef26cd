"""The calls of the simulated carrier, whose legs are `line`s (docs/decisions/0029)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import Any

from ringback.carriers.protocol import CarrierError, InboundCall, Unreachable
from ringback.carriers.simulated.translate import NAME
from ringback.kit.database_faults import DatabaseUnavailable
from ringback.sim.errors import ExchangeDown
from ringback.sim.voice import Voice

_LOOK_S = 20
_RETRY_S = 0.5
_MARGIN_S = 5.0
Ringing = tuple[str, list[dict[str, Any]]]
"""The epoch of the numbers, and calls as `ringback.sim.voice.Ringing` has them."""


async def _follow(
    fetch: Callable[[str, int], Awaitable[Ringing]], stopped: Callable[[], bool]
) -> AsyncIterator[InboundCall]:
    epoch, after = "", 0
    while not stopped():
        try:
            now, found = await fetch(epoch, after)
        except (CarrierError, DatabaseUnavailable):
            await asyncio.sleep(_RETRY_S)
            continue
        if now != epoch:
            epoch, after = now, 0
        for call in found:
            after = max(after, call["number"])
            yield InboundCall(NAME, call["ref"], call["sender"], call["recipient"])


class LocalVoice:
    """Over a network in this process."""

    def __init__(self, voice: Voice, stopped: Callable[[], bool]) -> None:
        self._voice = voice
        self._stopped = stopped

    def calls(self) -> AsyncIterator[InboundCall]:
        async def fetch(epoch: str, after: int) -> Ringing:
            now, found = await self._voice.ringing(epoch, after, wait_s=_LOOK_S)
            return now, [asdict(call) for call in found]

        return _follow(fetch, self._stopped)

    async def trunk(self) -> dict[str, Any]:
        try:
            return {"kind": "line", **await self._voice.trunk()}
        except ExchangeDown as fault:
            raise Unreachable(fault.message) from None

    async def reject(self, ref: str, code: int) -> None:
        self._voice.reject(ref, code)


class RemoteVoice:
    """Over a network in a process of its own; `call(method, path, body, timeout_s)` asks it."""

    def __init__(self, call: Callable[..., Awaitable[dict[str, Any]]]) -> None:
        self._call = call
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True

    def calls(self) -> AsyncIterator[InboundCall]:
        async def fetch(epoch: str, after: int) -> Ringing:
            answer = await self._call(
                "GET", f"/calls?epoch={epoch}&after={after}&wait={_LOOK_S}", None, _LOOK_S + _MARGIN_S
            )
            return answer["epoch"], answer["calls"]

        self._stopped = False
        return _follow(fetch, lambda: self._stopped)

    async def trunk(self) -> dict[str, Any]:
        return {"kind": "line", **await self._call("GET", "/trunk", None, 25.0)}

    async def reject(self, ref: str, code: int) -> None:
        await self._call("POST", "/reject", {"ref": ref, "code": code})
