"""The simulated network as a server holds it: in its own process, or in one elsewhere."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from fastapi import APIRouter

from ringback.carriers.protocol import Carrier
from ringback.carriers.simulated.local import SimulatedCarrier
from ringback.carriers.simulated.remote import RemoteSimulatedCarrier
from ringback.doors.rest.caller import require_operator
from ringback.doors.sim.clock import ClockDoor
from ringback.doors.sim.links import Links
from ringback.doors.sim.media import build_media_router
from ringback.doors.sim.moving import Timed
from ringback.doors.sim.proxy import RemoteNetwork
from ringback.doors.sim.router import build_router
from ringback.doors.sim.talk import build_talk_router
from ringback.kit import sqlite
from ringback.kit.clock import Clock
from ringback.kit.http import OutgoingHttp
from ringback.operator_error import SERVICE_MISSING, OperatorError
from ringback.sim.network import Network
from ringback.sim.unit import Handsets

FILE = "network.db"
_FIRST_NAME = "My phone"


class SimulatedLine(Protocol):
    """The network, the carrier on it, and its API."""

    carrier: Carrier

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def end_waits(self) -> None:
        """The server stops: long polls and streams end now."""
        ...

    def router(self, clock: ClockDoor) -> APIRouter: ...

    def open_router(self) -> APIRouter:
        """What needs no key; it goes before `router`."""
        ...

    def timed(self) -> list[Timed]: ...

    async def trouble(self) -> str | None:
        """What is wrong with the network, or None."""
        ...

    async def first_handset(self) -> str | None:
        """The number (E.164) of the oldest handset; makes one where there is none. None when it can't be asked."""
        ...


class LocalLine:
    """The network in this process, which is reached at `own_url` and fetches media with `http`.

    `exchange` is the command that starts the process which carries calls, which pages of these `origins` may join.
    """

    def __init__(
        self,
        data: Path,
        clock: Clock,
        *,
        handsets: Handsets,
        answer_timeout_s: float,
        http: OutgoingHttp,
        own_url: str,
        exchange: Sequence[str] = (),
        origins: Iterable[str] = (),
    ) -> None:
        self._origins = origins
        self._file = data / FILE
        self._network = Network(self._file, clock, handsets=handsets, http=http, exchange=exchange)
        self._links = Links(own_url)
        self.carrier: Carrier = SimulatedCarrier(self._network, answer_timeout_s=answer_timeout_s)

    async def start(self) -> None:
        """Raises `OperatorError` when the network's file can't be opened."""
        try:
            await self._network.start()
        except (sqlite.module.Error, OSError) as error:
            raise OperatorError(
                f"the simulated network's file {self._file} can't be opened ({error}): move it away or restore it",
                exit_code=SERVICE_MISSING,
            ) from None
        await self.carrier.start()

    async def stop(self) -> None:
        await self.carrier.stop()
        await self._network.stop()

    def end_waits(self) -> None:
        self._network.end_waits()

    def router(self, clock: ClockDoor) -> APIRouter:
        # Keys, recordings and retries of all accounts go by it.
        may_move = partial(require_operator, to="move the clock of the whole server")
        return build_router(self._network, clock, self._links, may_move=may_move)

    def open_router(self) -> APIRouter:
        router = APIRouter()
        router.include_router(build_media_router(self._network))
        router.include_router(build_talk_router(self._network, self._origins))
        return router

    def timed(self) -> list[Timed]:
        async def wake() -> None:
            self._network.wake()

        return [Timed(self._network.next_due, self._network.idle, wake)]

    async def trouble(self) -> str | None:
        return None

    async def first_handset(self) -> str | None:
        _, total = await self._network.list_handsets(1, 0)
        if total == 0:
            return (await self._network.create_handset(name=_FIRST_NAME)).e164
        found, _ = await self._network.list_handsets(1, total - 1)
        return found[0].e164 if found else None


class RemoteLine:
    """The network at `url`, for a server that is reached at `own_url`; pages of these `origins` may join its calls."""

    def __init__(
        self, url: str, *, answer_timeout_s: float, own_url: str, origins: Iterable[str] = ()
    ) -> None:
        self._url = url.rstrip("/")
        carrier = RemoteSimulatedCarrier(url, answer_timeout_s=answer_timeout_s)
        self.carrier: Carrier = carrier
        self._network = RemoteNetwork(url, own_url=own_url, after_change=carrier.refresh, origins=origins)

    async def start(self) -> None:
        await self._network.start()
        await self.carrier.start()

    async def stop(self) -> None:
        await self.carrier.stop()
        await self._network.stop()

    def end_waits(self) -> None:
        """Those of the other process are its own."""

    def router(self, clock: ClockDoor) -> APIRouter:
        return self._network.router()

    def open_router(self) -> APIRouter:
        return self._network.open_router()

    def timed(self) -> list[Timed]:
        return []

    async def trouble(self) -> str | None:
        return await self._network.trouble()

    async def first_handset(self) -> str | None:
        import aiohttp

        handsets = f"{self._url}/sim/v1/handsets"
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session:
                async with session.get(handsets, params={"limit": "1"}) as answer:
                    page = await answer.json()
                if page["total"] == 0:
                    async with session.post(handsets, json={"name": _FIRST_NAME}) as made:
                        return _number(await made.json())
                last = {"limit": "1", "offset": str(page["total"] - 1)}
                async with session.get(handsets, params=last) as answer:
                    return _number((await answer.json())["data"][0])
        except (aiohttp.ClientError, TimeoutError, KeyError, IndexError):
            return None


def _number(handset: dict[str, Any]) -> str:
    return str(handset["phoneNumber"])
